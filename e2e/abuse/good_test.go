package abuse

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	helloAnswer  = "HTTP/1.1 200 OK\r\n\r\nHello World, Michael!"
	helloTooMuch = "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n"
	pace         = 60 * time.Millisecond // of a well-behaved client: within the room's 20 lines a second
)

// good is a client that behaves well. It asks again and again, whatever others do, and each answer must be
// the right one. One that is wrong, or does not come, fails the test.
type good struct {
	t    *testing.T
	quit chan struct{}
	done chan struct{}
	once sync.Once

	mu      sync.Mutex
	news    chan struct{} // closed, and made anew, after each answer
	answers int
	slowest time.Duration
	latest  []time.Duration // for the soak
	err     error
}

// good starts one. It speaks over both of the server's sockets.
func (s *server) good() *good {
	s.t.Helper()
	ask, end := s.helloAsk, func() {}
	switch s.service {
	case "chat-server":
		ask, end = s.chatAsk()
	case "udp-temp":
		ask = s.tempAsk
	}
	g := &good{t: s.t, quit: make(chan struct{}), done: make(chan struct{}), news: make(chan struct{})}
	go g.run(ask, end)
	s.t.Cleanup(g.end)
	return g
}

func (g *good) run(ask func(i int) error, end func()) {
	defer close(g.done)
	defer end()
	for i := 0; ; i++ {
		began := time.Now()
		err := ask(i)
		took := time.Since(began)
		g.mu.Lock()
		g.err = err
		if err == nil {
			g.answers++
			g.slowest = max(g.slowest, took)
			g.latest = append(g.latest, took)
		}
		close(g.news)
		g.news = make(chan struct{})
		g.mu.Unlock()
		if err != nil {
			g.t.Errorf("the well-behaved client, after %d answers: %v", g.answers, err)
			return
		}
		select {
		case <-g.quit:
			return
		case <-time.After(pace - took):
		}
	}
}

// more waits until n more questions were answered: from here on, and so during what goes on now.
func (g *good) more(n int) *good {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	for until := g.answers + n + 1; g.answers < until && g.err == nil; { // one may have been asked before
		news := g.news
		g.mu.Unlock()
		<-news // an ask is bounded
		g.mu.Lock()
	}
	if g.err != nil {
		g.t.FailNow()
	}
	return g
}

func (g *good) end() {
	g.once.Do(func() { close(g.quit) })
	<-g.done
}

// take returns how long each answer took since the last call.
func (g *good) take() []time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	latest := g.latest
	g.latest = nil
	return latest
}

func (s *server) helloAsk(i int) error { return s.helloTry(i, 3) }

// helloTry asks once more in a crowd where it was sent away: there whoever is slower to ask than so many others are
// to come has waited longest, and this process may be.
func (s *server) helloTry(i, tries int) error {
	c, err := s.connect(i)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	request := "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
	if i%4 > 1 {
		request = "hello"
	}
	var got []byte
	if _, err = io.WriteString(c, request); err == nil {
		got, err = io.ReadAll(c)
	}
	switch sentAway := len(got) == 0 && !errors.Is(err, os.ErrDeadlineExceeded); {
	case sentAway && s.crowded && tries > 1:
		return s.helloTry(i, tries-1)
	case err != nil:
		return err
	case string(got) != helloAnswer:
		return fmt.Errorf("answer %q", got)
	}
	return nil
}

// A member is somebody in the room.
type member struct {
	net.Conn
	in *bufio.Reader
}

func (s *server) join(i int) (*member, error) {
	c, err := s.connect(i)
	if err != nil {
		return nil, err
	}
	m := &member{c, bufio.NewReader(c)}
	if _, err := m.expect("* hello, you are guest-"); err != nil {
		c.Close()
		return nil, err
	}
	return m, nil
}

func (m *member) say(line string) error {
	_, err := io.WriteString(m, line+"\n")
	return err
}

// expect reads up to the next line that begins so.
func (m *member) expect(beginning string) (string, error) {
	for {
		line, err := m.in.ReadString('\n')
		if err != nil {
			return "", fmt.Errorf("instead of %q: %w", beginning, err)
		}
		if strings.HasPrefix(line, beginning) {
			return strings.TrimSuffix(line, "\n"), nil
		}
	}
}

var pairs atomic.Int64

// chatAsk is two people, one on each kind of socket: what one says the other must get, all of it and in order.
func (s *server) chatAsk() (ask func(int) error, end func()) {
	n := pairs.Add(1)
	names := [2]string{fmt.Sprintf("Ann%d", n), fmt.Sprintf("Ben%d", n)}
	var people [2]*member
	var hears [2]chan string // what one hears of the other
	meet := func() error {
		for i := range people {
			m, err := s.join(i)
			if err != nil {
				return err
			}
			people[i] = m
			if err := m.say("/nick " + names[i]); err != nil {
				return err
			}
			m.SetDeadline(time.Now().Add(patience))
			for said := ""; !strings.HasSuffix(said, " is now "+names[i]); {
				if said, err = m.expect("* guest-"); err != nil {
					return err
				}
			}
			m.SetDeadline(time.Time{})
			hears[i] = make(chan string, 1)
			go func() { // who behaves well reads all the time
				defer close(hears[i])
				for {
					line, err := m.expect(names[1-i] + ": ")
					if err != nil {
						return
					}
					hears[i] <- line
				}
			}()
		}
		return nil
	}
	ask = func(i int) error {
		if i == 0 {
			if err := meet(); err != nil {
				return err
			}
		}
		name, text := names[i%2], fmt.Sprintf("你好 %d", i)
		if err := people[i%2].say(text); err != nil {
			return err
		}
		select {
		case got, ok := <-hears[1-i%2]:
			if !ok || got != name+": "+text {
				return fmt.Errorf("got %q (connected: %v) after %q was said", got, ok, text)
			}
			return nil
		case <-time.After(patience):
			return fmt.Errorf("%q was said and not heard", text)
		}
	}
	end = func() {
		for _, m := range people {
			if m != nil {
				m.Close()
			}
		}
	}
	return ask, end
}

var names atomic.Int64 // of unixgram clients

// packet opens a datagram socket that speaks to the server. One on a unix socket has a name of its own, to be answered to.
func (s *server) packet(network string) (net.Conn, error) {
	if network == "udp" {
		return net.Dial("udp", s.at["udp"])
	}
	name := filepath.Join(s.dir, fmt.Sprintf("c%d", names.Add(1)))
	c, err := net.DialUnix("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"}, &net.UnixAddr{Name: s.at["unixgram"], Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	return &named{c, name}, nil
}

type named struct {
	*net.UnixConn
	name string
}

func (n *named) Close() error {
	os.Remove(n.name)
	return n.UnixConn.Close()
}

// tempAsk asks as our client does: a new socket for each question, and again where no answer comes.
// A datagram may be lost, and in a flood most are.
func (s *server) tempAsk(i int) error {
	network := "udp"
	if i%2 == 1 && s.at["unixgram"] != "" {
		network = "unixgram"
	}
	c, err := s.packet(network)
	if err != nil {
		return err
	}
	defer c.Close()
	tenths := i%4000 - 2000
	question := fmt.Sprintf("%.1f", float64(tenths)/10)
	want := "Temperature in Fahrenheit: " + fahrenheit(tenths)
	buf := make([]byte, 200)
	var got int
	for late := time.Now().Add(patience); time.Now().Before(late); {
		c.SetDeadline(time.Now().Add(250 * time.Millisecond))
		if _, err = io.WriteString(c, question); err == nil {
			got, err = c.Read(buf)
		}
		switch {
		case err == nil && string(buf[:got]) == want:
			return nil
		case err == nil:
			return fmt.Errorf("%s: got %q, want %q", question, buf[:got], want)
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		}
	}
	return fmt.Errorf("%s over %s: no answer: %w", question, network, err)
}

// fahrenheit is in whole hundredths, where no rounding is: 18 × tenths + 3200.
func fahrenheit(tenths int) string {
	n := 18*tenths + 3200
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	text := fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
