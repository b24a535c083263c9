package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"netlab.example/pkg/wire"
	"netlab.example/services/wire/screen"
)

// watch shows the ladder: live on a terminal, as lines on a pipe, as NDJSON for programs.
func watch(ctx context.Context, a *asker) error {
	f := flags()
	asJSON := f.Bool("json", false, "")
	plain := f.Bool("plain", false, "")
	once := f.Bool("once", false, "")
	conn := f.Int("conn", 0, "")
	since := f.Int("since", -100, "")
	width := f.Int("width", 0, "")
	if err := parseNone(f, a.Args); err != nil {
		return err
	}
	q := wire.Query{Since: *since, Conn: *conn}
	switch {
	case !*asJSON && !*plain && !*once && onTTY(a.Stdin) && onTTY(a.Stdout):
		return a.live(ctx, *since, *conn)
	case *once:
		tell := a.teller(*asJSON, *width)
		if err := a.past(ctx, q, tell.tell); err != nil {
			return err
		}
		return tell.out.Flush()
	}
	tell := a.teller(*asJSON, *width)
	return a.wire.Follow(ctx, q, func(r *wire.Record, missed int) error {
		if err := tell.tell(r, missed); err != nil {
			return err
		}
		return tell.out.Flush()
	})
}

// teller writes records as lines.
type teller struct {
	out  *bufio.Writer
	tell func(r *wire.Record, missed int) error
}

func (a *asker) teller(asJSON bool, width int) teller {
	out := bufio.NewWriter(a.Stdout)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if asJSON {
		return teller{out, func(r *wire.Record, missed int) error {
			if r == nil {
				return enc.Encode(map[string]int{"missed": missed})
			}
			return enc.Encode(r)
		}}
	}
	v := a.view(width)
	fmt.Fprintln(out, v.Scope())
	seen := map[int]bool{}
	return teller{out, func(r *wire.Record, missed int) error {
		if r == nil {
			_, err := fmt.Fprintln(out, v.Forgotten(missed))
			return err
		}
		if v.Start.IsZero() {
			v.Start = r.Time
		}
		var lines []string
		if !seen[r.Conn] { // its addresses, once
			if len(seen) > 10_000 {
				clear(seen)
			}
			seen[r.Conn] = true
			lines = v.Head(r)
		}
		for _, line := range append(lines, v.Render(r)...) {
			fmt.Fprintln(out, line)
		}
		return nil
	}}
}

// past calls each as Client.Follow does, with the records up to the newest that there is now. What comes in the
// meantime is left out: on a busy link that never ends.
func (a *asker) past(ctx context.Context, q wire.Query, each func(r *wire.Record, missed int) error) error {
	newest, err := a.wire.Records(ctx, wire.Query{Since: -1})
	if err != nil {
		return err
	}
	if q.Since < 0 {
		q.Since = max(newest.Next+q.Since, 0)
	}
	for q.Since < newest.Next {
		page, err := a.wire.Records(ctx, q)
		if err != nil {
			return err
		}
		if page.Missed > 0 {
			if err := each(nil, page.Missed); err != nil {
				return err
			}
		}
		for _, r := range page.Records {
			if r.ID > newest.Next {
				return nil
			}
			if err := each(r, 0); err != nil {
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
func (a *asker) live(ctx context.Context, since, conn int) error {
	if _, err := a.wire.Status(ctx); err != nil {
		return err // before the screen changes
	}
	ctx, stop := context.WithCancel(ctx)
	var feeding sync.WaitGroup
	defer feeding.Wait()
	defer stop()
	var feed screen.Feed
	feeding.Go(func() {
		err := a.wire.Follow(ctx, wire.Query{Since: since}, func(r *wire.Record, missed int) error {
			feed.Add(r, missed)
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
		for {
			feed.Say(a.title(ctx))
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
		}
	})
	return screen.Run(ctx, &feed, conn, a.Lang.People, a.Stdin, a.Stdout)
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
