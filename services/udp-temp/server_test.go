package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
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
	"netlab.example/services/udp-temp/batch"
)

func testConfig() Config {
	return Config{Common: app.Common{ShutdownTimeout: app.Duration(2 * time.Second), Transcript: true}}
}

func listen(t *testing.T, urls string) []net.PacketConn {
	t.Helper()
	conns, err := sockets.ListenPacket(t.Context(), urls)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, c := range conns {
			c.Close()
		}
	})
	return conns
}

// run runs a server until the test ends. story stops it and returns its transcript, which is in English.
func run(t *testing.T, wire language.Lang, conns ...net.PacketConn) (s *server, story func() string) {
	t.Helper()
	out, err := os.Create(t.TempDir() + "/stdout")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	s = newServer(testConfig(), app.Env{Log: zap.NewNop(), Stdout: out, Lang: language.Choice{Wire: wire, People: language.English}}, conns...)
	stop := labtest.Run(t, func(ctx context.Context) error {
		defer s.story.Close()
		return s.serve(ctx)
	})
	return s, func() string {
		stop()
		b, _ := os.ReadFile(out.Name())
		return string(b)
	}
}

// dial connects to a server: the system then takes answers from the address asked only.
func dial(t *testing.T, url string) net.Conn {
	t.Helper()
	conn, err := sockets.Dial(t.Context(), url, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(labtest.Patience))
	return conn
}

func send(t *testing.T, conn net.Conn, question string) {
	t.Helper()
	if _, err := conn.Write([]byte(question)); err != nil {
		t.Fatalf("send %.20q: %v", question, err)
	}
}

func expect(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	buf := make([]byte, 2048)
	n, err := conn.Read(buf)
	if got := string(buf[:n]); got != want || err != nil {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

// await waits until a counter has reached n.
func await(t *testing.T, what string, counter func() float64, n float64) {
	t.Helper()
	labtest.Eventually(t, fmt.Sprintf("%s: %v", what, n), func() bool { return counter() >= n })
}

func (s *server) got(k kind) float64    { return testutil.ToFloat64(s.counts.received[k]) }
func (s *server) missed(l loss) float64 { return testutil.ToFloat64(s.counts.lost[l]) }

func portOf(c net.PacketConn) int { return c.LocalAddr().(*net.UDPAddr).Port }

func TestDialogues(t *testing.T) {
	path := t.TempDir() + "/t.sock"
	conns := listen(t, "udp4://127.0.0.1:0,udp4://:0,udp6://[::1]:0,udp://:0,unixgram://"+path)
	run(t, language.Chinese, conns...)
	for _, url := range []string{
		fmt.Sprintf("udp://127.0.0.1:%d", portOf(conns[0])),
		fmt.Sprintf("udp://127.0.0.1:%d", portOf(conns[1])),
		fmt.Sprintf("udp://[::1]:%d", portOf(conns[2])),
		fmt.Sprintf("udp://127.0.0.1:%d", portOf(conns[3])),
		fmt.Sprintf("udp://[::1]:%d", portOf(conns[3])),
		"unixgram://" + path,
	} {
		t.Run(url, func(t *testing.T) {
			conn := dial(t, url)
			send(t, conn, "36.6")
			expect(t, conn, "转换后的温度(华氏温度):97.88")
			send(t, conn, "hot\n")
			expect(t, conn, "无法转换:不是数字, 请发送例如 36.6")
		})
	}
}

func TestJunkIsCountedAndNotAnswered(t *testing.T) {
	path := t.TempDir() + "/t.sock"
	conns := listen(t, "udp4://127.0.0.1:0,unixgram://"+path)
	s, _ := run(t, language.English, conns...)
	for i, url := range []string{"udp://" + conns[0].LocalAddr().String(), "unixgram://" + path} {
		conn := dial(t, url)
		for _, junk := range []string{"", " \n", "\xff\xfe", "\x1b[2J", strings.Repeat("\x1b", 65507), "转换后的温度(华氏温度):1", "Cannot convert: x"} {
			send(t, conn, junk)
		}
		send(t, conn, "100")
		expect(t, conn, "Temperature in Fahrenheit: 212") // the first that comes
		for k, want := range map[kind]float64{empty: 2, notUTF8: 1, control: 2, ourText: 2, number: 1} {
			if got := s.got(k); got != want*float64(i+1) {
				t.Errorf("%v: counted %v", k, got)
			}
		}
	}
}

func TestOversized(t *testing.T) {
	path := t.TempDir() + "/t.sock"
	conns := listen(t, "udp4://127.0.0.1:0,unixgram://"+path)
	run(t, language.English, conns...)
	for _, url := range []string{"udp://" + conns[0].LocalAddr().String(), "unixgram://" + path} {
		conn := dial(t, url)
		for _, size := range []int{33, batch.MaxData, batch.MaxData + 1, 65507} {
			send(t, conn, strings.Repeat("1", size))
			expect(t, conn, "Cannot convert: over 32 bytes")
		}
	}
}

// Many at once, from many: each gets the answer to its own question, in order.
func TestBatches(t *testing.T) {
	conns := listen(t, "udp4://127.0.0.1:0")
	var clients []net.Conn
	for c := range 20 {
		conn := dial(t, "udp://"+conns[0].LocalAddr().String())
		clients = append(clients, conn)
		for q := range 10 {
			send(t, conn, fmt.Sprintf("%d", c*50+q*5))
		}
	}
	run(t, language.English, conns...) // all are in its queue
	for c, conn := range clients {
		for q := range 10 {
			expect(t, conn, fmt.Sprintf("Temperature in Fahrenheit: %d", (c*50+q*5)/5*9+32))
		}
	}
}

// A stop answers what was received before it.
func TestStopAnswersWhatWasReceived(t *testing.T) {
	conns := listen(t, "udp4://127.0.0.1:0")
	conn := dial(t, "udp://"+conns[0].LocalAddr().String())
	for range 100 {
		send(t, conn, "37")
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	s := newServer(Config{Common: app.Common{ShutdownTimeout: app.Duration(labtest.Patience)}}, app.Env{Log: zap.NewNop()}, conns...)
	if err := s.serve(ctx); err != nil {
		t.Error(err)
	}
	for range 100 {
		expect(t, conn, "转换后的温度(华氏温度):98.6")
	}
}

// One forged datagram must not make two servers talk for ever. Here the first answer is real: it lies
// in the queue of a socket that then becomes a server's.
func TestTwoServersDoNotTalk(t *testing.T) {
	for _, langs := range [][2]language.Lang{{language.Chinese, language.Chinese}, {language.Chinese, language.English}, {language.English, language.Chinese}} {
		a, b := listen(t, "udp4://127.0.0.1:0")[0], listen(t, "udp4://127.0.0.1:0")[0]
		for _, question := range []string{"37", "nonsense"} {
			if _, err := b.WriteTo([]byte(question), a.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		first, _ := run(t, langs[0], a)
		await(t, "questions", func() float64 { return first.got(number) + first.got(noNumber) }, 2)
		second, _ := run(t, langs[1], b)
		await(t, "answers", func() float64 { return second.got(ourText) }, 2)

		// Silence follows: whatever either might have said would come before this.
		for _, s := range []*server{first, second} {
			conn := dial(t, "udp://"+s.conns[0].LocalAddr().String())
			send(t, conn, "0")
			expect(t, conn, s.wire.Answer+"32")
		}
		if n := total(first); n != 3 {
			t.Errorf("the first received %v datagrams, want 3", n)
		}
		if n := total(second); n != 3 {
			t.Errorf("the second received %v datagrams, want 3", n)
		}
	}
}

func total(s *server) (n float64) {
	for k := range kinds {
		n += s.got(k)
	}
	return n
}

// Nor a server with itself, whichever of its addresses the sender claims to have: a loop ends after one answer.
func TestForgedFromOurselves(t *testing.T) {
	path := t.TempDir() + "/t.sock"
	conns := listen(t, "udp4://127.0.0.1:0,udp://:0,udp4://127.0.0.1:0,unixgram://"+path)
	s, _ := run(t, language.English, conns...)
	both := portOf(conns[1])
	n := 0.0
	for _, forged := range []struct {
		from net.PacketConn
		to   net.Addr
	}{
		{conns[0], conns[0].LocalAddr()},
		{conns[1], &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: both}},
		{conns[1], &net.UDPAddr{IP: net.IPv6loopback, Port: both}},
		{conns[2], conns[0].LocalAddr()}, // from one of our sockets to another
		{conns[1], conns[0].LocalAddr()},
		{conns[3], conns[3].LocalAddr()},
	} {
		for _, text := range []string{"nonsense", "37", "3\x006\x00"} {
			if _, err := forged.from.WriteTo([]byte(text), forged.to); err != nil {
				t.Fatal(err)
			}
			n++
			await(t, forged.to.String(), func() float64 { return s.got(ourText) }, n)
		}
	}
	if got := total(s); got != 2*n {
		t.Errorf("received %v datagrams, want %v: each question, and its answer", got, 2*n)
	}
}

// At most 10 refusals in any second for an address, whatever its port, and never a temperature less.
func TestRefusalsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Transcript = false
		s := newServer(cfg, app.Env{Log: zap.NewNop()})
		ask := func(from *batch.Address, text string) bool {
			d := &batch.Datagram{From: *from, Data: []byte(text)}
			s.answer(d)
			return len(d.Answer) > 0
		}
		refusals := func(from *batch.Address, questions int) (n int) {
			for range questions {
				if ask(from, "nonsense") {
					n++
				}
				from.UDP = netip.AddrPortFrom(from.UDP.Addr(), from.UDP.Port()+1)
				if !ask(from, "37") {
					t.Error("no temperature")
				}
			}
			return n
		}
		peer := &batch.Address{UDP: netip.MustParseAddrPort("192.0.2.1:2000")}
		for _, step := range []struct {
			questions, refusals int
			then                time.Duration
		}{
			{4, 4, 600 * time.Millisecond},
			{100, 6, 399 * time.Millisecond},
			{100, 0, time.Millisecond}, // the first four are a second old after this
			{100, 4, 600 * time.Millisecond},
			{100, 6, time.Hour},
			{100, 10, 0},
		} {
			if n := refusals(peer, step.questions); n != step.refusals {
				t.Errorf("at %v: %d refusals, want %d", time.Now(), n, step.refusals)
			}
			time.Sleep(step.then)
		}
		if n := refusals(&batch.Address{UDP: netip.MustParseAddrPort("[2001:db8::1]:1")}, 20); n > 10 {
			t.Errorf("another address: %d refusals", n)
		}
	})
}

// Many forged senders cost no memory, and not one of them is told more than it may be.
func TestLimiterIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter()
		n := 0
		for i := range 100_000 {
			if l.allow(batch.Address{Path: fmt.Appendf(nil, "/client-%d.sock", i)}) {
				n++
			}
		}
		if n != limitPlaces*refusalsPerSecond {
			t.Errorf("%d refusals, want %d", n, limitPlaces*refusalsPerSecond)
		}
	})
}

// Clients on AF_UNIX that are gone, or never had a name, or do not read, are counted, and stop nobody.
func TestUnixClientsThatCannotBeAnswered(t *testing.T) {
	dir := t.TempDir()
	conns := listen(t, "unixgram://"+dir+"/t.sock,udp4://127.0.0.1:0")
	udp := dial(t, "udp://"+conns[1].LocalAddr().String())
	server := conns[0].LocalAddr().(*net.UnixAddr)
	url := "unixgram://" + server.Name

	removed, err := net.DialUnix("unixgram", &net.UnixAddr{Net: "unixgram", Name: dir + "/removed"}, server)
	if err != nil {
		t.Fatal(err)
	}
	send(t, removed, "1")
	removed.Close()
	os.Remove(dir + "/removed")
	left, err := net.DialUnix("unixgram", &net.UnixAddr{Net: "unixgram", Name: dir + "/left"}, server)
	if err != nil {
		t.Fatal(err)
	}
	send(t, left, "1")
	left.Close() // its file stays
	nameless, err := net.DialUnix("unixgram", nil, server)
	if err != nil {
		t.Fatal(err)
	}
	defer nameless.Close()
	send(t, nameless, "1")

	s, story := run(t, language.English, conns...)
	conn := dial(t, url)
	send(t, conn, "37")
	expect(t, conn, "Temperature in Fahrenheit: 98.6")
	if g, u := s.missed(gone), s.missed(unnamed); g != 2 || u != 1 {
		t.Errorf("%v gone, %v unnamed", g, u)
	}

	deaf := dial(t, url)
	for s.missed(full) == 0 { // until its unread answers fill a queue
		send(t, deaf, "37")
	}
	send(t, udp, "0")
	expect(t, udp, "Temperature in Fahrenheit: 32")
	deaf.Close() // what it did not read is gone with it
	send(t, conn, "100")
	expect(t, conn, "Temperature in Fahrenheit: 212")
	if got := story(); !strings.Contains(got, "The answer to unix:"+dir+"/left could not be sent: connection refused\n") {
		t.Errorf("transcript: %.500s", got)
	}
}

// A flood of junk passes, and then there is an answer.
func TestFlood(t *testing.T) {
	conns := listen(t, "udp://:0")
	s, story := run(t, language.English, conns...)
	url := fmt.Sprintf("udp://127.0.0.1:%d", portOf(conns[0]))
	flood := dial(t, url)
	began := time.Now()
	for i := range 20_000 {
		send(t, flood, [...]string{"\x00", "nonsense", "", "\xff"}[i%4])
	}
	await(t, "junk", func() float64 { return total(s) }, 1)
	conn := newConversation(url, "", language.English)
	defer conn.close()
	conn.tellOn(t.Output())
	if got, err := conn.ask(t.Context(), "37"); got != "Temperature in Fahrenheit: 98.6" {
		t.Errorf("got %q, %v", got, err)
	}
	if n := s.got(noNumber) - s.missed(limited); n < 1 {
		t.Errorf("%v refusals", n)
	}
	told := story()
	budget := 2000 + 1000*(1+int(time.Since(began).Seconds())) // package transcript's: so many at once, and so many more each second
	gaps := regexp.MustCompile(`(?m)^\.\.\. \((\d+) lines left out\)\n`).FindAllStringSubmatch(told, -1)
	lines, left := strings.Count(told, "\n")-len(gaps), 0
	for _, gap := range gaps {
		n, _ := strconv.Atoi(gap[1])
		left += n
	}
	if received := int(total(s)); lines > budget || lines+left < received {
		t.Errorf("%d lines in the transcript and %d left out of %d, want at most %d", lines, left, received, budget)
	}
}

func TestTranscript(t *testing.T) {
	dir := t.TempDir()
	conns := listen(t, "udp4://127.0.0.1:0,udp6://[::1]:0,unixgram://"+dir+"/t.sock")
	_, story := run(t, language.Chinese, conns...)
	var want []string
	for _, c := range conns {
		conn := dial(t, c.LocalAddr().Network()+"://"+c.LocalAddr().String())
		peer := conn.LocalAddr().String()
		if c.LocalAddr().Network() == "unixgram" {
			peer = "unix:" + peer
		}
		send(t, conn, "36.6\n")
		expect(t, conn, "转换后的温度(华氏温度):97.88")
		send(t, conn, "\x1b[2J\u202e")
		send(t, conn, strings.Repeat("度", 99))
		expect(t, conn, "无法转换:不是数字, 请发送例如 36.6")
		want = append(want,
			"Request from "+peer+`: 36.6\n  -> 转换后的温度(华氏温度):97.88`,
			"Request from "+peer+`: \x1b[2J\u202e  (not answered: it has control characters)`,
			"Request from "+peer+": "+strings.Repeat("度", 33)+"...  -> 无法转换:不是数字, 请发送例如 36.6")
	}
	if got, want := story(), strings.Join(want, "\n")+"\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// At 200,000 datagrams a second there is little memory to spare for one of which nothing is told any more.
func TestLittleIsAllocatedForADatagram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // so that no second passes
		cfg := testConfig()
		cfg.Transcript = false
		s := newServer(cfg, app.Env{Log: zap.NewNop()})
		s.story = transcript.New(io.Discard, language.English)
		defer s.story.Close()
		d := &batch.Datagram{From: batch.Address{UDP: netip.MustParseAddrPort("192.0.2.1:2000")}, Answer: make([]byte, 0, batch.MaxAnswer)}
		for text, most := range map[string]float64{"36.6": 3, "nonsense": 0, "\x1b": 0} { // the number, its text, and a digit's
			d.Data = []byte(text)
			for range 5 { // spends the transcript's budget, in pieces that its queue has room for
				for range 1000 {
					s.answer(d)
				}
				synctest.Wait()
			}
			if n := testing.AllocsPerRun(100, func() { s.answer(d) }); n > most {
				t.Errorf("%q: %v allocations, want %v at most", text, n, most)
			}
		}
	})
}

// The textbook's client: a datagram without a newline from a socket that is not connected, one recv of 1,024 bytes.
func TestTextbookClient(t *testing.T) {
	conns := listen(t, "udp4://127.0.0.1:0")
	run(t, language.Chinese, conns...)
	conn, err := net.ListenPacket("udp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(labtest.Patience))
	conn.WriteTo([]byte("36.6"), conns[0].LocalAddr())
	buf := make([]byte, 1024)
	n, _, err := conn.ReadFrom(buf)
	if err != nil || !bytes.Equal(buf[:n], []byte("转换后的温度(华氏温度):97.88")) {
		t.Errorf("got %q, %v", buf[:n], err)
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

// serve whole: it says where it is, is ready, and ends well.
func TestServe(t *testing.T) {
	out, err := os.Create(t.TempDir() + "/stdout")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cfg := testConfig()
	dir := t.TempDir()
	cfg.Listen, cfg.Ops = "udp4://127.0.0.1:0,unixgram://"+dir+"/t.sock", "unix://"+dir+"/ops.sock"
	stop := labtest.Run(t, func(ctx context.Context) error {
		return serve(ctx, cfg, app.Env{Log: zap.NewNop(), Stdout: out})
	})
	labtest.Eventually(t, "it is healthy", func() bool { return healthcheck(t.Context(), cfg, app.Env{}) == nil })
	if err := os.Rename(dir+"/t.sock", dir+"/gone"); err != nil {
		t.Fatal(err)
	}
	if err := healthcheck(t.Context(), cfg, app.Env{}); err == nil || err.Error() != "the socket file "+dir+"/t.sock is gone" {
		t.Errorf("without its socket file: %v", err)
	}
	os.Rename(dir+"/gone", dir+"/t.sock")
	stop()
	b, _ := os.ReadFile(out.Name())
	if !strings.HasPrefix(string(b), "绑定 UDP服务 到 ") || !strings.Contains(string(b), " 端口 (udp://127.0.0.1:") {
		t.Errorf("transcript: %s", b)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("it left socket files behind: %v", left)
	}
}
