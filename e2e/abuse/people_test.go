package abuse

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// Everybody pastes at once, one person reads nothing, and nobody who reads loses a line.
func TestPeopleWhoPaste(t *testing.T) {
	t.Parallel()
	s := start(t, "chat-server")
	g := s.good().more(1)
	const n, lines = 100, 20
	people := make([]*member, n)
	for i := range people { // one after the other: all are in the room when the first speaks
		m, err := s.join(i)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		people[i] = m
	}
	silent, err := s.join(1)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	paste := strings.Repeat(strings.Repeat("x", 1000)+"\n", lines)
	var pasting sync.WaitGroup
	for _, m := range people {
		pasting.Go(func() { io.WriteString(m, paste) }) // whoever fails here hears too little below
	}
	pasting.Wait()
	if err := crowd(n, func(i int) error {
		for heard := 0; heard < (n-1)*lines; {
			line, err := people[i].in.ReadString('\n')
			if err != nil {
				return fmt.Errorf("person %d heard %d lines of %d: %w", i, heard, (n-1)*lines, err)
			}
			if strings.HasSuffix(line, "xxx\n") {
				heard++
			}
		}
		return people[i].Close()
	}); err != nil {
		t.Error(err)
	}
	silent.Close()
	g.more(2)
	s.settles(fmt.Sprintf("%d people who each paste %d lines of 1,000 bytes at once, and one who reads nothing", n, lines), g)
}

// Browsers, TLS clients, proxies and port scans come to any open port. Nobody in the room hears of them.
func TestNoPeople(t *testing.T) {
	t.Parallel()
	s := start(t, "chat-server")
	g := s.good().more(1)
	ann, err := s.join(0)
	if err != nil {
		t.Fatal(err)
	}
	defer ann.Close()
	programs := []string{
		"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n/nick Bob\nbuy\n",
		"GET /" + strings.Repeat("x", 5000) + " HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\nbuy\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nbuy\n", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0cbuy\n", "SSH-2.0-x\r\n", "", "",
	}
	const n = 50
	if err := crowd(n*len(programs), func(i int) error {
		c, err := s.connect(i / len(programs))
		if err != nil {
			return err
		}
		defer c.Close()
		if sent := programs[i%len(programs)]; sent != "" {
			io.WriteString(c, sent)
			answer, err := io.ReadAll(c)
			// On a machine that is this busy some come late, and are in the room for a moment before they speak.
			if err != nil || strings.Contains(sent, "HTTP/") != strings.Contains(string(answer), "HTTP/1.1 400 ") {
				return fmt.Errorf("%.20q was answered %q, %v", sent, answer, err)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	g.more(2)
	if err := ann.say("/who"); err != nil {
		t.Fatal(err)
	}
	for in := bufio.NewReader(net.Conn(ann)); ; {
		ann.SetDeadline(time.Now().Add(patience))
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, " here: ") {
			break
		}
		if strings.Contains(line, "buy") || strings.Contains(line, "Bob") || strings.Contains(line, "HTTP") {
			t.Fatalf("the room heard %q", line)
		}
	}
	ann.Close()
	s.settles(fmt.Sprintf("%d browsers, TLS clients, proxies and port scans", n*len(programs)), g)
}
