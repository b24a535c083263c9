package main

import (
	"context"
	"errors"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/wire"
)

// captureCommand writes pcapng to standard output: what wire remembers, or with --follow what comes, too.
func captureCommand(ctx context.Context, a *asker) error {
	f := app.Flags()
	follow := f.Bool("follow", false, "")
	conn := f.Int("conn", 0, "")
	since := f.Int("since", 0, "")
	if err := parseNone(f, a.Args); err != nil {
		return err
	}
	if onTTY(a.Stdout) {
		return failure.Hint(errors.New(a.words.NotToTTY), errors.New("wire capture > lab.pcapng; wire capture --follow | wireshark -k -i -"))
	}
	return a.wire.Capture(ctx, wire.Query{Since: *since, Conn: *conn}, *follow, a.Stdout)
}
