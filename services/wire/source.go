package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/text"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/pcap"
)

// each is called with what is told of a list of packets, in its order.
type each func(wire.Event) error

// errEnough ends a reading that has what it wanted. It is no failure.
var errEnough = errors.New("enough")

// file calls each with the records of a file, or of standard input for "-": a capture, or lines that wire watch
// --json has written. left says what of a capture became no record.
// The middle column of d is then where the capture was made, unless a wire made it.
func (a *asker) file(ctx context.Context, name, service string, d *drawer, do each) (left pcap.Left, err error) {
	debug.SetMemoryLimit(96 << 20) // what is remembered of 4096 connections takes some
	o := pcap.Options{Keep: 65535}
	if service != "" {
		if o.Service, err = wire.ParseService(service); err != nil {
			return left, failure.Usage(err)
		}
	}
	in := a.Stdin
	if name != "-" {
		if in, err = os.Open(name); err != nil {
			return left, unreadable(name, err)
		}
		defer in.Close()
	}
	buffered := bufio.NewReaderSize(in, 64<<10)
	if first, _ := buffered.Peek(1); len(first) == 1 && first[0] == '{' {
		err = lines(ctx, buffered, do)
	} else {
		d.Middle = a.words.Capture
		left, err = frames(ctx, buffered, o, d, do)
	}
	switch {
	case errors.Is(err, errEnough), err == nil:
		return left, nil
	case errors.Is(err, os.ErrClosed), ctx.Err() != nil:
		return left, ctx.Err()
	}
	if _, isPath := errors.AsType[*os.PathError](err); isPath { // a folder, for example
		return left, unreadable(name, err)
	}
	return left, fmt.Errorf("%s: %w", text.Escape(name), err)
}

// unreadable is an error of the file system in both languages, if it is one of the usual ones.
func unreadable(name string, err error) error {
	name = text.Escape(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return language.Errorf("没有文件 %s", "there is no file %s", name)
	case errors.Is(err, os.ErrPermission):
		return language.Errorf("没有读 %s 的权限", "%s may not be read", name)
	}
	return language.Errorf("%s 不能读: %s", "%s cannot be read: %s", name, err.Error())
}

func frames(ctx context.Context, in io.Reader, o pcap.Options, d *drawer, do each) (pcap.Left, error) {
	r, err := pcap.NewReader(in, o)
	if err != nil {
		return pcap.Left{}, err
	}
	for ctx.Err() == nil {
		rec, err := r.Next()
		if err == io.EOF {
			break
		}
		if r.Own() {
			d.Middle = ""
		}
		if err == nil {
			err = do(wire.Event{Record: rec})
		}
		if err != nil {
			return r.Left(), err
		}
	}
	return r.Left(), ctx.Err()
}

// maxLine is more than a record's line ever has: 64 KiB of bytes, in base64, and its numbers.
const maxLine = 1 << 20

// lines reads NDJSON. Lines that hold no record say how many are missing, or what was changed.
func lines(ctx context.Context, in *bufio.Reader, do each) error {
	scan := bufio.NewScanner(in)
	scan.Buffer(make([]byte, 64<<10), maxLine)
	for n := 1; scan.Scan() && ctx.Err() == nil; n++ {
		line := bytes.TrimSpace(scan.Bytes())
		if len(line) == 0 {
			continue
		}
		var told struct {
			wire.Record
			Change *wire.Change `json:"change"`
			Missed int          `json:"missed"`
		}
		if err := json.Unmarshal(line, &told); err != nil {
			return language.Errorf("第 %d 行不是记录: %v", "line %d is no record: %v", n, err)
		}
		e := wire.Event{Change: told.Change, Missed: told.Missed}
		if told.ID > 0 {
			e.Record = &told.Record
		}
		if e == (wire.Event{}) {
			continue
		}
		if err := do(e); err != nil {
			return err
		}
	}
	if errors.Is(scan.Err(), bufio.ErrTooLong) {
		return language.Errorf("一行超过 1 MiB", "a line of more than 1 MiB")
	}
	return scan.Err()
}

// of passes on the records of one connection alone; 0 is all.
func of(conn int, do each) each {
	return func(e wire.Event) error {
		if e.Record != nil && conn != 0 && e.Record.Conn != conn {
			return nil
		}
		return do(e)
	}
}
