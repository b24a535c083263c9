package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
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
)

// Programs of other protocols are answered in their own, and nobody hears them, whatever else they send.
func TestProgramsThatAreNoPeople(t *testing.T) {
	s, addrs, _ := start(t, testConfig(), "tcp4://127.0.0.1:0")
	ann := enter(t, addrs[0])
	programs := []struct{ sent, answer string }{
		{"GET / HTTP/1.1\r\nHost: localhost:12345\r\n\r\n", httpAnswer},
		{"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\n/nick Bob\nbuy\n", httpAnswer},
		{"GET /" + strings.Repeat("x", 3000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", httpAnswer},
		{"OPTIONS / RTSP/1.0\r\n\r\n", httpAnswer},
		{"\x16\x03\x01\x00\xc4\x01\x00\x00\xc0\x03\x03\nhello\nthere\n", "\x15\x03\x01\x00\x02\x02\x28"},
		{"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nhello\n", ""},
		{"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0chello\n", ""},
		{"SSH-2.0-OpenSSH_9.2\r\n", ""},
		{"CAP LS 302\r\nNICK ann\r\nUSER a 0 * :a\r\n", "ERROR :this is no IRC server\r\n"},
	}
	for _, tc := range programs {
		p := labtest.Dial(t, addrs[0])
		p.Send(tc.sent)
		if got, err := io.ReadAll(p); string(got) != tc.answer || err != nil {
			t.Errorf("%.20q was answered %q, %v; want %q", tc.sent, got, err, tc.answer)
		}
	}
	for i, tc := range programs { // as browsers do: connected long before there is something to ask
		late := labtest.Dial(t, addrs[0])
		late.Expect(fmt.Sprintf("* hello, you are guest-%d, 2 here; /help lists the commands, byebye leaves\n", 2+i))
		late.Send(tc.sent)
		late.Expect(tc.answer)
		late.ExpectEOF()
	}
	ben := enter(t, addrs[0]) // what they would have said comes before this
	ben.Send("/nick ben\n")
	ann.expect(fmt.Sprintf("* guest-%d joined", 2+len(programs)), fmt.Sprintf("* guest-%d is now ben", 2+len(programs)))
	ben.Send("GET the picture\nHEAD /x HTTP/1.1\n") // whoever has spoken is a person
	ann.expect("ben: GET the picture", "ben: HEAD /x HTTP/1.1")
	if n := testutil.ToFloat64(s.counts.visits.WithLabelValues("no_person")); int(n) != 2*len(programs) {
		t.Errorf("%v were no people, want %d", n, 2*len(programs))
	}
}

// A person may begin with a long line that looks a little like a request, or like telnet's or another program's.
func TestPeopleWhoSeemPrograms(t *testing.T) {
	_, addrs, _ := start(t, testConfig(), "tcp4://127.0.0.1:0")
	ann := enter(t, addrs[0])
	for i, line := range []string{
		"GET some milk",
		"OPTIONS? none",
		"PROXY is down",
		"SEE https://example.com " + strings.Repeat("你好", 150),
		"LOOK /home/ann " + strings.Repeat("and all that ", 70),
	} {
		p := labtest.Dial(t, addrs[0])
		p.Send(line + "\n")
		ann.expect(fmt.Sprintf("* guest-%d joined", 2+i), fmt.Sprintf("guest-%d: %s", 2+i, line))
	}
}

// Who comes and goes without a word is no news, be it at once or later; who stays is.
func TestComingWithoutAWord(t *testing.T) {
	_, addrs, story := start(t, testConfig(), "tcp4://127.0.0.1:0")
	ann := enter(t, addrs[0])
	for range 3 {
		labtest.Dial(t, addrs[0]).Close()
	}
	short := labtest.Dial(t, addrs[0])
	short.Expect("* hello, ")
	short.Close()
	stays := labtest.Dial(t, addrs[0])
	stays.Expect("* hello, ")
	ann.expect("* guest-3 joined")
	stays.Close()
	ann.expect("* guest-3 left")
	got := story()
	if n := strings.Count(got, "Connected: "); n != 3 { // ann, short and stays
		t.Errorf("the transcript tells of %d:\n%s", n, got)
	}
}

// What programs and Chinese keyboards put around a message is not part of it.
func TestWhatIsMeant(t *testing.T) {
	bubble(t, testConfig(), func(s *server, come func() net.Conn) {
		ann, ben := come(), come()
		reads(ann, time.Second)
		for _, tc := range []struct{ sent, heard, answer string }{
			{sent: "\ufeffa mark\n", heard: "guest-2: a mark\n"},
			{sent: "a C string\n\x00", heard: "guest-2: a C string\n"},
			{sent: "and one\x00\n", heard: "guest-2: and one\n"},
			{sent: "a buffer\x00\x00\x00\x00\x00\x00\r\n", heard: "guest-2: a buffer\n"},
			{sent: "a\x00b and more\n", heard: `guest-2: a\x00b and more` + "\n"},
			{sent: "／who\n", answer: "* 2 here: guest-1, guest-2\n"},
			{sent: "、ｗｈｏ\n", answer: "* 2 here: guest-1, guest-2\n"},
			{sent: "／nick　小明\n", heard: "* guest-2 is now 小明\n", answer: "* guest-2 is now 小明\n"},
			{sent: "、然后\n", heard: "小明: 、然后\n"},
			{sent: "//x\n", heard: "小明: /x\n"},
			{sent: "/dance\n", answer: wire.En.NoCommand + "\n"},
			{sent: "h\x00i\x00!\x00\n\x00", answer: wire.En.UTF16 + "\n"},
			{sent: "\xff\xfeh\x00i\x00\n\x00", answer: wire.En.UTF16 + "\n"},
			{sent: "\x00h\x00i\x00!\x00\n", answer: wire.En.UTF16 + "\n"},
			{sent: "\xfe\xff\x00h\x00i\x00\n", answer: wire.En.UTF16 + "\n"},
			{sent: "\xc4\xe3\xba\xc3\n", answer: wire.En.NotUTF8 + "\n"}, // GBK
		} {
			io.WriteString(ben, tc.sent)
			if got := strings.Join(reads(ann, time.Second), ""); got != tc.heard {
				t.Errorf("%q was heard as %q, want %q", tc.sent, got, tc.heard)
			}
			if got := strings.Join(reads(ben, time.Second), ""); got != tc.answer {
				t.Errorf("%q was answered %q, want %q", tc.sent, got, tc.answer)
			}
		}
		time.Sleep(2 * lineWait) // a NUL after the newline begins no line that would have to end
		io.WriteString(ben, "still here\n")
		equal(t, reads(ann, time.Second), "小明: still here\n")
		ann.Close()
		equal(t, reads(ben, time.Second), "* guest-1 left\n")
		for _, bye := range []string{"ｂｙｅｂｙｅ\n", "byebye。\n", "Byebye\r\n", "byebye\x00", "\ufeffbyebye\n"} {
			io.WriteString(ben, bye)
			if got, err := io.ReadAll(ben); strings.TrimSpace(string(got)) != byebye || err != nil {
				t.Errorf("%q was answered %q, %v", bye, got, err)
			}
			ben = come()
		}
		ben.Close()
	})
}

// What telnet and PuTTY send between lines is refused, and no part of a line; in the text of anybody else a byte
// 255 is a byte.
func TestTelnet(t *testing.T) {
	bubble(t, testConfig(), func(s *server, come func() net.Conn) {
		ann, ben := come(), come()
		reads(ann, time.Second)
		for _, tc := range []struct {
			sent          []string
			heard, answer string
		}{
			{[]string{"\xff\xfb\x1f\xff\xfb\x20\xff\xfd\x03", "hello\r\n"}, "guest-2: hello\n", "\xff\xfe\x1f\xff\xfe\x20\xff\xfc\x03"}, // PuTTY
			{[]string{"\xff\xf4\xff\xfd\x06", "after Ctrl-C\r\n"}, "guest-2: after Ctrl-C\n", "\xff\xfc\x06"},                           // telnet
			{[]string{"cut\xff", "\xfb", "\x18 here\r\n"}, "guest-2: cut here\n", "\xff\xfe\x18"},
			{[]string{"a size\xff\xfa\x1f\x00\x50\xff\xff\x18\xff\xf0 too\n"}, "guest-2: a size too\n", ""},
			{[]string{"\xff\xfe\x01\xff\xfc\x01\xff\xf1nothing\n"}, "guest-2: nothing\n", ""},
			{[]string{"a byte \xff\xff\n"}, "", wire.En.NotUTF8 + "\n"},
		} {
			for _, p := range tc.sent {
				io.WriteString(ben, p)
			}
			if got := strings.Join(reads(ann, time.Second), ""); got != tc.heard {
				t.Errorf("%q was heard as %q, want %q", tc.sent, got, tc.heard)
			}
			if got := strings.Join(reads(ben, time.Second), ""); got != tc.answer {
				t.Errorf("%q was answered %q, want %q", tc.sent, got, tc.answer)
			}
		}
		io.WriteString(ann, "no \xff\xf4telnet\n\xff \n")
		if got := strings.Join(reads(ann, time.Second), ""); got != wire.En.NotUTF8+"\n"+wire.En.NotUTF8+"\n" {
			t.Errorf("got %q", got)
		}
		ann.Close()
		ben.Close()
	})
}

// However a stream with commands is cut, the text and the refusals are the same.
func FuzzTelnet(f *testing.F) {
	f.Add([]byte("\xff\xfb\x1fhello\r\n\xff\xf4\xff\xfd\x06x\xff\xff"), uint8(3))
	f.Add([]byte("a\xff\xfb\x1f\n\xff\xfe\xff\xfa\x00\xff\xf0b"), uint8(1))
	f.Fuzz(func(t *testing.T, p []byte, n uint8) {
		var whole, cut telnet
		text, refusals := whole.skip(slices.Clone(p))
		var gotText, gotRefusals []byte
		for piece := range slices.Chunk(p, 1+int(n)) {
			more, moreRefusals := cut.skip(slices.Clone(piece))
			gotText, gotRefusals = append(gotText, more...), append(gotRefusals, moreRefusals...)
		}
		if string(gotText) != string(text) || string(gotRefusals) != string(refusals) {
			t.Errorf("%q in pieces of %d: %q, %q; whole: %q, %q", p, 1+int(n), gotText, gotRefusals, text, refusals)
		}
	})
}

// At a stop, a person who has said more than could be read in time is told how many lines were said; one who says
// byebye after that is answered; the others see what they always see.
func TestAStopCountsWhatWasSaid(t *testing.T) {
	for _, tc := range []struct {
		rate  app.Limit
		bytes int
	}{{20, 1000}, {0, 1000}, {0, 5}} {
		t.Run(fmt.Sprintf("rate %d, %d bytes", tc.rate, tc.bytes), func(t *testing.T) { stopAmid(t, tc.rate, tc.bytes) })
	}
}

func stopAmid(t *testing.T, rate app.Limit, size int) {
	cfg := testConfig()
	cfg.Rate = rate
	_, addrs, story := start(t, cfg, "tcp4://127.0.0.1:0")
	ben, ann, cai, dan := enter(t, addrs[0]), enter(t, addrs[0]), enter(t, addrs[0]), enter(t, addrs[0])
	cai.Send("one\ntwo\n")
	ends := make(map[*testGuest]chan []string)
	heard, begun := 0, make(chan struct{})
	for _, g := range []*testGuest{ann, ben, cai, dan} {
		end := make(chan []string, 1)
		ends[g] = end
		go func() {
			var last []string
			for {
				line, err := g.r.ReadString('\n')
				if err != nil {
					end <- append(last, err.Error())
					return
				}
				line = strings.TrimSuffix(line, "\n")
				switch {
				case line == wire.En.Stopping || len(last) > 0:
					last = append(last, line)
				case g == ben && strings.HasPrefix(line, "guest-2: "):
					if heard++; heard == 20 {
						close(begun)
					}
				}
				if g == dan && line == wire.En.Stopping { // as our client does
					io.WriteString(dan.Conn, "byebye\n")
				}
			}
		}()
	}
	flood := make(chan struct{})
	go func() { // much more than is read at a stop
		defer close(flood)
		line := strings.Repeat("x", 1000) + "\n"
		for range 100_000 {
			if _, err := io.WriteString(ann.Conn, line); err != nil {
				return
			}
		}
	}()
	<-begun
	story()
	equal(t, <-ends[ben], wire.En.Stopping, "EOF")
	equal(t, <-ends[cai], wire.En.Stopping, "EOF")
	equal(t, <-ends[dan], wire.En.Stopping, "byebye", "EOF")
	got := <-ends[ann]                                                          // perhaps with a reset after it: what she still sends is more than a server should read
	equal(t, got[:2], wire.En.Stopping, fmt.Sprintf(wire.En.OnlySaid, 1+heard)) // the first was /help
	<-flood
}

// However much waits to be said at a stop, everybody is told of it, and the server stops in time.
func TestStopOfABusyRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		s := newServer(cfg, app.Env{Log: zap.NewNop(), Lang: english}, newCounts())
		go s.room.run()
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		ann, conn := net.Pipe()
		all.Go(func() { s.visit(ctx, conn); conn.Close() })
		heard := make(chan string, 1)
		go func() {
			all, _ := io.ReadAll(ann)
			heard <- string(all)
		}()
		time.Sleep(time.Second)
		lines := bytes.Repeat([]byte("guest-2: and so on\n"), maxRound/16)
		for range 400 { // more than talk holds
			all.Go(func() {
				for !s.room.isStopped() {
					s.room.hear(func() {
						if !s.room.isStopped() {
							time.Sleep(20 * time.Millisecond) // to deliver it to a thousand people
							s.room.tellAll(nil, lines, 1)
						}
					})
				}
			})
		}
		time.Sleep(time.Second)
		began := time.Now()
		context.AfterFunc(ctx, func() { s.room.stop(cfg.ShutdownTimeout.D() * 3 / 8) })
		cancel()
		conn.SetReadDeadline(time.Unix(1, 0)) // as package tcpserver does
		if got := <-heard; !strings.HasSuffix(got, wire.En.Stopping+"\n") {
			t.Errorf("ann read %q in the end, and nothing of the stop", got[max(0, len(got)-100):])
		}
		if took := time.Since(began); took > cfg.ShutdownTimeout.D() {
			t.Errorf("the stop took %v", took)
		}
		all.Wait()
		s.room.close()
	})
}
