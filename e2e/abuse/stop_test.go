package abuse

import (
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// abused runs bad traffic against a server, wide at a time, until the function that it returns is called.
func (s *server) abused(wide int, pause time.Duration) (end func() (done int64)) {
	stop := make(chan struct{})
	var all sync.WaitGroup
	var done atomic.Int64
	for i := range wide {
		all.Go(func() { done.Add(int64(s.mix(i, pause, stop))) })
	}
	return func() int64 {
		close(stop)
		all.Wait()
		return done.Load()
	}
}

// mix is bad traffic of each kind that a server knows, until stop is closed. It counts what it does, and minds no error.
func (s *server) mix(i int, pause time.Duration, stop <-chan struct{}) (done int) {
	for k := i; ; k++ {
		select {
		case <-stop:
			return done
		case <-time.After(pause):
		}
		done++
		if s.service == "udp-temp" {
			c, err := s.packet([]string{"udp", "unixgram"}[k%2])
			if err != nil {
				time.Sleep(time.Millisecond) // no server: nothing to abuse
				continue
			}
			c.SetDeadline(time.Now().Add(100 * time.Millisecond))
			for _, q := range nasty()[k%40:] {
				c.Write([]byte(q))
			}
			c.Close()
			continue
		}
		c, err := s.connect(k)
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		c.SetDeadline(time.Now().Add(100 * time.Millisecond))
		switch k % 6 {
		case 0: // nothing
		case 1:
			io.WriteString(c, "GET / HTTP/1.1\r\nX: half a li")
		case 2:
			stream(c, 1<<20)
		case 3:
			for _, text := range nasty() {
				io.WriteString(c, text+"\n")
			}
		case 4:
			io.WriteString(c, "/nick server\n/who\n\xff\xfe\n")
			io.CopyN(io.Discard, c, 100)
		case 5:
			io.Copy(io.Discard, c) // as long as it lasts
		}
		if k%2 == 0 {
			reset(c)
		} else {
			c.Close()
		}
	}
}

// SIGTERM in the middle of all that: the server ends with 0 within the time that compose gives it, and who is in
// the room is told.
func TestStop(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"hello-tcp", "chat-server", "udp-temp"} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			r, w, err := os.Pipe() // that nobody reads
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			t.Cleanup(func() { r.Close() })
			s := startAs(t, setup{service: service, stdout: w})
			g := s.good().more(1)
			var ann *member
			if service == "chat-server" {
				if ann, err = s.join(0); err != nil {
					t.Fatal(err)
				}
			}
			end := s.abused(20, 0)
			g.more(5)
			g.end()
			took := s.stop()
			done := end()
			if ann != nil {
				rest, err := io.ReadAll(ann.in)
				if err != nil || !strings.HasSuffix(string(rest), "\n* the server stops, goodbye\n") {
					t.Errorf("who is in the room read %q, %v", rest[max(0, len(rest)-200):], err)
				}
			}
			for _, file := range []string{"server.sock", "ops.sock"} {
				if _, err := os.Lstat(s.dir + "/" + file); err == nil {
					t.Errorf("%s is still there", file)
				}
			}
			t.Logf("| Stop | %s | SIGTERM amid %d misdeeds of 20 at a time, standard output not read: exit 0 after %d ms | %d, slowest %d ms | |",
				service, done, took.Milliseconds(), g.answers, g.slowest.Milliseconds())
		})
	}
}

// kill -9 in the middle of all that, and a start at the same addresses, where the dead one's socket files still are.
func TestKillAndRestart(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"hello-tcp", "chat-server", "udp-temp"} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			s := start(t, service)
			_, port, err := net.SplitHostPort(s.at["tcp"] + s.at["udp"])
			if err != nil {
				t.Fatal(err)
			}
			const times = 3
			done, began := int64(0), time.Now()
			for range times {
				end := s.abused(20, 0)
				s.good().more(3).end()
				s.cmd.Process.Kill()
				<-s.exited
				s = startAs(t, setup{service: service, dir: s.dir, port: port, alone: true})
				s.good().more(3).end() // while those who abused the dead one go on with the living
				done += end()
			}
			s.rest()
			t.Logf("| KillAndRestart | %s | %d times kill -9 amid %d misdeeds, and a start at the same addresses, all in %.0f s | | |",
				service, times, done, time.Since(began).Seconds())
		})
	}
}
