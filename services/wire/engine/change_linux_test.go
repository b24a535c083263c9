package engine

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"netlab.example/pkg/wire"
)

// TestStandsStill: packets bypass a wire that is stopped, and afterwards it says for how long it was.
func TestStandsStill(t *testing.T) {
	both(t, func(t *testing.T, host string) {
		l := newLab(t)
		go greet(l.listen("tcp", ":8080"))
		w := startImpairing(t, l, "tcp://:8080")
		if got := ask(t, l.dial("tcp", net.JoinHostPort(host, "8080"))); got != "Hello World, Michael!" {
			t.Errorf("answer %q", got)
		}
		before := w.until("the end", ends).ID
		w.cmd.Process.Signal(syscall.SIGSTOP)
		for range 3 { // the first may have to send its SYN again
			if got := ask(t, l.dial("tcp", net.JoinHostPort(host, "8080"))); got != "Hello World, Michael!" {
				t.Errorf("answer %q while wire is stopped", got)
			}
		}
		w.cmd.Process.Signal(syscall.SIGCONT)
		gap := w.await("the gap", func(l line) bool { return l.Change != nil && l.Change.Kind == wire.ChangeGap }).Change
		if !strings.HasPrefix(gap.Line, "stood still for ") || gap.After < before {
			t.Errorf("%+v, and the last packet before was #%d", gap, before)
		}
		if s := w.askStatus(); s.Gaps.Times != 1 || s.Gaps.Time <= 0 || s.Gaps.Time > time.Minute {
			t.Errorf("%+v", s.Gaps)
		}
		if got := ask(t, l.dial("tcp", net.JoinHostPort(host, "8080"))); got != "Hello World, Michael!" {
			t.Errorf("answer %q", got)
		}
		w.until("a packet of a connection after the gap", func(r *wire.Record) bool { return r.Begins && r.ID > gap.After && r.Fate.What == wire.Delivered })
	})
}

// TestAlive: while wire is alive nothing bypasses it, for longer than an element of the set lasts.
func TestAlive(t *testing.T) {
	l := newLab(t)
	go echo(l.listenPacket(":1314"))
	w := startImpairing(t, l, "udp://:1314")
	conn := l.dial("udp", server4+":1314")
	const n = 40
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for i := range n {
		<-tick.C
		fmt.Fprintf(conn, "%d", i)
		if got := read(t, conn); got != fmt.Sprint(i) {
			t.Fatalf("%q", got)
		}
	}
	if s := w.askStatus(); s.Memory.Last != 2*n || s.Gaps.Times != 0 {
		t.Errorf("%d of %d packets were seen; %+v", s.Memory.Last, 2*n, s.Gaps)
	}
}

// TestIdle: an idle wire, which says less often that it is alive, does what was planned, and misses nothing afterwards.
func TestIdle(t *testing.T) {
	l := newLab(t)
	go echo(l.listenPacket(":1314"))
	w := startImpairing(t, l, "udp://:1314")
	conn := l.dial("udp", server4+":1314")
	w.tell("link delay=1ms for 4s")
	end := w.await("the end", func(l line) bool { return l.Change != nil && strings.HasSuffix(l.Change.Line, " ends") }).Change
	if end.After != 0 || end.Line != "link delay=1ms ends" {
		t.Errorf("%+v", end)
	}
	fmt.Fprint(conn, "here")
	if got := read(t, conn); got != "here" {
		t.Fatalf("%q", got)
	}
	if s := w.askStatus(); s.Memory.Last != 2 || s.Gaps.Times != 0 || s.Link != "" {
		t.Errorf("%d of 2 packets were seen, the link is %q; %+v", s.Memory.Last, s.Link, s.Gaps)
	}
}

// TestClearFrees: what waits when the link is cleared goes on at once, in order.
func TestClearFrees(t *testing.T) {
	l := newLab(t)
	go echo(l.listenPacket(":1314"))
	w := startImpairing(t, l, "udp://:1314")
	conn := l.dial("udp", server4+":1314")
	w.tell("link delay=1m")
	const n = 10
	for i := range n {
		fmt.Fprintf(conn, "%d", i)
		w.until("the question", func(r *wire.Record) bool { return r.Dir == wire.In && r.Fate.What == wire.Delayed })
	}
	if s := w.askStatus(); s.Waiting != n {
		t.Errorf("%d packets wait", s.Waiting)
	}
	w.tell("link clear")
	for i := range n {
		if got := read(t, conn); got != fmt.Sprint(i) {
			t.Fatalf("answer %d is %q", i, got)
		}
	}
	if s := w.askStatus(); s.Waiting != 0 || s.Link != "" {
		t.Errorf("%d packets wait, link %q", s.Waiting, s.Link)
	}
}

// TestReset: wire ends a connection, both sides hear it, and the list says that it was wire.
func TestReset(t *testing.T) {
	both(t, func(t *testing.T, host string) {
		for _, tc := range []struct{ line, cause string }{
			{"reset data #2 to server", "reset data #2 to server"},
			{"reset data #2 to client", "reset data #2 to client"},
		} {
			l := newLab(t)
			ended := make(chan error, 1)
			ln := l.listen("tcp", ":8080")
			go func() {
				conn, err := ln.Accept()
				if err == nil {
					_, err = io.Copy(conn, conn)
				}
				ended <- err
			}()
			w := startImpairing(t, l, "tcp://:8080")
			w.tell("%s", tc.line)
			conn := l.dial("tcp", net.JoinHostPort(host, "8080"))
			b := make([]byte, 100)
			io.WriteString(conn, "one")
			if n, err := conn.Read(b); string(b[:n]) != "one" || err != nil {
				t.Fatalf("%q %v", b[:n], err)
			}
			io.WriteString(conn, "two")
			if n, err := conn.Read(b); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s: the client reads %q, %v", tc.line, b[:n], err)
			}
			if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s: the server reads %v", tc.line, err)
			}
			w.until("the second RST", func(r *wire.Record) bool { return r.Fate.What == wire.Made && len(pick(w.past, made)) == 2 })
			rsts := pick(w.past, made)
			for _, r := range rsts {
				if !r.Packet.TCP.Flags.Has(wire.RST) || r.Fate.Cause != tc.cause || r.Fate.Fault != 1 || r.Conn != 1 {
					t.Errorf("%s: %+v", tc.line, r)
				}
			}
			if rsts[0].Dir == rsts[1].Dir || w.past[len(w.past)-3].Fate.What != wire.Dropped {
				t.Errorf("%s:\n%s", tc.line, w.story())
			}
			conn.Close()
		}
	})
}

func made(r *wire.Record) bool { return r.Fate.What == wire.Made }

// TestBlackhole: one client's server vanishes, another's does not; nobody is told, and after its time it is back.
func TestBlackhole(t *testing.T) {
	l := newLab(t)
	go echoTCP(l.listen("tcp", ":8080"))
	w := startImpairing(t, l, "tcp://:8080")
	one, two := l.dial("tcp", server4+":8080"), l.dial("tcp", server4+":8080")
	w.tell("link blackhole on c1 for 2s")
	say := func(conn net.Conn, text string) {
		t.Helper()
		b := make([]byte, 100)
		io.WriteString(conn, text)
		if n, err := conn.Read(b); string(b[:n]) != text || err != nil {
			t.Fatalf("%q %v", b[:n], err)
		}
	}
	say(two, "here") // at once
	say(one, "back") // by a retransmission after the two seconds
	if r := w.until("the end of the hole", func(r *wire.Record) bool { return r.Dir == wire.Out && string(r.Payload()) == "back" }); r.Fate.What != wire.Delivered {
		t.Errorf("%+v", r.Fate)
	}
	lost := pick(w.past, func(r *wire.Record) bool { return r.Fate.What == wire.Dropped })
	if len(lost) == 0 {
		t.Errorf("nothing was lost:\n%s", w.story())
	}
	for _, r := range lost {
		if r.Conn != 1 || r.Fate.Cause != "black hole to server" {
			t.Errorf("%s", tell(r))
		}
	}
	if len(w.changes) != 2 || w.changes[0].Line != "link blackhole on c1 for 2s" || w.changes[1].Line != "link blackhole ends" || w.changes[0].By != "test" {
		t.Errorf("%+v", w.changes)
	}
}

// TestStart: what is asked for at the start holds from the first packet; what was changed since is said, and a reset
// brings the start back.
func TestStart(t *testing.T) {
	l := newLab(t)
	go greet(l.listen("tcp", ":8080"))
	t.Setenv(startVariable, "link out.delay=20ms; drop data #1 to client")
	w := startImpairing(t, l, "tcp://:8080")
	check := func(link string, faults int, changed ...string) {
		t.Helper()
		if s := w.askStatus(); s.Link != link || s.Faults != faults || !slices.Equal(s.Changed, changed) {
			t.Errorf("link %q, %d faults, changed %q", s.Link, s.Faults, s.Changed)
		}
	}
	check("out.delay=20ms", 1)
	for range 2 {
		if got := ask(t, l.dial("tcp", server4+":8080")); got != "Hello World, Michael!" {
			t.Errorf("answer %q", got)
		}
		w.until("the end", ends)
		out := pick(w.past, data(wire.Out))
		if len(out) < 2 || out[0].Fate.Cause != "drop data #1 to client" || w.past[1].Fate.What != wire.Delayed {
			t.Errorf("from the start:\n%s", w.story())
		}
		w.tell("link delay=1ms loss=90%%")
		w.tell("drop SYN #1")
		check("in.loss=90% in.delay=1ms out.loss=90% out.delay=1ms", 1, "link in.loss=90% in.delay=1ms out.loss=90% out.delay=1ms", "drop SYN #1 to server")
		w.tell("reset")
		w.past = nil
		fmt.Fprintln(w.stdin, "status")
		s := w.await("status", func(l line) bool { return l.Status != nil }).Status
		if s.Link != "out.delay=20ms" || s.Faults != 1 || len(s.Changed) != 0 || s.Memory.First != 0 || s.Memory.Bytes != 0 {
			t.Errorf("after the reset: %+v", s)
		}
	}
	if last := w.changes[len(w.changes)-1]; !slices.ContainsFunc(w.changes, func(c wire.Change) bool { return c.Kind == wire.ChangeReset }) || last.By != "test" {
		t.Errorf("%+v", w.changes)
	}
}
