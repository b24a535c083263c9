package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"netlab.example/pkg/app"
	"netlab.example/pkg/language"
	"netlab.example/services/wire/api"
	"netlab.example/services/wire/ladder"
	"netlab.example/services/wire/record"
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
		return app.Usagef("%w", language.Errorf("一个文件, 或没有", "one file, or none"))
	}
	if onTTY(a.Stdout) {
		return app.Hint(errors.New(a.words.NotToTTY), "wire picture > ladder.svg")
	}
	var rs []*record.Record
	if len(words) == 1 {
		rs, err = a.recordsOf(words[0], *conn)
	} else {
		var page api.Page
		page, err = a.wire.Records(ctx, api.Query{Since: *since, Conn: *conn})
		rs = page.Records
	}
	if err != nil {
		return err
	}
	if len(rs) == 0 {
		return errors.New(a.words.NoPackets)
	}
	if *last {
		conn := rs[len(rs)-1].Conn
		rs = slices.DeleteFunc(rs, func(r *record.Record) bool { return r.Conn != conn })
	}
	const most = 200 // a picture is to be looked at
	rs = rs[max(len(rs)-most, 0):]
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

// recordsOf reads NDJSON: records, and lines that say how many are missing.
func (a *asker) recordsOf(name string, conn int) (rs []*record.Record, err error) {
	text, err := a.readAll(name, 16<<20)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot be read: %v", name, err)
	}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		r := &record.Record{}
		if err := json.Unmarshal(line, r); err != nil {
			return nil, fmt.Errorf("%s, line %d: no record: %s", name, n, strings.TrimSpace(err.Error()))
		}
		if r.ID > 0 && (conn == 0 || r.Conn == conn) {
			rs = append(rs, r)
		}
	}
	return rs, nil
}
