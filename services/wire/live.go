package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"netlab.example/pkg/wire"
	"netlab.example/services/wire/screen"
)

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
