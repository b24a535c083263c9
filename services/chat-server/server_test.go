package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"

	"netlab.example/pkg/app"
	"netlab.example/pkg/labtest"
	"netlab.example/pkg/language"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/transcript"
)

var english = language.Choice{Wire: language.English, People: language.English}

func testConfig() Config {
	return Config{
		Common: app.Common{ShutdownTimeout: app.Duration(2 * time.Second), Transcript: true},
		Mode:   inRoom, MaxConns: 2000,
	}
}

// start runs a room on urls until the test ends. story is its transcript, once it is stopped.
func start(t *testing.T, cfg Config, urls string) (s *server, addrs []net.Addr, story func() string) {
	t.Helper()
	lns, err := sockets.Listen(t.Context(), urls, sockets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, ln := range lns {
		addrs = append(addrs, ln.Addr())
	}
	out, err := os.Create(t.TempDir() + "/stdout")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	s = newServer(cfg, app.Env{Log: zap.NewNop(), Lang: english}, newCounts())
	s.story = transcript.New(out, language.English)
	stop := labtest.Run(t, func(ctx context.Context) error {
		defer s.story.Close()
		return s.serve(ctx, lns...)
	})
	return s, addrs, func() string {
		stop()
		b, _ := os.ReadFile(out.Name())
		return string(b)
	}
}

// A guest is a peer that reads lines.
type testGuest struct {
	*labtest.Peer
	t *testing.T
	r *bufio.Reader
}

// enter connects and reads the welcome.
func enter(t *testing.T, addr net.Addr) *testGuest {
	t.Helper()
	p := labtest.Dial(t, addr)
	p.Send("/help\n") // and so the others hear of them at once, and have heard when that is answered
	g := &testGuest{p, t, bufio.NewReader(p)}
	if line := g.line(); !strings.HasPrefix(line, "* hello, you are ") {
		t.Fatalf("got %q, want a welcome", line)
	}
	g.expect(wire.En.Help)
	return g
}

func (g *testGuest) line() string {
	g.t.Helper()
	line, err := g.r.ReadString('\n')
	if err != nil {
		g.t.Fatalf("got %q, %v; want a line", line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (g *testGuest) expect(lines ...string) {
	g.t.Helper()
	for _, want := range lines {
		if got := g.line(); got != want {
			g.t.Fatalf("got %q, want %q", got, want)
		}
	}
}

func (g *testGuest) expectEOF() {
	g.t.Helper()
	if rest, err := io.ReadAll(g.r); len(rest) > 0 || err != nil {
		g.t.Fatalf("got %q, %v; want the end", rest, err)
	}
}

func TestDialogue(t *testing.T) {
	for _, url := range []string{"tcp4://127.0.0.1:0", "tcp6://[::1]:0", "unix://" + t.TempDir() + "/c.sock"} {
		t.Run(url[:4], func(t *testing.T) {
			_, addrs, story := start(t, testConfig(), url)
			ann := enter(t, addrs[0])
			ben := enter(t, addrs[0])
			ann.expect("* guest-2 joined")
			ann.Send("/nick Ann\n")
			ann.expect("* guest-1 is now Ann")
			ben.expect("* guest-1 is now Ann")
			cai := enter(t, addrs[0])
			ann.expect("* guest-3 joined")
			ben.expect("* guest-3 joined")

			ann.Send("你好\r\n\n   \nhow are you?\n")
			ben.expect("Ann: 你好", "Ann: how are you?")
			cai.expect("Ann: 你好", "Ann: how are you?")
			ben.Send("fine\n")
			ann.expect("guest-2: fine")
			cai.expect("guest-2: fine")

			cai.Send("/who\n/nick ANN\n/nick server\n/nick *x\n/nick a b\n/nick\n/nick " + strings.Repeat("x", 33) + "\n/nick guest-3\n/foo\n//foo\n")
			cai.expect("* 3 here: Ann, guest-2, guest-3", "* somebody is called ANN already", wire.En.NameKept, wire.En.NameKept,
				wire.En.NameChars, wire.En.NameChars, wire.En.NameLength, "* you are guest-3", wire.En.NoCommand)
			ann.expect("guest-3: /foo")
			ben.expect("guest-3: /foo")

			ben.Send("byebye\nnot heard\n")
			ben.expect("byebye")
			ben.expectEOF()
			ann.expect("* guest-2 left")
			cai.expect("* guest-2 left")
			cai.Send("/nick Cai\nbye")
			ann.expect("* guest-3 is now Cai")
			cai.expect("* guest-3 is now Cai")
			cai.CloseWrite()
			ann.expect("Cai: bye", "* Cai left")
			cai.expectEOF()

			got := story()
			for _, want := range []string{"(guest-1)\n", "Renamed: guest-1 -> Ann\n", "Received: Ann: 你好\n", "Connection closed: guest-2 (said goodbye)\n", "Connection closed: Cai (ended its input)\n"} {
				if !strings.Contains(got, want) {
					t.Errorf("transcript without %q:\n%s", want, got)
				}
			}
		})
	}
}

func TestWordsOnTheWireAreChineseByDefault(t *testing.T) {
	lns, err := sockets.Listen(t.Context(), "tcp4://127.0.0.1:0", sockets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(testConfig(), app.Env{Log: zap.NewNop()}, newCounts())
	labtest.Run(t, func(ctx context.Context) error { return s.serve(ctx, lns...) })
	p := labtest.Dial(t, lns[0].Addr())
	p.Expect("* 你好, 你是 guest-1, 这里有 1 人; /help 看命令, byebye 离开\n")
	q := labtest.Dial(t, lns[0].Addr())
	q.Send("\n")
	p.Expect("* guest-2 进来了\n")
	q.Close()
	p.Expect("* guest-2 离开了\n")
}

// Three talk at once, and everybody sees one and the same order.
func TestOneOrderForAll(t *testing.T) {
	const lines = 300
	_, addrs, _ := start(t, testConfig(), "tcp4://127.0.0.1:0,unix://"+t.TempDir()+"/c.sock")
	var guests []*testGuest
	for i := range 5 {
		guests = append(guests, enter(t, addrs[i%2]))
		for _, g := range guests[:i] {
			g.expect(fmt.Sprintf("* guest-%d joined", i+1))
		}
	}
	var talkers sync.WaitGroup
	for i, g := range guests[:3] {
		talkers.Go(func() {
			for n := range lines {
				fmt.Fprintf(g.Conn, "%d from %d\n", n, i+1)
			}
		})
	}
	seen := make([][]string, len(guests))
	var readers sync.WaitGroup
	for i, g := range guests {
		want := 3 * lines
		if i < 3 {
			want -= lines // not their own
		}
		readers.Go(func() {
			for range want {
				line, err := g.r.ReadString('\n')
				if err != nil {
					t.Error(err)
					return
				}
				seen[i] = append(seen[i], line)
			}
		})
	}
	talkers.Wait()
	readers.Wait()
	order := seen[4]
	if !slices.Equal(seen[3], order) {
		t.Error("two who only listen see different orders")
	}
	for i := range 3 {
		own := fmt.Sprintf("guest-%d: ", i+1)
		if want := slices.DeleteFunc(slices.Clone(order), func(l string) bool { return strings.HasPrefix(l, own) }); !slices.Equal(seen[i], want) {
			t.Errorf("guest-%d sees a different order", i+1)
		}
		said := slices.DeleteFunc(slices.Clone(order), func(l string) bool { return !strings.HasPrefix(l, own) })
		for n, line := range said {
			if want := fmt.Sprintf("%s%d from %d\n", own, n, i+1); line != want {
				t.Fatalf("got %q, want %q", line, want)
			}
		}
	}
}

func TestBadInput(t *testing.T) {
	_, addrs, story := start(t, testConfig(), "tcp4://127.0.0.1:0")
	ben := enter(t, addrs[0])
	ann := enter(t, addrs[0])
	ben.expect("* guest-2 joined")
	most := strings.Repeat("é", maxText/2)
	ann.Send("\x1b[2J\x00\a\x7f\u009b\u202ehi\tthere\r\n" + most + "\n" + most + "x\n" + "\xff\xfe\n" + "a\xe5\n" + strings.Repeat("x", 100_000) + "\nstill here\n")
	ann.expect(wire.En.TooLong, wire.En.UTF16, wire.En.NotUTF8, wire.En.TooLong)
	ben.expect(`guest-2: \x1b[2J\x00\x07\x7f\u009b\u202ehi there`, "guest-2: "+most, "guest-2: still here")
	if got := story(); strings.ContainsAny(got, "\x1b\x00\a\x7f\u009b\u202e") {
		t.Errorf("a control character in the transcript: %q", got)
	}
}

func TestResetAndHalfClose(t *testing.T) {
	_, addrs, story := start(t, testConfig(), "tcp4://127.0.0.1:0")
	ben := enter(t, addrs[0])
	ann := enter(t, addrs[0])
	ben.expect("* guest-2 joined")
	ann.Conn.(*net.TCPConn).SetLinger(0)
	ann.Close() // a reset
	ben.expect("* guest-2 left")

	dan := labtest.Dial(t, addrs[0])
	dan.Expect("* hello, you are guest-3, ")
	dan.Send("last words") // no newline, and no time for a pause
	dan.Conn.(*net.TCPConn).SetLinger(0)
	dan.Close()
	ben.expect("* guest-3 joined", "guest-3: last words", "* guest-3 left")

	cai := enter(t, addrs[0])
	ben.expect("* guest-4 joined")
	cai.Send("one\n/who\ntwo\n/help\nthree")
	cai.CloseWrite()
	cai.expect("* 2 here: guest-1, guest-4", wire.En.Help)
	cai.expectEOF()
	ben.expect("guest-4: one", "guest-4: two", "guest-4: three", "* guest-4 left")
	if got := story(); !strings.Contains(got, "guest-2 (reset by the peer)") {
		t.Errorf("transcript: %s", got)
	}
}

// Whoever does not read is disconnected, the others are told, and get every line.
func TestSlowReaderIsDropped(t *testing.T) {
	for _, url := range []string{"tcp4://127.0.0.1:0", "unix://" + t.TempDir() + "/c.sock"} {
		t.Run(url[:4], func(t *testing.T) {
			_, addrs, story := start(t, testConfig(), url)
			slow := enter(t, addrs[0])
			if tcp, ok := slow.Conn.(*net.TCPConn); ok {
				tcp.SetReadBuffer(4096)
			}
			ben := enter(t, addrs[0])
			ann := enter(t, addrs[0])
			ben.expect("* guest-3 joined")
			text := strings.Repeat("x", 1000)
			n, dropped := 0, false
			for !dropped { // one after the other: ben keeps up, whatever slow does
				ann.Send(fmt.Sprintf("%d %s\n", n, text))
				want := fmt.Sprintf("guest-3: %d %s", n, text)
				line := ben.line()
				if line == "* guest-1 does not take in messages and was disconnected" {
					dropped = true
					line = ben.line()
				}
				if line != want {
					t.Fatalf("got %q, want line %d", line, n)
				}
				if n++; n > 100_000 {
					t.Fatal("100 MB later the slow reader is still there")
				}
			}
			if got := story(); !strings.Contains(got, "guest-1 (does not take in messages)") {
				t.Error("no word of it in the transcript")
			}
		})
	}
}

func TestRefusedWhenFull(t *testing.T) {
	cfg := testConfig()
	cfg.MaxConns = 2
	_, addrs, _ := start(t, cfg, "tcp4://127.0.0.1:0")
	ann := enter(t, addrs[0])
	enter(t, addrs[0])
	ann.expect("* guest-2 joined")
	for range 3 {
		p := labtest.Dial(t, addrs[0])
		p.Send("hello\n") // unread: closing at once would reset
		p.Expect("* the room is full (2 people at most), please come again later\n")
		p.ExpectEOF()
	}
	ann.Send("byebye\n")
	ann.expect("byebye")
	ann.expectEOF()
	enter(t, addrs[0])
}

func TestThousandJoinAndLeave(t *testing.T) {
	const n = 1000
	s, addrs, _ := start(t, testConfig(), "unix://"+t.TempDir()+"/c.sock")
	ann := enter(t, addrs[0])
	var people sync.WaitGroup
	for range 20 {
		people.Go(func() {
			for range n / 20 {
				conn, err := net.Dial("unix", addrs[0].String())
				if err != nil {
					t.Error(err)
					return
				}
				conn.SetDeadline(time.Now().Add(labtest.Patience))
				io.WriteString(conn, "hello\nbyebye\n")
				if got, err := io.ReadAll(conn); err != nil || !strings.HasSuffix(string(got), "byebye\n") {
					t.Errorf("got %q, %v", got, err)
				}
				conn.Close()
			}
		})
	}
	here := map[string]int{} // -1: not here, otherwise how many lines they said
	joined, said, left := 0, 0, 0
	for left < n {
		line := ann.line()
		switch name, ok := strings.CutSuffix(line, " joined"); {
		case ok:
			joined++
			here[strings.TrimPrefix(name, "* ")] = 0
		case strings.HasSuffix(line, ": hello"):
			name := strings.TrimSuffix(line, ": hello")
			if words, ok := here[name]; !ok || words != 0 {
				t.Fatalf("%q, who is not here or has spoken", line)
			}
			here[name] = 1
			said++
		case strings.HasSuffix(line, " left"):
			name := strings.TrimPrefix(strings.TrimSuffix(line, " left"), "* ")
			if here[name] != 1 {
				t.Fatalf("%q, who has not spoken", line)
			}
			delete(here, name)
			left++
		default:
			t.Fatalf("got %q", line)
		}
	}
	people.Wait()
	ann.Send("/who\n")
	ann.expect("* 1 here: guest-1")
	if joined != n || said != n || testutil.ToFloat64(s.counts.people) != 1 {
		t.Errorf("%d joined, %d spoke, %v are here", joined, said, testutil.ToFloat64(s.counts.people))
	}
}

// At a stop all that was accepted is delivered, though the rate would have kept it back; everybody is told, and closed in order.
func TestStopInMidConversation(t *testing.T) {
	cfg := testConfig()
	cfg.Rate = 20
	s, addrs, story := start(t, cfg, "tcp4://127.0.0.1:0")
	ben := enter(t, addrs[0])
	ann := enter(t, addrs[0])
	ben.expect("* guest-2 joined")
	const lines = 500
	for n := range lines {
		ann.Send(fmt.Sprintf("line %d\n", n))
	}
	ann.Send("/help\nthe last one, unfinished")
	for n := range 21 { // with the 21st the rate has begun to matter
		ben.expect(fmt.Sprintf("guest-2: line %d", n))
	}
	got := story() // stops the server
	for n := 21; n < lines; n++ {
		ben.expect(fmt.Sprintf("guest-2: line %d", n))
	}
	ben.expect("guest-2: the last one, unfinished", wire.En.Stopping)
	ben.expectEOF()
	ann.expect(wire.En.Help, wire.En.Stopping)
	ann.expectEOF()
	if !strings.Contains(got, "guest-1 (the server stops)") || !strings.Contains(got, "guest-2 talks too fast: only 20 lines a second are read") {
		t.Errorf("transcript: %s", got)
	}
	if n := testutil.ToFloat64(s.counts.visits.WithLabelValues("stopped")); n != 2 {
		t.Errorf("stopped is %v", n)
	}
}

func TestOperatorSpeaksAndDismisses(t *testing.T) {
	s, addrs, _ := start(t, testConfig(), "tcp4://127.0.0.1:0")
	ann := enter(t, addrs[0])
	var shown strings.Builder
	for _, line := range []string{"  ", "hello \x1b[m", "/who", "／who", "/nick x", "//x", "exit", "\xff", strings.Repeat("x", 1025)} {
		s.operatorSays(&shown, line)
	}
	ann.expect(`* server: hello \x1b[m`, "* server: /x")
	if got, want := shown.String(), "* 1 here: guest-1\n* 1 here: guest-1\n"+words.En.Commands+"\n"+fmt.Sprintf(words.En.GoesOn, os.Getpid())+"\n"+words.En.NotUTF8+"\n"+fmt.Sprintf(words.En.TooLong, 1024)+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	ann.Send("one\nhalf a line") // unread or not, the goodbye arrives
	s.operatorSays(&shown, byebye)
	ann.expect("byebye")
	if line := ann.line(); line != fmt.Sprintf(wire.En.OnlySaid, 1) && line != fmt.Sprintf(wire.En.OnlySaid, 2) {
		t.Errorf("got %q", line) // her first was /help
	}
	ann.expectEOF()
	ben := enter(t, addrs[0]) // the room is open still
	ben.Send("/who\n")
	ben.expect("* 1 here: guest-1")
}

// The rest is about time, over pipes in a bubble where time is free.

// bubble runs f with a room, and a way to come in.
func bubble(t *testing.T, cfg Config, f func(s *server, come func() net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(cfg, app.Env{Log: zap.NewNop(), Lang: english}, newCounts())
		go s.room.run()
		var visits sync.WaitGroup
		f(s, func() net.Conn {
			client, conn := net.Pipe()
			visits.Go(func() {
				s.visit(t.Context(), conn)
				conn.Close()
			})
			line, err := bufio.NewReaderSize(oneByte{client}, 16).ReadString('\n')
			if err != nil || !strings.HasPrefix(line, "* hello") {
				t.Fatalf("got %q, %v", line, err)
			}
			s.room.await(s.room.todo, func() { // the others hear of them at once
				for _, p := range s.room.people {
					if !p.known {
						p.known = true
						s.room.notice(p, wire.En.Joined, p.name.shown)
					}
				}
			})
			return client
		})
		visits.Wait()
		s.room.close()
	})
}

// oneByte reads no further than it is asked to: what follows is left for the next reader.
type oneByte struct{ io.Reader }

func (r oneByte) Read(p []byte) (int, error) { return r.Reader.Read(p[:1]) }

// reads is what arrives within a while, a string for each read.
func reads(conn net.Conn, while time.Duration) (got []string) {
	conn.SetReadDeadline(time.Now().Add(while))
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if n > 0 {
			got = append(got, string(buf[:n]))
		}
		if err != nil {
			conn.SetReadDeadline(time.Time{})
			return got
		}
	}
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBareText(t *testing.T) {
	bubble(t, testConfig(), func(s *server, come func() net.Conn) {
		ann, ben := come(), come()
		equal(t, reads(ann, time.Second), "* guest-2 joined\n")
		io.WriteString(ann, "hello")
		equal(t, reads(ben, 190*time.Millisecond))
		equal(t, reads(ben, 20*time.Millisecond), "guest-1: hello\n")

		io.WriteString(ann, "你\xe5") // in the middle of a character
		equal(t, reads(ben, 20*time.Second))
		io.WriteString(ann, "\xa5\xbd")
		equal(t, reads(ben, time.Second), "guest-1: 你好\n")

		io.WriteString(ben, "one\ntwo\n") // ann has shown herself to be bare: no newlines for her
		equal(t, reads(ann, time.Second), "guest-2: one", "guest-2: two")

		io.WriteString(ann, "/who\n") // her first newline
		equal(t, reads(ann, time.Second), "* 2 here: guest-1, guest-2\n")
		io.WriteString(ann, "now a pause")
		equal(t, reads(ben, time.Second)) // means nothing
		io.WriteString(ann, " is no end\n")
		equal(t, reads(ben, time.Second), "guest-1: now a pause is no end\n")
		ann.Close()
		ben.Close()
	})
}

func TestBareByebye(t *testing.T) {
	bubble(t, testConfig(), func(s *server, come func() net.Conn) {
		ann := come()
		io.WriteString(ann, "byebye")
		if got, err := io.ReadAll(ann); string(got) != "byebye" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestALineThatBeginsMustEnd(t *testing.T) {
	bubble(t, testConfig(), func(s *server, come func() net.Conn) {
		ann := come()
		start := time.Now()
		time.Sleep(time.Hour) // silence is welcome
		io.WriteString(ann, "a line\nand half")
		for range 2 { // a byte now and then is no end
			time.Sleep(10 * time.Second)
			io.WriteString(ann, "x")
		}
		if got, _ := io.ReadAll(ann); string(got) != wire.En.Unfinished+"\n" || time.Since(start) != time.Hour+lineWait {
			t.Errorf("got %q after %v", got, time.Since(start))
		}
	})
}

// A line that was too long is over with its newline, or with the pause after it. Later ones have all their time.
func TestTheNextLineHasItsOwnTime(t *testing.T) {
	cfg := testConfig()
	cfg.Rate = 20
	for name, tc := range map[string]struct{ tooLong, next, cutBy, said string }{
		"lines":                {strings.Repeat("x", 2000) + "\n", strings.Repeat("y", 900) + "\n", "", strings.Repeat("y", 900)},
		"lines, then half one": {strings.Repeat("x", 2000) + "\n", "half", " and half\n", "half and half"},
		"bare":                 {strings.Repeat("x", 2000), "hi", "", "hi"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, cfg, func(s *server, come func() net.Conn) {
				ann, ben := come(), come()
				reads(ann, time.Second)
				io.WriteString(ann, tc.tooLong)
				equal(t, reads(ann, 31*time.Second), wire.En.TooLong+"\n")
				io.WriteString(ann, tc.next)
				time.Sleep(100 * time.Millisecond)
				io.WriteString(ann, tc.cutBy)
				equal(t, reads(ben, time.Second), "guest-1: "+tc.said+"\n")
				io.WriteString(ben, "hello\n")
				if name == "bare" {
					equal(t, reads(ann, time.Second), "guest-2: hello")
				} else {
					equal(t, reads(ann, time.Second), "guest-2: hello\n")
				}
				ann.Close()
				ben.Close()
			})
		})
	}
}

// The pause that ends a refused text shows a bare peer, its newline a peer of lines.
func TestARefusedTextShowsWhoIsBare(t *testing.T) {
	bubble(t, testConfig(), func(s *server, come func() net.Conn) {
		ann, ben := come(), come()
		reads(ann, time.Second)
		io.WriteString(ann, strings.Repeat("x", 2000))
		reads(ann, time.Second)
		io.WriteString(ben, "one\n")
		equal(t, reads(ann, time.Second), "guest-2: one")
		io.WriteString(ann, strings.Repeat("x", 2000))
		reads(ann, 100*time.Millisecond)
		io.WriteString(ann, "\n")
		io.WriteString(ben, "two\n")
		equal(t, reads(ann, time.Second), "guest-2: two\n")
		ann.Close()
		ben.Close()
	})
}

// Of idling and a line that does not end, what comes first ends the visit, and is the reason given.
func TestTheFirstClockEndsTheVisit(t *testing.T) {
	for idleTimeout, tc := range map[time.Duration]struct {
		sent, want string
		after      time.Duration
	}{
		5 * time.Second:        {"a\nhalf", wire.En.Idle + "\n", 5 * time.Second},
		time.Minute:            {"a\nhalf", wire.En.Unfinished + "\n", lineWait},
		100 * time.Millisecond: {"bare", wire.En.Idle, bareWait}, // its words are not lost
	} {
		cfg := testConfig()
		cfg.IdleTimeout = app.Duration(idleTimeout)
		bubble(t, cfg, func(s *server, come func() net.Conn) {
			ann := come()
			start := time.Now()
			io.WriteString(ann, tc.sent)
			if got, _ := io.ReadAll(ann); string(got) != tc.want || time.Since(start) != tc.after {
				t.Errorf("IDLE_TIMEOUT=%v: got %q after %v, want %q after %v", idleTimeout, got, time.Since(start), tc.want, tc.after)
			}
			if n := testutil.ToFloat64(s.counts.messages); n != 1 {
				t.Errorf("IDLE_TIMEOUT=%v: %v messages were passed on, want 1", idleTimeout, n)
			}
		})
	}
}

// A room's goodbye is not a stop's: whoever is behind has time to take it in.
func TestTheDismissedTakeTheirTime(t *testing.T) {
	bubble(t, testConfig(), func(s *server, come func() net.Conn) {
		ann := come()
		s.operatorSays(io.Discard, "hello")
		time.Sleep(time.Second)
		s.operatorSays(io.Discard, byebye)
		time.Sleep(takeTimeout - 2*time.Second)
		if got, err := io.ReadAll(ann); string(got) != "* server: hello\nbyebye\n" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// A read full of the shortest lines, behind the longest name, is not handed over as a megabyte.
func TestARoundIsBounded(t *testing.T) {
	bubble(t, testConfig(), func(s *server, come func() net.Conn) {
		ann, ben := come(), come()
		reads(ann, time.Second)
		io.WriteString(ann, "/nick "+strings.Repeat("😀", maxName)+"\n")
		reads(ann, time.Second)
		reads(ben, time.Second)
		const lines = 6000 // less than an outbox holds, whether ben keeps up or not
		go io.WriteString(ann, strings.Repeat("x\n", lines))
		most, all := 0, 0
		buf := make([]byte, 2<<20)
		for want := lines * (4*maxName + len(": x\n")); all < want; {
			ben.SetReadDeadline(time.Now().Add(time.Minute))
			n, err := ben.Read(buf) // one piece of what was queued
			if most, all = max(most, n), all+n; err != nil {
				t.Errorf("%d bytes of %d, then %v", all, want, err)
				break
			}
		}
		if most > maxRound+maxHandOver+5*maxText {
			t.Errorf("%d bytes were delivered together", most)
		}
		ann.Close()
		ben.Close()
	})
}

func TestIdleTimeout(t *testing.T) {
	cfg := testConfig()
	cfg.IdleTimeout = app.Duration(time.Minute)
	bubble(t, cfg, func(s *server, come func() net.Conn) {
		ann := come()
		start := time.Now()
		time.Sleep(50 * time.Second)
		io.WriteString(ann, "\n")
		if got, _ := io.ReadAll(ann); string(got) != wire.En.Idle+"\n" || time.Since(start) != 110*time.Second {
			t.Errorf("got %q after %v", got, time.Since(start))
		}
	})
}

// A flood is read as fast as the rate allows and no faster; all of it arrives, in order.
func TestFloodIsLimitedNotLost(t *testing.T) {
	cfg := testConfig()
	cfg.Rate = 20
	bubble(t, cfg, func(s *server, come func() net.Conn) {
		ann, ben := come(), come()
		reads(ann, time.Second)
		start := time.Now()
		const lines = 220
		go func() {
			for n := range lines {
				fmt.Fprintf(ann, "%d\n", n)
			}
			ann.Close()
		}()
		in := bufio.NewReader(ben)
		for n := range lines {
			if line, err := in.ReadString('\n'); line != fmt.Sprintf("guest-1: %d\n", n) {
				t.Fatalf("got %q, %v; want line %d", line, err, n)
			}
		}
		if took := time.Since(start); took != 10*time.Second { // 20 at once, then 20 a second
			t.Errorf("took %v", took)
		}
		ben.Close()
	})
}

// A person for whom something waits, and who takes in nothing, is disconnected though the queue is not full.
func TestTakesInNothing(t *testing.T) {
	bubble(t, testConfig(), func(s *server, come func() net.Conn) {
		ann, slow := come(), come()
		reads(ann, time.Second)
		start := time.Now()
		io.WriteString(ann, "hello\n")
		in := bufio.NewReader(ann)
		if line, err := in.ReadString('\n'); line != "* guest-2 does not take in messages and was disconnected\n" || time.Since(start) != takeTimeout {
			t.Errorf("got %q, %v after %v", line, err, time.Since(start))
		}
		if got, _ := io.ReadAll(slow); len(got) > 0 {
			t.Errorf("got %q after the end", got)
		}
		ann.Close()
	})
}

func TestWhoFitsALine(t *testing.T) {
	r := newRoom(testConfig(), wire.En, newCounts())
	for n := range 1000 {
		g := guest(n)
		r.people[g.key] = &person{name: g}
	}
	line := r.who()
	if len(line) > maxText || !strings.HasPrefix(line, "* 1000 here: guest-0, guest-1, guest-10, ") || !strings.HasSuffix(line, " more") {
		t.Errorf("%d bytes: %q", len(line), line)
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
