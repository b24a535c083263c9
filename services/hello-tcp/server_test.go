package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/labtest"
	"netlab.example/pkg/language"
	"netlab.example/pkg/sockets"
)

const hello = "HTTP/1.1 200 OK\r\n\r\nHello World, Michael!"

func testConfig() Config {
	return Config{
		Common: app.Common{ShutdownTimeout: app.Duration(2 * time.Second), Transcript: true},
		Name:   "Michael", IdleTimeout: app.Duration(10 * time.Second), MaxConns: 100,
	}
}

// start runs a server on url until the test ends, and returns its address, and its transcript once it is stopped.
func start(t *testing.T, cfg Config, url string) (addr net.Addr, story func() string) {
	t.Helper()
	ln := listen(t, url)
	_, story = startOn(t, cfg, func(*server) net.Listener { return ln })
	return ln.Addr(), story
}

func listen(t *testing.T, url string) net.Listener {
	t.Helper()
	lns, err := sockets.Listen(t.Context(), url, sockets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return lns[0]
}

// startOn is start for a listener that may need the server.
func startOn(t *testing.T, cfg Config, ln func(*server) net.Listener) (s *server, story func() string) {
	t.Helper()
	out, err := os.Create(t.TempDir() + "/stdout")
	if err != nil {
		t.Fatal(err)
	}
	s = newServer(cfg, app.Env{Log: zap.NewNop(), Stdout: out, Lang: language.Choice{People: language.English}})
	on := ln(s)
	stop := labtest.Run(t, func(ctx context.Context) error {
		defer s.story.Close()
		return s.serve(ctx, on)
	})
	return s, func() string {
		stop()
		b, _ := os.ReadFile(out.Name())
		return string(b)
	}
}

func TestDialogues(t *testing.T) {
	large := "GET / HTTP/1.1\r\nCookie: " + strings.Repeat("x", 100_000) + "\r\n\r\n"
	for _, url := range []string{"tcp4://127.0.0.1:0", "tcp6://[::1]:0", "unix://" + t.TempDir() + "/h.sock"} {
		addr, _ := start(t, testConfig(), url)
		for name, tc := range map[string]struct {
			sends []string // each in a write of its own
			close bool     // half-close after them
			want  string
		}{
			"a word":                  {[]string{"hello"}, false, hello},
			"Chinese":                 {[]string{"你好"}, false, hello},
			"a browser":               {[]string{"GET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n"}, false, hello},
			"in pieces":               {[]string{"G", "ET", " / HTTP/1.1\r\n", "\r", "\n"}, false, hello},
			"typed by hand":           {[]string{"GET / HTTP/1.1\n", "\n"}, false, hello},
			"a short word":            {[]string{"PUT"}, false, hello}, // after perhapsWait
			"half a head, then EOF":   {[]string{"GET / HTTP/1.1\r\n"}, true, hello},
			"nothing, then EOF":       {nil, true, hello},
			"a body nobody reads":     {[]string{"POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n", strings.Repeat("x", 200_000)}, false, hello},
			"a large word":            {[]string{strings.Repeat("x", 100_000)}, false, hello},
			"a head that is too long": {[]string{large}, false, "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n"},
			"a head that never ends":  {[]string{large[:9000]}, true, "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n"},
		} {
			t.Run(addr.Network()+"/"+name, func(t *testing.T) {
				t.Parallel()
				p := labtest.Dial(t, addr)
				for _, s := range tc.sends {
					p.Send(s)
				}
				if tc.close {
					p.CloseWrite()
				}
				p.Expect(tc.want)
				p.ExpectEOF() // in order: a reset is an error here
			})
		}
	}
}

// A client that sends its request one byte at a time is answered when the request is whole, and not before.
func TestOneByteAtATime(t *testing.T) {
	addr, story := start(t, testConfig(), "tcp4://127.0.0.1:0")
	p := labtest.Dial(t, addr)
	const request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for i := range request {
		p.Send(request[i : i+1])
	}
	p.Expect(hello)
	p.ExpectEOF()
	peer := p.LocalAddr().String()
	if got, want := story(), `Received: GET / HTTP/1.1\r\n  <- `+peer+"\n"+`  | Host: localhost\r\n`+"\n"+`  | \r\n`+"\nConnection closed: "; !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTranscript(t *testing.T) {
	addr, story := start(t, testConfig(), "unix://"+t.TempDir()+"/h.sock")
	p := labtest.Dial(t, addr)
	p.Send("\x1b[2Jhi\r\n")
	p.Expect(hello)
	p.ExpectEOF()
	want := "Client connected from unix\nReceived: \\x1b[2Jhi\\r\\n  <- unix\nConnection closed: unix\n"
	if got := story(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A browser's request is told whole, whichever way it was answered; so are 8 KiB, and no more rows than are of use.
func TestTranscriptOfARequest(t *testing.T) {
	head := "GET /favicon.ico HTTP/1.1\r\nHost: localhost:8080\r\nCookie: " + strings.Repeat("x", 3000) + "\r\nX: \x1b[2J\u202e\r\n\r\n"
	want := `Received: GET /favicon.ico HTTP/1.1\r\n  <- PEER
  | Host: localhost:8080\r\n
  | Cookie: ` + strings.Repeat("x", 3000) + `\r\n
  | X: \x1b[2J\u202e\r\n
  | \r\n
Connection closed: PEER
`
	for _, url := range []string{"tcp4://127.0.0.1:0", "unix://" + t.TempDir() + "/h.sock"} { // by the lobby, and by handle
		addr, story := start(t, testConfig(), url)
		p := labtest.Dial(t, addr)
		p.Send(head)
		p.Expect(hello)
		p.ExpectEOF()
		if got := story(); !strings.Contains(got, strings.ReplaceAll(want, "PEER", sockets.Peer(p.LocalAddr()))) {
			t.Errorf("%s: transcript:\n%s", url, got)
		}
	}
	addr, story := start(t, testConfig(), "tcp4://127.0.0.1:0")
	p := labtest.Dial(t, addr)
	p.Send("x" + strings.Repeat("\n", 8000))
	p.Expect(hello)
	p.ExpectEOF()
	if got := story(); strings.Count(got, "\n") != 1+shownRows+1+1 || !strings.Contains(got, "\n  | ...\nConnection closed") {
		t.Errorf("%d rows: %.2000s", strings.Count(got, "\n"), got)
	}
}

// handle over a pipe, inside a bubble in which time is free.
func bubble(t *testing.T, f func(s *server, conn net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Transcript = false
		s := newServer(cfg, app.Env{Log: zap.NewNop()})
		client, conn := net.Pipe()
		var wg sync.WaitGroup
		wg.Go(func() {
			s.handle(t.Context(), conn)
			conn.Close()
		})
		f(s, client)
		client.Close()
		wg.Wait()
	})
}

func TestIdleTimeoutBoundsTheWholeRequest(t *testing.T) {
	bubble(t, func(_ *server, conn net.Conn) {
		start := time.Now()
		io.WriteString(conn, "GET / HTTP/1.1\r\n")
		for range 3 { // a header every 3 s: no gap is long
			time.Sleep(3 * time.Second)
			io.WriteString(conn, "X: y\r\n")
		}
		if rest, _ := io.ReadAll(conn); len(rest) > 0 || time.Since(start) != 10*time.Second {
			t.Errorf("got %q after %v, want the end after 10s", rest, time.Since(start))
		}
	})
}

func TestNobodyIsFastEnoughForNoTimeAtAll(t *testing.T) {
	cfg := testConfig()
	cfg.IdleTimeout = 0
	if err := serve(t.Context(), cfg, app.Env{}); !failure.IsUsage(err) || !strings.Contains(err.Error(), "HELLO_TCP_IDLE_TIMEOUT") {
		t.Error(err)
	}
}

func TestSilentPeer(t *testing.T) {
	bubble(t, func(s *server, conn net.Conn) {
		start := time.Now()
		if rest, _ := io.ReadAll(conn); len(rest) > 0 || time.Since(start) != 10*time.Second {
			t.Errorf("got %q after %v, want the end after 10s", rest, time.Since(start))
		}
		synctest.Wait()
		if n := testutil.ToFloat64(s.counts.requests.WithLabelValues("timed_out")); n != 1 {
			t.Errorf("timed_out is %v", n)
		}
	})
}

func TestBeginningOfAMethodWaitsASecond(t *testing.T) {
	bubble(t, func(_ *server, conn net.Conn) {
		start := time.Now()
		io.WriteString(conn, "GET")
		if got, _ := io.ReadAll(conn); string(got) != hello || time.Since(start) != time.Second {
			t.Errorf("got %q after %v", got, time.Since(start))
		}
	})
	bubble(t, func(_ *server, conn net.Conn) { // more comes in time
		io.WriteString(conn, "GE")
		time.Sleep(900 * time.Millisecond)
		io.WriteString(conn, "T / HTTP/1.1\r\n")
		time.Sleep(5 * time.Second)
		io.WriteString(conn, "\r\n")
		if got, _ := io.ReadAll(conn); string(got) != hello {
			t.Errorf("got %q", got)
		}
	})
}

func TestTheOneThatWaitedLongestMakesRoom(t *testing.T) {
	cfg := testConfig()
	cfg.MaxConns = 3
	cfg.IdleTimeout = app.Duration(time.Minute) // it is not that which ends a connection here
	for _, url := range []string{"unix://" + t.TempDir() + "/h.sock", "tcp4://127.0.0.1:0"} {
		addr, story := start(t, cfg, url)
		left := make(chan int, 4)
		silent := make([]*labtest.Peer, 4)
		for i := range silent { // one too many
			silent[i] = labtest.Dial(t, addr)
			go func() {
				silent[i].Read(make([]byte, 1))
				left <- i
			}()
		}
		if gone := <-left; gone != 0 {
			t.Errorf("number %d made room, want 0", gone)
		}
		for range 2 * cfg.MaxConns { // there is always room for a client that has a request
			p := labtest.Dial(t, addr)
			p.Send("GET / HTTP/1.1\r\n")
			p.Send("\r\n")
			p.Expect(hello)
			p.ExpectEOF()
		}
		if got := story(); !strings.Contains(got, "makes room") {
			t.Errorf("%s: transcript: %s", url, got)
		}
	}
}

func TestStopInMidRequest(t *testing.T) {
	addr, story := start(t, testConfig(), "unix://"+t.TempDir()+"/h.sock")
	p := labtest.Dial(t, addr)
	p.Send("GET / HTTP/1.1\r\n")
	q := labtest.Dial(t, addr)
	q.Send("hello")
	q.Expect(hello) // p was accepted before q
	got := story()  // stops the server
	p.ExpectEOF()
	if !strings.Contains(got, "(the server stops)") {
		t.Errorf("transcript: %s", got)
	}
}

// A request that has arrived when the server stops is answered, though nobody has begun to read it.
func TestStopAnswersWhatHasArrived(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p := labtest.Dial(t, ln.Addr())
	p.Send("hello")
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Read(func(uintptr) bool { return sockets.Unread(conn) > 0 }) // waits until it has come
	stopped, stop := context.WithCancel(t.Context())
	stop()
	conn.SetReadDeadline(time.Unix(1, 0)) // as package tcpserver does
	cfg := testConfig()
	cfg.Transcript = false
	newServer(cfg, app.Env{Log: zap.NewNop()}).handle(stopped, conn)
	conn.Close()
	p.Expect(hello)
	p.ExpectEOF()
}

// Who has come and gone again, with a reset, before anybody accepted it, is told as what it was.
func TestResetInTheQueue(t *testing.T) {
	for _, url := range []string{"tcp4://127.0.0.1:0", "tcp6://[::1]:0", "tcp://:0"} {
		ln := listen(t, url)
		p := labtest.Dial(t, ln.Addr())
		p.Conn.(*net.TCPConn).SetLinger(0) // its close is a reset
		p.Close()
		s, story := startOn(t, testConfig(), func(*server) net.Listener { return ln })
		labtest.Eventually(t, "a request is counted", func() bool { return requests(s) > 0 })
		got, peer := story(), p.LocalAddr().String()
		for _, want := range []string{"Client connected from " + peer + "\n", "Connection closed: " + peer + " (reset by the peer)\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: the transcript lacks %q:\n%s", url, want, got)
			}
		}
		if n := testutil.ToFloat64(s.counts.requests.WithLabelValues("reset")); n != 1 || requests(s) != 1 {
			t.Errorf("%s: counted %v reset of %v", url, n, requests(s))
		}
	}
}

// requests is how many have ended, however they did.
func requests(s *server) (n float64) {
	for e := complete; e <= reset; e++ {
		n += testutil.ToFloat64(s.counts.requests.WithLabelValues(e.String()))
	}
	return n
}

// A start that fails leaves no socket file behind.
func TestFailedStart(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig()
	cfg.Listen, cfg.Ops, cfg.Transcript = "unix://"+dir+"/h.sock", "tcp://203.0.113.1:1", false // an address that is not ours
	if err := serve(t.Context(), cfg, app.Env{Log: zap.NewNop()}); err == nil || failure.HintOf(err) == nil {
		t.Errorf("got %v, hint %v", err, failure.HintOf(err))
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("it left %v behind", left)
	}
}

func TestMetricNames(t *testing.T) {
	for _, c := range newCounts().collectors() {
		problems, err := testutil.CollectAndLint(c)
		if err != nil || len(problems) > 0 {
			t.Errorf("%v %v", problems, err)
		}
	}
}

// The textbook's own calls: a bare send, one recv of 1,024 bytes, close.
func TestTextbookClient(t *testing.T) {
	addr, _ := start(t, testConfig(), "tcp4://127.0.0.1:0")
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(labtest.Patience))
	fmt.Fprint(conn, "你好")
	buf := make([]byte, 1024)
	n, err := conn.Read(buf)
	if err != nil || !bytes.Equal(buf[:n], []byte(hello)) {
		t.Errorf("got %q, %v", buf[:n], err)
	}
}

// A name as long as a book does not fit the socket's buffer at once, and arrives whole and once all the same.
func TestLongAnswer(t *testing.T) {
	cfg := testConfig()
	cfg.Name = strings.Repeat("x", 8<<20)
	addr, _ := start(t, cfg, "tcp4://127.0.0.1:0")
	p := labtest.Dial(t, addr)
	p.Send("hello")
	p.Expect(string(answerTo(cfg.Name)))
	p.ExpectEOF()
}
