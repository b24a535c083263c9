package abuse

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A server whose descriptors have run out takes in nobody new, and by itself takes people in again when it can.
func TestDescriptorsRunOut(t *testing.T) {
	t.Parallel()
	t.Run("hello-tcp", func(t *testing.T) { // those who took the last one stay: the server sends them away, and not for their silence
		t.Parallel()
		s := startAs(t, setup{service: "hello-tcp", shell: "ulimit -n 60", env: []string{"IDLE_TIMEOUT=10m"}})
		s.crowded = true
		const n = 150
		held := make([]net.Conn, n)
		if err := crowd(n, func(i int) (err error) {
			held[i], err = s.connect(i)
			return err
		}); err != nil {
			t.Error(err)
		}
		g := s.good().more(5)
		for _, c := range held {
			c.Close()
		}
		s.settles(fmt.Sprintf("%d silent connections that stay; 60 descriptors", n), g)
	})
	t.Run("chat-server", func(t *testing.T) { // a silent person is welcome, so these must go by themselves
		t.Parallel()
		s := startAs(t, setup{service: "chat-server", shell: "ulimit -n 60"})
		g := s.good().more(1) // two who are in the room already
		const n = 300
		held := make([]net.Conn, n)
		if err := crowd(n, func(i int) (err error) {
			held[i], err = s.connect(i)
			return err
		}); err != nil {
			t.Error(err)
		}
		g.more(5)
		for _, c := range held {
			c.Close()
		}
		newcomers := s.good().more(2)
		newcomers.end()
		s.settles(fmt.Sprintf("%d people at once; 60 descriptors", n), g)
	})
}

// The listener for health checks is as open to abuse as the others: it is in nobody's way, and is there again after.
func TestOps(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"hello-tcp", "chat-server", "udp-temp"} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			s := start(t, service)
			g := s.good().more(1)
			const n = 200
			held := make([]net.Conn, n)
			if err := crowd(n, func(i int) (err error) {
				if held[i], err = s.ops(t.Context()); err == nil {
					io.WriteString(held[i], "GET /metrics HTTP/1.1\r\nX: ") // most are closed for being too many
				}
				return err
			}); err != nil {
				t.Error(err)
			}
			g.more(3)
			check := exec.CommandContext(t.Context(), filepath.Join(programs, service), "healthcheck")
			check.Env = s.cmd.Env
			if said, err := check.CombinedOutput(); err != nil { // a server that serves is healthy, whoever crowds there
				t.Errorf("healthcheck: %v, %s", err, said)
			}
			for _, c := range held[n/2:] {
				c.Close()
			}
			s.settles(fmt.Sprintf("%d connections to the listener for health checks, half of them never closed", n), g)
			for _, c := range held[:n/2] {
				c.Close()
			}
		})
	}
}

// Standard output is where a server tells its story. Nobody reads it, nobody can any more, the disk is full, it was
// never open: the server serves, and stops when it is told to.
func TestStandardOutput(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"hello-tcp", "chat-server", "udp-temp"} {
		for _, outlet := range []string{"nobody reads", "closed by its reader", "full disk", "not open"} {
			t.Run(service+" "+outlet, func(t *testing.T) {
				t.Parallel()
				as := setup{service: service}
				switch outlet {
				case "not open":
					as.shell = "exec >&-"
				case "full disk":
					full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
					if err != nil {
						t.Fatal(err)
					}
					defer full.Close()
					as.stdout = full
				default:
					r, w, err := os.Pipe()
					if err != nil {
						t.Fatal(err)
					}
					defer w.Close()
					as.stdout = w
					if outlet == "nobody reads" {
						t.Cleanup(func() { r.Close() }) // after the server's end, it being registered first
					} else {
						r.Close()
					}
				}
				s := startAs(t, as)
				g := s.good().more(1)
				tried := s.babble(t, 4000)
				g.more(3)
				s.settles(tried+" to tell of, and on standard output "+outlet, g)
				s.stop()
			})
		}
	}
}

// Standard error is where the log goes, a line for each who is refused. Nobody reads it either.
func TestLogNobodyReads(t *testing.T) {
	t.Parallel()
	s := startAs(t, setup{service: "chat-server", env: []string{"MAX_CONNS=5"}, deaf: true})
	g := s.good().more(1)
	const n = 2000
	held := make([]net.Conn, n)
	if err := crowd(n, func(i int) (err error) {
		held[i], err = s.connect(i)
		return err
	}); err != nil {
		t.Error(err)
	}
	g.more(3)
	for _, c := range held {
		c.Close()
	}
	g.end()
	s.settles(fmt.Sprintf("%d connections refused, each with a line in a log that nobody reads", n), s.good().more(2))
	s.stop()
}

// babble gives a server something to tell: n lines and more, of more bytes than a pipe holds.
func (s *server) babble(t *testing.T, n int) (tried string) {
	t.Helper()
	switch s.service {
	case "hello-tcp":
		if err := crowd(8, func(i int) error {
			for k := range n / 8 {
				if err := s.helloAsk(i + k); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		return fmt.Sprintf("%d requests", n)
	case "chat-server":
		if err := crowd(n/20, func(i int) error {
			m, err := s.join(i)
			if err != nil {
				return err
			}
			defer m.Close()
			for range 20 { // a second's worth of lines
				if err := m.say("what there is to say, again and again"); err != nil {
					return err
				}
			}
			if err := m.say("byebye"); err != nil {
				return err
			}
			_, err = m.expect("byebye")
			return err
		}); err != nil {
			t.Error(err)
		}
		return fmt.Sprintf("%d lines of %d people", n, n/20)
	}
	if err := crowd(8, func(i int) error {
		for k := range n / 8 {
			if err := s.tempAsk(i + k); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	return fmt.Sprintf("%d questions", n)
}
