package main

import (
	"context"
	"errors"
	"fmt"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/pcap"
)

// read shows the ladder of a capture that anybody made, from a file or from standard input. It asks no wire.
func read(ctx context.Context, a *asker) error {
	f := app.Flags()
	asJSON := f.Bool("json", false, "")
	service := f.String("service", "", "")
	conn := f.Int("conn", 0, "")
	l := looks(f, 0)
	words, err := app.ParseFlags(f, a.Args)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return failure.Usage(language.Errorf("哪个文件? wire read FILE, 或 wire read - 读标准输入", "which file? wire read FILE, or wire read - for standard input"))
	}
	t := a.teller(*asJSON, l)
	shown := 0
	tell := t.tell
	left, err := a.file(ctx, words[0], *service, t.drawer, of(*conn, func(e wire.Event) error {
		shown++
		return tell(e)
	}))
	if shown == 0 && err == nil && *conn != 0 {
		err = language.Errorf("文件里没有连接 %d", "the file has no connection %d", *conn)
	}
	if !*asJSON {
		for _, line := range append(t.drawer.rest(&a.words), a.words.left(left)...) {
			fmt.Fprintln(t.out, t.drawer.Note(line))
		}
	}
	return errors.Join(t.out.Flush(), err)
}

// left says what of a capture became no record.
func (w *phrases) left(l pcap.Left) (lines []string) {
	if l.Elsewhere > 0 {
		lines = append(lines, fmt.Sprintf(w.Elsewhere, l.Elsewhere))
	}
	if l.NotIP > 0 {
		lines = append(lines, fmt.Sprintf(w.NotIP, l.NotIP))
	}
	if l.Unknown > 0 {
		lines = append(lines, fmt.Sprintf(w.UnknownLink, l.Unknown, l.Link))
	}
	return lines
}
