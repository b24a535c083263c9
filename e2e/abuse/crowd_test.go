package abuse

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

// Connections opened and left, ten times as many as MAX_CONNS: whoever has a request gets in all the same,
// and the server lets go of the silent ones while they still hold on. They come 20 at a time: whoever waits
// longest makes room, and that would be the good client, were MAX_CONNS others faster than its own write(2).
func TestFarTooManyConnections(t *testing.T) {
	t.Parallel()
	s := start(t, "hello-tcp", "MAX_CONNS=400", "IDLE_TIMEOUT=3s")
	s.crowded = true
	g := s.good().more(1)
	const n, width = 4000, 20
	held := make([]net.Conn, n)
	if err := crowd(width, func(i int) (err error) {
		for k := i; k < n && err == nil; k += width {
			held[k], err = s.connect(k / width) // over both kinds, in turn
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	g.more(5)
	s.settles(fmt.Sprintf("%d silent connections, never closed; MAX_CONNS 400", n), g)
	for _, c := range held {
		c.Close()
	}
}

// A full room refuses newcomers with a line, and takes them in when there is a place again.
func TestFarTooManyPeople(t *testing.T) {
	t.Parallel()
	s := start(t, "chat-server", "MAX_CONNS=100")
	g := s.good().more(1)
	var people []*member
	for i := range 98 {
		m, err := s.join(i)
		if err != nil {
			t.Fatal(err)
		}
		go io.Copy(io.Discard, m.in)
		people = append(people, m)
	}
	const refused, rude = 900, 1000
	next := atomic.Int64{}
	if err := crowd(20, func(int) error { // as many at a time as the server finds words for
		for i := next.Add(1); i <= refused; i = next.Add(1) {
			c, err := s.connect(int(i))
			if err != nil {
				return err
			}
			got, err := io.ReadAll(c)
			c.Close()
			if want := "* the room is full (100 people at most), please come again later\n"; string(got) != want || err != nil {
				return fmt.Errorf("was told %q, %v", got, err)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	held := make([]net.Conn, rude)
	if err := crowd(rude, func(i int) (err error) { // at once, and they do not go when told
		held[i], err = s.connect(i)
		return err
	}); err != nil {
		t.Error(err)
	}
	g.more(5)
	for _, m := range people {
		m.Close()
	}
	for _, c := range held {
		c.Close()
	}
	s.eventually("has places again", func() bool { return s.metric("chat_server_people") == 2 })
	m, err := s.join(0)
	if err != nil {
		t.Fatal("a newcomer, when there were places again: ", err)
	}
	m.Close()
	s.settles(fmt.Sprintf("%d newcomers told that the room of 100 is full, %d more at once", refused, rude), g)
}

// A thousand join at once, each says a line, and all leave at once: half with the word, half with a reset.
func TestThousandPeople(t *testing.T) {
	t.Parallel()
	s := start(t, "chat-server")
	g := s.good().more(1)
	const n, rounds = 1000, 2
	for range rounds {
		people := make([]*member, n)
		if err := crowd(n, func(i int) (err error) {
			if people[i], err = s.join(i); err == nil {
				err = people[i].say("here I am")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if got := s.metric("chat_server_people"); got != n+2 {
			t.Errorf("%v people are in the room, want %d", got, n+2)
		}
		g.more(1)
		if err := crowd(n, func(i int) error {
			m := people[i]
			defer m.Close()
			if i%4 < 2 {
				reset(m.Conn)
				return nil
			}
			if err := m.say("byebye"); err != nil {
				return err
			}
			rest, err := io.ReadAll(m.in)
			if err == nil && !strings.HasSuffix(string(rest), "\nbyebye\n") {
				err = fmt.Errorf("the last words were %q", rest[max(0, len(rest)-100):])
			}
			return err
		}); err != nil {
			t.Error(err)
		}
		s.eventually("has two people left", func() bool { return s.metric("chat_server_people") == 2 })
	}
	s.settles(fmt.Sprintf("%d times %d people who join at once, speak, and leave at once", rounds, n), g)
}

// reset closes a connection with a reset, where its kind has any.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.Close() // on a unix socket unread bytes make it a reset
}

// A reset may come at any time.
func TestResets(t *testing.T) {
	t.Parallel()
	for _, kind := range []struct {
		service string
		states  []string // what was sent until then; "<" reads a little first
	}{
		{"hello-tcp", []string{"", "GE", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n\r\n", "hello", "<hello",
			"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx", "<POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx",
			"GET /" + strings.Repeat("x", 9000), "<GET /" + strings.Repeat("x", 9000)}},
		{"chat-server", []string{"", "<", "half a li", "<你\xe5", "a line\n", "<a line\n", "/nick X\n", "</who\n/who\n/who\n",
			"byebye\n", "<byebye\n", strings.Repeat("x", 3000), strings.Repeat("line\n", 100)}},
	} {
		t.Run(kind.service, func(t *testing.T) {
			t.Parallel()
			s := start(t, kind.service)
			g := s.good().more(1)
			const width, each = 20, 100
			if err := crowd(width, func(i int) error {
				buf := make([]byte, 10)
				for k := range each {
					c, err := s.connect(i + k)
					if err != nil {
						return err
					}
					send, read := strings.CutPrefix(kind.states[k%len(kind.states)], "<")
					io.WriteString(c, send)
					if read {
						c.Read(buf)
					}
					reset(c)
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
			g.more(3)
			s.settles(fmt.Sprintf("%d resets, in %d states of a conversation", width*each, len(kind.states)), g)
		})
	}
}

// In turns one peer at a time is served. With an IDLE_TIMEOUT the silent ones, with a word of the operator's the
// talkative ones, are in nobody's way for ever.
func TestTurns(t *testing.T) {
	t.Parallel()
	s := startAs(t, setup{service: "chat-server", env: []string{"MODE=turns", "IDLE_TIMEOUT=300ms", "BACKLOG=64"}, alone: true})
	before := s.figures()
	const n = 8
	for i := range n {
		c, err := s.connect(i / 4)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		switch i % 4 {
		case 1:
			reset(c)
		case 2:
			io.WriteString(c, "x\n")
			reset(c)
		case 3:
			go stream(c, 1<<20)
		}
	}
	told := 0                   // what the operator has answered
	for stray := 0; ; stray++ { // an answer that was typed as its peer reset the connection is left, and the next one's
		c, err := s.connect(0)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "你好")
		s.eventually("has served them all and come to the well-behaved peer", func() bool {
			received := strings.Split(s.prints[0].String(), "Received: ")[1:]
			if told == len(received) {
				return false
			}
			said := received[told]
			told++
			if strings.HasPrefix(said, "你好\n") {
				return true
			}
			io.WriteString(s.stdin, "byebye\n")
			return false
		})
		io.WriteString(s.stdin, "hello\n")
		buf := make([]byte, 100)
		got, err := c.Read(buf)
		if string(buf[:got]) == "hello" {
			io.WriteString(c, "byebye")
			break
		}
		if string(buf[:got]) != "byebye" || stray == n/4 { // so many reset a conversation that had begun
			t.Fatalf("the well-behaved peer got %q, %v", buf[:got], err)
		}
	}
	var now figures
	s.eventually("is as it was", func() bool {
		now = s.figures()
		return now.descriptors == before.descriptors
	})
	t.Logf("| Turns | chat-server | %d peers before the good one, silent, resetting or flooding | 1 | %.0f, %.0f, %.0f |", n, before.memory, s.peak(), now.memory)
}
