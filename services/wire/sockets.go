package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rivo/uniseg"

	"netlab.example/pkg/app"
	"netlab.example/pkg/wire"
)

// socketsCommand shows the service's sockets as the kernel has them; with --follow again and again.
func socketsCommand(ctx context.Context, a *asker) error {
	f := app.Flags()
	asJSON := f.Bool("json", false, "")
	follow := f.Bool("follow", false, "")
	if err := parseNone(f, a.Args); err != nil {
		return err
	}
	every := time.NewTicker(500 * time.Millisecond)
	defer every.Stop()
	for {
		s, err := a.wire.Sockets(ctx)
		if err != nil {
			return err
		}
		if *asJSON {
			err = a.printJSON(s)
		} else {
			lines := a.socketLines(s, a.view(0).Width)
			switch {
			case *follow && onTTY(a.Stdout):
				lines[0] = "\x1b[H\x1b[2J" + lines[0] // from the top of an empty screen
			case *follow:
				lines = append(lines, "")
			}
			err = a.print(lines...)
		}
		if err != nil || !*follow {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
	}
}

// socketLines lays the sockets out in a table. If that is too wide, each one's note stands below it; if the
// addresses alone are too wide, each of them has a line.
func (a *asker) socketLines(s wire.Sockets, width int) []string {
	if len(s.Sockets) == 0 {
		return []string{a.words.NoSockets}
	}
	rows, notes := [][]string{a.words.SocketHead[:5]}, []string{""}
	for _, x := range s.Sockets {
		remote := x.Remote.String()
		if x.Remote.Port() == 0 {
			remote = "*"
		}
		rows = append(rows, []string{string(x.State), x.Local.String(), remote, fmt.Sprint(x.RecvQ), fmt.Sprint(x.SendQ)})
		notes = append(notes, strings.TrimSpace(a.words.socketNote(x)))
	}
	beside := make([][]string, len(rows))
	for i, row := range rows {
		beside[i] = append(slices.Clone(row), notes[i])
	}
	lines := table(beside)
	if widest(lines) > width {
		lines = below(table(rows), notes)
	}
	if widest(lines) > width {
		lines = nil
		for i, row := range rows[1:] {
			head := rows[0]
			lines = append(lines, row[0], "  "+head[1]+" "+row[1], "  "+head[2]+" "+row[2], fmt.Sprintf("  %s %s, %s %s", head[3], row[3], head[4], row[4]), "  "+notes[i+1])
		}
	}
	if s.More > 0 {
		lines = append(lines, fmt.Sprintf(a.words.MoreSockets, s.More))
	}
	return lines
}

func widest(lines []string) (cells int) {
	for _, line := range lines {
		cells = max(cells, uniseg.StringWidth(line))
	}
	return cells
}

// below puts each line's note below it.
func below(lines, notes []string) (all []string) {
	for i, line := range lines {
		if all = append(all, line); notes[i] != "" {
			all = append(all, "  "+notes[i])
		}
	}
	return all
}

// socketNote says what else is worth knowing of a socket.
func (w *phrases) socketNote(s wire.Socket) string {
	var note string
	if s.State == "LISTEN" {
		return fmt.Sprintf(w.Backlog, s.RecvQ, s.SendQ)
	}
	if t := s.TCP; t != nil && t.Cwnd > 0 {
		note = fmt.Sprintf("rtt %s rto %s cwnd %d", t.RTT.Round(10*time.Microsecond), t.RTO.Round(time.Millisecond), t.Cwnd)
		if t.Unacked > 0 {
			note += fmt.Sprintf(" unacked %d", t.Unacked)
		}
		if t.Resent > 0 {
			note += fmt.Sprintf(" "+w.Resent, t.Resent)
		}
	}
	if s.Timer != "" {
		note += fmt.Sprintf(" (%s %s)", s.Timer, s.Expires.Round(100*time.Millisecond))
	}
	return note
}

// counters shows what the kernel counted since wire began: what we have words for, or all.
func counters(ctx context.Context, a *asker) error {
	f := app.Flags()
	all := f.Bool("all", false, "")
	asJSON := f.Bool("json", false, "")
	if err := parseNone(f, a.Args); err != nil {
		return err
	}
	c, err := a.wire.Counters(ctx)
	switch {
	case err != nil:
		return err
	case *asJSON:
		return a.printJSON(c)
	}
	var rows [][]string
	for _, x := range c.Counters {
		// UDP over IPv6 is counted apart, under the same names.
		if meaning := a.words.Meanings[strings.Replace(x.Name, "Udp6.", "Udp.", 1)]; meaning != "" && !x.Shared || *all {
			rows = append(rows, []string{x.Name, fmt.Sprintf("%+d", x.Delta), meaning})
		}
	}
	if len(rows) == 0 {
		return a.print(a.words.NothingCounted)
	}
	return a.print(append([]string{fmt.Sprintf(a.words.CountedSince, c.Since.Local().Format("15:04:05 MST"))}, table(rows)...)...)
}
