package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
)

// watch shows the ladder: live on a terminal, as lines on a pipe, as NDJSON for programs.
func watch(ctx context.Context, a *asker) error {
	f := app.Flags()
	asJSON := f.Bool("json", false, "")
	plain := f.Bool("plain", false, "")
	once := f.Bool("once", false, "")
	conn := f.Int("conn", 0, "")
	since := f.Int("since", -100, "")
	l := looks(f, 0)
	if err := parseNone(f, a.Args); err != nil {
		return err
	}
	if *conn < 0 {
		return failure.Usage(language.Errorf("连接从 1 开始编号", "connections are numbered from 1"))
	}
	if *conn > 0 && !given(f, "since") {
		*since = 0 // a connection from its beginning
	}
	q := wire.Query{Since: *since, Conn: *conn}
	if !*asJSON && !*plain && !*once && onTTY(a.Stdin) && onTTY(a.Stdout) {
		return a.live(ctx, q, l)
	}
	t := a.teller(*asJSON, l)
	t.drawer.names = a.names(ctx)
	t.begin()
	if *once {
		return a.once(ctx, q, t)
	}
	status, err := a.wire.Status(ctx)
	if err != nil {
		return err
	}
	q.Since = start(q.Since, status)
	return a.follow(ctx, q, t)
}

// patience is how long a follower waits for its reader. A terminal that was closed can leave a follower behind that
// writes into a pipe which nobody reads.
var patience = 30 * time.Second

// follow tells what comes, until there is no more or nobody takes it.
func (a *asker) follow(ctx context.Context, q wire.Query, t *teller) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	stuck := time.NewTimer(patience)
	stuck.Stop()
	go func() {
		ended <- a.wire.Follow(ctx, q, func(e wire.Event) error {
			stuck.Reset(patience)
			defer stuck.Stop()
			return errors.Join(t.tell(e), t.out.Flush())
		})
	}()
	select {
	case err := <-ended:
		return err
	case <-stuck.C: // the goroutine is in a write that does not end; it ends with the process
		return language.Errorf("%v 内没有人读取输出", "nobody has taken the output for %v", patience)
	}
}

// teller writes records as lines.
type teller struct {
	*json.Encoder // for --json
	out           *bufio.Writer
	drawer        *drawer
	asJSON        bool
}

func (a *asker) teller(asJSON bool, l look) *teller {
	t := &teller{out: bufio.NewWriterSize(a.Stdout, 32<<10), drawer: a.drawer(l), asJSON: asJSON}
	t.Encoder = json.NewEncoder(t.out)
	t.SetEscapeHTML(false)
	return t
}

// begin writes what stands above the first packet.
func (t *teller) begin() {
	if !t.asJSON {
		fmt.Fprintln(t.out, t.drawer.Scope())
	}
}

// note writes a line for people.
func (t *teller) note(text string) {
	if !t.asJSON {
		fmt.Fprintln(t.out, t.drawer.Note(text))
	}
}

func (t *teller) tell(e wire.Event) error {
	if t.asJSON {
		switch {
		case e.Record != nil:
			return t.Encode(e.Record)
		case e.Change != nil:
			return t.Encode(map[string]any{"change": e.Change})
		}
		return t.Encode(map[string]int{"missed": e.Missed})
	}
	var lines []string
	switch {
	case e.Record != nil:
		lines = t.drawer.record(e.Record)
	case e.Change != nil:
		lines = []string{t.drawer.Change(e.Change)}
	default:
		lines = []string{t.drawer.Forgotten(e.Missed)}
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(t.out, line); err != nil {
			return err
		}
	}
	return nil
}
