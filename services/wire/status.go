package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"netlab.example/pkg/app"
	"netlab.example/pkg/text"
	"netlab.example/pkg/wire"
)

// status says what wire does here, what it cannot do and why, and what it never saw.
func status(ctx context.Context, a *asker) error {
	f := app.Flags()
	asJSON := f.Bool("json", false, "")
	changed := f.Bool("changed", false, "")
	if err := parseNone(f, a.Args); err != nil {
		return err
	}
	s, err := a.wire.Status(ctx)
	switch {
	case err != nil:
		return err
	case *asJSON:
		return a.printJSON(s)
	case *changed:
		return a.changed(s)
	}
	line := cmp.Or(s.Link, a.words.LinkClear)
	rows := [][]string{
		{a.words.Service, text.Escape(s.Service)},
		{a.words.Mechanism, text.Escape(string(s.Mechanism)) + " · " + a.words.mechanism(s.Mechanism)},
		{a.words.Interface, fmt.Sprintf("%s, MTU %d", text.Escape(s.Interface), s.MTU)},
		{a.words.Link, text.Escape(line)},
		{a.words.Packets, fmt.Sprintf(a.words.Remembered, s.Memory.Last, s.Memory.Last-s.Memory.Forgotten, s.Memory.Bytes>>20)},
		{a.words.NotSeen, fmt.Sprint(s.Unseen)},
		{a.words.Waiting, fmt.Sprint(s.Waiting)},
	}
	if s.Gaps.Times > 0 {
		rows = append(rows, []string{a.words.StoodStill, fmt.Sprintf(a.words.Gaps, s.Gaps.Times, s.Gaps.Time.Round(10*time.Millisecond))})
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

// changed prints a line for each thing that is not as it was at the start, and nothing if there is none: for somebody
// who starts the lab and does not know what others have left.
func (a *asker) changed(s wire.Status) error {
	if len(s.Changed) == 0 {
		return nil
	}
	lines := make([]string, len(s.Changed))
	for i, line := range s.Changed {
		lines[i] = text.Escape(line)
	}
	return a.print(lines...)
}

// reset makes everything as it was at the start: link and faults, and no records.
func reset(ctx context.Context, a *asker) error {
	if err := parseNone(app.Flags(), a.Args); err != nil {
		return err
	}
	s, err := a.wire.Reset(ctx)
	if err != nil {
		return err
	}
	return a.print(fmt.Sprintf(a.words.WasReset, text.Escape(cmp.Or(s.Link, a.words.LinkClear))))
}
