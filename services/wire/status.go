package main

import (
	"context"
	"fmt"

	"netlab.example/pkg/text"
)

// status says what wire does here, what it cannot do and why, and what it never saw.
func status(ctx context.Context, a *asker) error {
	f := flags()
	asJSON := f.Bool("json", false, "")
	if err := parseNone(f, a.Args); err != nil {
		return err
	}
	s, err := a.wire.Status(ctx)
	switch {
	case err != nil:
		return err
	case *asJSON:
		return a.printJSON(s)
	}
	l, err := a.wire.Link(ctx)
	if err != nil {
		return err
	}
	line := l.Line
	if line == "" {
		line = a.words.LinkClear
	}
	rows := [][]string{
		{a.words.Service, text.Escape(s.Service)},
		{a.words.Mechanism, text.Escape(string(s.Mechanism)) + " · " + a.words.mechanism(s.Mechanism)},
		{a.words.Interface, fmt.Sprintf("%s, MTU %d", text.Escape(s.Interface), s.MTU)},
		{a.words.Link, text.Escape(line)},
		{a.words.Packets, fmt.Sprintf(a.words.Remembered, s.Memory.Last, s.Memory.Last-s.Memory.Forgotten, s.Memory.Bytes>>20)},
		{a.words.NotSeen, fmt.Sprint(s.Unseen)},
		{a.words.Waiting, fmt.Sprint(s.Waiting)},
	}
	if s.Refused > 0 {
		rows = append(rows, []string{a.words.NotSent, fmt.Sprint(s.Refused)})
	}
	for i, limit := range s.Limits {
		name := ""
		if i == 0 {
			name = a.words.Limits
		}
		rows = append(rows, []string{name, text.Escape(a.words.limit(limit))})
	}
	return a.print(table(rows)...)
}
