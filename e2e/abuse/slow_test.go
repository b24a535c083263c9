package abuse

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A head that grows by a line now and then never becomes whole. IDLE_TIMEOUT bounds all of it, not the gap
// between its lines: all of these are sent away, though none of them was ever silent for long.
func TestSlowHeaders(t *testing.T) {
	t.Parallel()
	for _, deferAccept := range []string{"off", "on"} {
		s := start(t, "hello-tcp", "IDLE_TIMEOUT=1s", "DEFER_ACCEPT="+deferAccept)
		g := s.good()
		const n = 400
		if err := crowd(n, func(i int) error {
			c, err := s.connect(i)
			if err != nil {
				return err
			}
			defer c.Close()
			if got := dribble(c, "GET / HTTP/1.1\r\n", "X: y\r\n"); got != "" {
				return fmt.Errorf("was answered %q", got)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		if got := s.metric(`hello_tcp_requests_total{ended="timed_out"}`); got != n {
			t.Errorf("%v requests ended for their slowness, want %d", got, n)
		}
		s.settles(fmt.Sprintf("%d heads that grow and never end (DEFER_ACCEPT %s)", n, deferAccept), g)
	}
}

// dribble sends first, and then again and again a little, until the server has had enough. It returns the answer.
func dribble(c net.Conn, first, more string) string {
	answer := make(chan string)
	go func() {
		got, _ := io.ReadAll(c)
		answer <- string(got)
	}()
	io.WriteString(c, first)
	for {
		select {
		case got := <-answer:
			return got
		case <-time.After(50 * time.Millisecond):
			io.WriteString(c, more)
		}
	}
}

// A line that grows and never ends is ended by the server after 30 s, with a word that says so.
func TestSlowLines(t *testing.T) {
	t.Parallel()
	s := start(t, "chat-server")
	g := s.good()
	const n = 200
	if err := crowd(n, func(i int) error {
		c, err := s.connect(i)
		if err != nil {
			return err
		}
		defer c.Close()
		if got := dribble(c, "\n", "x"); !strings.HasSuffix(got, "* a line did not end within 30 seconds of its beginning, closing\n") {
			return fmt.Errorf("the last words were %q", got[max(0, len(got)-200):])
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	s.settles(fmt.Sprintf("%d lines that grow for 30 s and never end", n), g)
}

// A request whose sender goes on sending and reads nothing: it is answered, and then listened to no longer
// than the server wants. All are let go of while their senders still hold on.
func TestAnswersNobodyReads(t *testing.T) {
	t.Parallel()
	s := start(t, "hello-tcp")
	g := s.good()
	const n = 400
	held := make([]net.Conn, n)
	if err := crowd(n, func(i int) (err error) {
		if held[i], err = s.connect(i); err != nil {
			return err
		}
		_, err = io.WriteString(held[i], "POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("x", 20_000))
		return err
	}); err != nil {
		t.Error(err)
	}
	g.more(5)
	s.settles(fmt.Sprintf("%d requests with an endless body, answers never read, connections never closed", n), g)
	for i, c := range held {
		c.SetReadDeadline(time.Now().Add(patience))
		buf := make([]byte, 100)
		if got, _ := c.Read(buf); string(buf[:got]) != helloAnswer {
			t.Fatalf("connection %d was answered %q", i, buf[:got])
		}
		c.Close()
	}
}

// Who does not take in what the room says is disconnected, everyone else gets all of it.
func TestPeopleWhoDoNotRead(t *testing.T) {
	t.Parallel()
	s := start(t, "chat-server", "RATE=0")
	g := s.good()
	const n = 40
	if err := crowd(n, func(i int) error {
		c, err := s.connect(i)
		if err != nil {
			return err
		}
		t.Cleanup(func() { c.Close() })
		if tcp, ok := c.(*net.TCPConn); ok {
			tcp.SetReadBuffer(4 << 10)
		}
		_, err = io.WriteString(c, "\n")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	talker, err := s.join(0)
	if err != nil {
		t.Fatal(err)
	}
	defer talker.Close()
	go io.Copy(io.Discard, talker.in) // what others say
	lines := strings.Repeat(strings.Repeat("x", 1000)+"\n", 100)
	said := 0
	s.eventually("has disconnected everyone who does not read", func() bool {
		talker.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(talker, lines); err != nil {
			t.Fatal(err)
		}
		said += 100
		return s.metric(`chat_server_visits_total{ended="not_reading"}`) == n
	})
	g.more(3)
	talker.Close()
	s.settles(fmt.Sprintf("%d people who read nothing, %d lines of 1,000 bytes said to them", n, said), g)
}

// Many who do not read, and many short messages: what waits for all of them together is bounded too. Without such
// a bound a crowd would have the lab's container killed, though each had less than a megabyte waiting.
func TestCrowdThatDoesNotRead(t *testing.T) {
	t.Parallel()
	s := start(t, "chat-server", "RATE=0")
	g := s.good().more(1)
	const n, pairs, each = 800, 10, 2000
	held := make([]net.Conn, n)
	if err := crowd(n, func(i int) (err error) {
		if held[i], err = s.connect(1); err == nil { // a unix socket's buffers hold less than TCP's
			_, err = io.WriteString(held[i], "\n")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := crowd(pairs, func(int) error { // each waits for each line to be heard: they don't outrun a good reader
		ask, end := s.chatAsk()
		defer end()
		for k := range each {
			if err := ask(k); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	g.more(3)
	for _, c := range held {
		c.Close()
	}
	s.settles(fmt.Sprintf("%d people who read nothing, %d short lines said to them", n, pairs*each), g)
}

// On a unix socket an answer that nobody reads could hold up the server's own queue.
func TestDatagramsNobodyReads(t *testing.T) {
	t.Parallel()
	s := start(t, "udp-temp")
	g := s.good()
	const n, each = 20, 2000
	var sent atomic.Int64
	if err := crowd(n, func(i int) error {
		network := "udp"
		if i%2 == 1 {
			network = "unixgram"
		}
		c, err := s.packet(network)
		if err != nil {
			return err
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(2 * patience))
		for range each {
			switch _, err := io.WriteString(c, "36.6"); {
			case err == nil:
				sent.Add(1)
			case !errors.Is(err, syscall.ENOBUFS):
				return err
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if got := s.metric(`udp_temp_unanswered_total{reason="full"}`); got == 0 {
		t.Error("no answer was ever too many for its reader")
	}
	s.settles(fmt.Sprintf("%d questions from %d clients that read no answer", sent.Load(), n), g)
}

var (
	colours = regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`)
	verdict = regexp.MustCompile(`service available:\s*(\w+)`) // of slowhttptest, every few seconds
)

// Debian's slowhttptest, where it is installed: the classic attacks, by somebody else's hand.
func TestSlowHTTPTest(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("slowhttptest")
	if err != nil {
		if os.Getenv("NETLAB_REQUIRE_SLOWHTTPTEST") == "1" {
			t.Fatal("slowhttptest is not installed: apt-get install slowhttptest")
		}
		t.Skip("slowhttptest is not installed; the tests beside this one do without")
	}
	for _, attack := range []struct{ name, flags string }{
		{"slow headers", "-H -i 1"},
		{"slow bodies", "-B -i 1"},
		{"slow reads", "-X -n 1 -w 1 -y 4 -z 1"},
	} {
		t.Run(attack.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, "hello-tcp", "IDLE_TIMEOUT=2s")
			g := s.good()
			args := append(strings.Fields(attack.flags), "-c", "400", "-r", "400", "-l", "5", "-u", "http://"+s.at["tcp"]+"/")
			cmd := exec.Command(program, args...)
			cmd.Dir = s.dir
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			out = colours.ReplaceAll(out, nil)
			found := verdict.FindAllSubmatch(out, -1)
			if len(found) == 0 || slices.ContainsFunc(found, func(m [][]byte) bool { return string(m[1]) != "YES" }) {
				t.Errorf("it says: %s", out)
			}
			s.settles("slowhttptest "+strings.Join(args[:len(args)-2], " "), g)
		})
	}
}
