package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/ladder"
)

// picture draws a ladder as SVG: of what wire remembers, of a capture, or of a file that wire watch --json has
// written; with --last of the connection alone that began last.
func picture(ctx context.Context, a *asker) error {
	f := app.Flags()
	conn := f.Int("conn", 0, "")
	last := f.Bool("last", false, "")
	since := f.Int("since", -1000, "")
	service := f.String("service", "", "")
	l := looks(f, 96)
	words, err := app.ParseFlags(f, a.Args)
	switch {
	case err != nil:
		return err
	case len(words) > 1:
		return failure.Usage(language.Errorf("一个文件, 或没有", "one file, or none"))
	case onTTY(a.Stdout):
		return failure.Hint(errors.New(a.words.NotToTTY), errors.New("wire picture > ladder.svg"))
	}
	d := a.drawer(l)
	d.Width, d.Colour, d.Light, d.eachChange = min(*l.width, 300), true, false, true
	p := recent{last: *last}
	if len(words) == 1 {
		_, err = a.file(ctx, words[0], *service, d, of(*conn, p.add))
	} else {
		d.names = a.names(ctx)
		err = a.remembered(ctx, wire.Query{Since: *since, Conn: *conn}, *last, given(f, "since"), p.add)
	}
	switch {
	case err != nil:
		return err
	case p.records == 0 && *conn != 0 && len(words) == 0:
		return a.noConn(ctx, *conn)
	case p.records == 0:
		return errors.New(a.words.NoPackets)
	}
	var lines []string
	if p.before > 0 {
		lines = append(lines, d.Note(fmt.Sprintf(a.words.NotDrawn, p.before)))
	}
	for _, e := range p.events {
		if e.Change != nil {
			lines = append(lines, d.Change(e.Change))
		} else {
			lines = append(lines, d.record(e.Record)...)
		}
	}
	_, err = io.WriteString(a.Stdout, ladder.SVG(append(lines, d.rest(&a.words)...), *l.light))
	return err
}

// remembered calls each with what wire remembers; with last of the connection that began last.
func (a *asker) remembered(ctx context.Context, q wire.Query, last, sinceGiven bool, each each) error {
	if last && q.Conn == 0 {
		all, err := a.wire.Connections(ctx)
		if err != nil {
			return err
		}
		for _, c := range all.Connections {
			q.Conn = max(q.Conn, c.Ordinal)
		}
	}
	if q.Conn != 0 && !sinceGiven {
		q.Since = 0 // from its beginning
	}
	return a.past(ctx, q, func(int, int) {}, each)
}

// recent keeps as many records as make a picture to be looked at: the latest, or the latest of the connection that
// began last.
type recent struct {
	last    bool
	conn    int
	events  []wire.Event
	records int // of them
	before  int // how many there were before these
}

func (p *recent) add(e wire.Event) error {
	const most = 200
	r := e.Record
	switch {
	case r == nil:
		p.before += e.Missed
	case p.last && r.Conn < p.conn:
		return nil
	case p.last && r.Conn > p.conn:
		*p = recent{last: true, conn: r.Conn, events: p.changes()}
	}
	if r != nil {
		p.records++
	}
	if r != nil || e.Change != nil {
		p.events = append(p.events, e)
	}
	for ; p.records > most || len(p.events) > 2*most; p.events = p.events[1:] {
		if p.events[0].Record != nil {
			p.records--
			p.before++
		}
	}
	return nil
}

// changes are those that stand behind the last record: what comes next may be what they are about.
func (p *recent) changes() []wire.Event {
	i := len(p.events)
	for i > 0 && p.events[i-1].Change != nil {
		i--
	}
	return slices.Clone(p.events[i:])
}
