package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/ladder"
)

// picture draws a ladder as SVG: of what wire remembers, or of a file that wire watch --json has written;
// with --last of the connection of the last packet alone.
func picture(ctx context.Context, a *asker) error {
	f := flags()
	conn := f.Int("conn", 0, "")
	last := f.Bool("last", false, "")
	since := f.Int("since", -1000, "")
	width := f.Int("width", 96, "")
	words, err := parse(f, a.Args)
	if err != nil {
		return err
	}
	if len(words) > 1 {
		return failure.Usage(language.Errorf("一个文件, 或没有", "one file, or none"))
	}
	if onTTY(a.Stdout) {
		return failure.Hint(errors.New(a.words.NotToTTY), errors.New("wire picture > ladder.svg"))
	}
	l := latest{of: map[int][]*wire.Record{}, apart: *last}
	if len(words) == 1 {
		err = a.recordsOf(words[0], *conn, l.add)
	} else {
		err = a.past(ctx, wire.Query{Since: *since, Conn: *conn}, l.add)
	}
	rs := l.of[l.newest]
	switch {
	case err != nil:
		return err
	case len(rs) == 0:
		return errors.New(a.words.NoPackets)
	}
	v := ladder.View{Width: min(*width, 300), Lang: a.Lang.People, Colour: true, Start: rs[0].Time}
	var lines []string
	for i, r := range rs {
		if i == 0 || r.Conn != rs[i-1].Conn {
			lines = append(lines, v.Head(r)...)
		}
		lines = append(lines, v.Render(r)...)
	}
	_, err = io.WriteString(a.Stdout, ladder.SVG(lines))
	return err
}

// latest keeps as many records as make a picture to be looked at, of each connection apart or of all together.
type latest struct {
	of     map[int][]*wire.Record // by connection, or all at 0
	apart  bool
	newest int // which of them has the last packet
}

func (l *latest) add(r *wire.Record, _ int) error {
	const most = 200
	if r == nil {
		return nil
	}
	if l.apart {
		l.newest = r.Conn
	}
	rs := l.of[l.newest]
	l.of[l.newest] = append(rs[max(len(rs)-most+1, 0):], r)
	return nil
}

// recordsOf calls each with the records of a file of NDJSON, where lines that say how many are missing are let be.
func (a *asker) recordsOf(name string, conn int, each func(*wire.Record, int) error) error {
	text, err := a.readAll(name, 16<<20)
	if err != nil {
		return fmt.Errorf("%s: cannot be read: %v", name, err)
	}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		r := &wire.Record{}
		if err := json.Unmarshal(line, r); err != nil {
			return fmt.Errorf("%s, line %d: no record: %s", name, n, strings.TrimSpace(err.Error()))
		}
		if r.ID > 0 && (conn == 0 || r.Conn == conn) {
			each(r, 0)
		}
	}
	return nil
}
