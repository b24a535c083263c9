package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
	"netlab.example/services/wire/screen"
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

// once tells what there is, and what of it is left out.
func (a *asker) once(ctx context.Context, q wire.Query, t *teller) error {
	shown := 0
	err := a.past(ctx, q, func(from, before int) {
		if q.Conn == 0 && before > 0 {
			t.note(fmt.Sprintf(a.words.LeftOut, before))
		}
	}, func(e wire.Event) error {
		if e.Record != nil {
			shown++
		}
		return t.tell(e)
	})
	if err == nil && shown == 0 && q.Conn != 0 {
		err = a.noConn(ctx, q.Conn)
	}
	for _, line := range t.drawer.rest(&a.words) {
		t.note(line)
	}
	return errors.Join(t.out.Flush(), err)
}

// noConn says why a connection has no packets to show.
func (a *asker) noConn(ctx context.Context, conn int) error {
	all, err := a.wire.Connections(ctx)
	if err != nil {
		return err
	}
	latest := 0
	for _, c := range all.Connections {
		latest = max(latest, c.Ordinal)
	}
	switch {
	case latest == 0:
		return language.Errorf("还没有连接", "there has been no connection yet")
	case conn > latest:
		return language.Errorf("还没有连接 %d; 最近的是 %d", "there has been no connection %d yet; the latest is %d", conn, latest)
	}
	return language.Errorf("连接 %d 的数据包已被忘记", "the packets of connection %d are forgotten", conn)
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

// start is where a reader begins that counts from the end: what was forgotten long ago is no gap in what it reads.
func start(n int, s wire.Status) int {
	if n >= 0 {
		return n
	}
	return max(s.Memory.Last+n, s.Memory.Forgotten)
}

// past calls each as Client.Follow does, with the records up to the newest that there is now. What comes in the
// meantime is left out: on a busy link that never ends. Before that it calls begin with the place where it begins,
// and how many packets there are before.
func (a *asker) past(ctx context.Context, q wire.Query, begin func(from, before int), each each) error {
	status, err := a.wire.Status(ctx)
	if err != nil {
		return err
	}
	newest := status.Memory.Last
	q.Since = start(q.Since, status)
	begin(q.Since, max(min(q.Since, newest)-status.Memory.Forgotten, 0))
	for q.Since < newest {
		page, err := a.wire.Records(ctx, q)
		if err != nil {
			return err
		}
		if page.Missed > 0 {
			if err := each(wire.Event{Missed: page.Missed}); err != nil {
				return err
			}
		}
		for _, e := range page.Events() {
			if e.Record != nil && e.Record.ID > newest {
				return nil
			}
			if err := each(e); err != nil {
				return err
			}
		}
		if page.Next <= q.Since { // wire was started anew, and counts from 1
			return nil
		}
		q.Since = page.Next
	}
	return nil
}

// live is the full screen. Two goroutines feed it: one follows the records, one asks every second how
// wire and its link are.
func (a *asker) live(ctx context.Context, q wire.Query, l look) error {
	status, err := a.wire.Status(ctx)
	if err != nil {
		return err // before the screen changes
	}
	if q.Conn != 0 && q.Since == 0 {
		q.Since = -1000 // what lies before is asked for when somebody scrolls there
	}
	q.Since = start(q.Since, status)
	ctx, stop := context.WithCancel(ctx)
	var feeding sync.WaitGroup
	defer feeding.Wait()
	defer stop()
	var feed screen.Feed
	feeding.Go(func() {
		err := a.wire.Follow(ctx, wire.Query{Since: q.Since}, func(e wire.Event) error {
			feed.Add(e)
			return nil
		})
		if errors.Is(err, wire.ErrEnded) {
			err = errors.New(a.words.Ended)
		}
		feed.End(err)
	})
	feeding.Go(func() {
		every := time.NewTicker(time.Second)
		defer every.Stop()
		names := a.names(ctx)
		for {
			feed.Say(a.title(ctx))
			feed.Call(names())
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
		}
	})
	past := func(since int) []wire.Event {
		page, err := a.wire.Records(ctx, wire.Query{Since: since})
		if err != nil {
			return nil
		}
		return page.Events()
	}
	o := screen.Options{Conn: q.Conn, Lang: a.Lang.People, Light: *l.light, Delta: *l.delta, NoACKs: *l.hideACKs, Past: past}
	return screen.Run(ctx, &feed, o, a.Stdin, a.Stdout)
}

// names asks what Docker calls the containers. Outside of a lab nobody answers, which is no failure.
func (a *asker) names(ctx context.Context) func() map[string]string {
	return func() map[string]string {
		n, err := a.wire.Names(ctx)
		if err != nil {
			return nil
		}
		return n.Names
	}
}

// title says what is watched, how, and what the link does to it.
func (a *asker) title(ctx context.Context) (title, notice string) {
	s, err := a.wire.Status(ctx)
	if err != nil {
		return "wire", ""
	}
	title = fmt.Sprintf("wire · %s · %s", s.Service, s.Mechanism)
	if l, err := a.wire.Link(ctx); err == nil && l.Line != "" {
		title += " · " + l.Line
	}
	if s.Unseen > 0 {
		notice = fmt.Sprintf(a.words.Unseen, s.Unseen)
	}
	if !s.Impairs {
		notice = a.words.Watching
	}
	return title, notice
}
