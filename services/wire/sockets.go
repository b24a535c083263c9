package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"netlab.example/pkg/wire"
)

// socketsCommand shows the service's sockets as the kernel has them; with --follow again and again.
func socketsCommand(ctx context.Context, a *asker) error {
	f := flags()
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
			lines := a.socketLines(s)
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

func (a *asker) socketLines(s wire.Sockets) []string {
	if len(s.Sockets) == 0 {
		return []string{a.words.NoSockets}
	}
	rows := [][]string{a.words.SocketHead[:]}
	for _, x := range s.Sockets {
		remote := x.Remote.String()
		if x.Remote.Port() == 0 {
			remote = "*"
		}
		rows = append(rows, []string{string(x.State), x.Local.String(), remote, fmt.Sprint(x.RecvQ), fmt.Sprint(x.SendQ), a.words.socketNote(x)})
	}
	lines := table(rows)
	if s.More > 0 {
		lines = append(lines, fmt.Sprintf(a.words.MoreSockets, s.More))
	}
	return lines
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
	f := flags()
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
		if meaning := a.words.Meanings[strings.Replace(x.Name, "Udp6.", "Udp.", 1)]; meaning != "" || *all {
			rows = append(rows, []string{x.Name, fmt.Sprintf("%+d", x.Delta), meaning})
		}
	}
	if len(rows) == 0 {
		return a.print(a.words.NothingCounted)
	}
	return a.print(append([]string{fmt.Sprintf(a.words.CountedSince, c.Since.Local().Format("15:04:05"))}, table(rows)...)...)
}
