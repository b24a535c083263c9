package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"netlab.example/pkg/app"
	"netlab.example/pkg/labtest"
	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/packet"
	"netlab.example/pkg/wire/record"
	"netlab.example/pkg/wire/trace"
	"netlab.example/services/wire/api"
	"netlab.example/services/wire/engine"
	"netlab.example/services/wire/link"
)

// bench is a link without an engine.
type bench struct {
	*link.Link
	watching bool
	log      *record.Log
}

func (b *bench) Status() wire.Status {
	return wire.Status{Mechanism: wire.Compat, Impairs: !b.watching, Service: "tcp://:8080", Interface: "eth0", MTU: 1500, Unseen: 3, Memory: b.log.Memory(),
		Limits: []wire.Limit{{Code: wire.NoLinkLayer}, {Code: "news", Why: "of \x1b[2J tomorrow"}}}
}

func (b *bench) Do(s wire.Scenario, by string) ([]wire.Fault, error) {
	if b.watching {
		return nil, engine.ErrWatchingOnly
	}
	return b.Link.Do(s, by)
}

func (b *bench) Reset(by string) error {
	_, err := b.Do(wire.Scenario{Link: []wire.Step{{Line: "clear"}}}, by)
	return err
}

// lab is a wire without an engine, and what is needed to ask it.
type lab struct {
	t       *testing.T
	wire    *bench
	log     *record.Log
	tracker *trace.Tracker
	lang    language.Lang
	address string
}

func newLab(t *testing.T) *lab {
	t.Helper()
	log := record.NewLog(1000, 64<<20)
	b := &bench{Link: &link.Link{}, log: log}
	l := &lab{t, b, log, trace.New(), language.English, ""}
	s := &api.Server{Wire: b, Link: b.Link, Log: l.log, Tracker: l.tracker, Service: wire.Service{Proto: wire.ProtoTCP, Port: 1}}
	lns, err := s.Start(t.Context(), "tcp://127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	l.address = "tcp://" + lns[0].Addr().String()
	s.Service.Port = uint16(lns[0].Addr().(*net.TCPAddr).Port) // its own sockets, for want of others
	return l
}

// add passes a packet through a tracker's and a link's hands, as the engine does.
func (l *lab) add(tracker *trace.Tracker, dir wire.Direction, tcp layers.TCP, data string) {
	l.t.Helper()
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: net.IP{10, 0, 0, 1}, DstIP: net.IP{10, 0, 0, 2}}
	tcp.SrcPort, tcp.DstPort, tcp.Window = 5000, 8080, 500
	if dir == wire.Out {
		ip.SrcIP, ip.DstIP, tcp.SrcPort, tcp.DstPort = ip.DstIP, ip.SrcIP, 8080, 5000
	}
	tcp.SetNetworkLayerForChecksum(ip)
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ip, &tcp, gopacket.Payload(data)); err != nil {
		l.t.Fatal(err)
	}
	r := &wire.Record{ID: l.log.Next(), Time: time.Unix(1_700_000_000, int64(l.log.Next())*1e6), Dir: dir, Raw: buf.Bytes(), Packet: packet.Decode(buf.Bytes())}
	tracker.Identify(r)
	r.Fate = l.wire.Decide(r).Fate
	tracker.Label(r)
	l.log.Append(r)
}

// hello is a handshake and one piece of data.
func (l *lab) hello() {
	l.add(l.tracker, wire.In, layers.TCP{Seq: 100, SYN: true}, "")
	l.add(l.tracker, wire.Out, layers.TCP{Seq: 500, Ack: 101, SYN: true, ACK: true}, "")
	l.add(l.tracker, wire.In, layers.TCP{Seq: 101, Ack: 501, ACK: true}, "")
	l.add(l.tracker, wire.In, layers.TCP{Seq: 101, Ack: 501, ACK: true, PSH: true}, "你好")
}

// run runs a command with arguments and returns what it printed.
func (l *lab) run(command func(context.Context, *asker) error, stdin string, args ...string) (string, error) {
	l.t.Helper()
	file := func(name, text string) *os.File {
		path := filepath.Join(l.t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			l.t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			l.t.Fatal(err)
		}
		l.t.Cleanup(func() { f.Close() })
		return f
	}
	client, err := wire.NewClient(l.address, "test")
	if err != nil {
		l.t.Fatal(err)
	}
	defer client.Close()
	env := app.Env{Args: args, Lang: language.Choice{People: l.lang}, Stdin: file("in", stdin), Stdout: file("out", "")}
	err = explain(l.t.Context(), command(l.t.Context(), &asker{env, client, words.In(l.lang)}), l.address, env)
	env.Stdout.Seek(0, io.SeekStart)
	out, _ := io.ReadAll(env.Stdout)
	return string(out), err
}

// expect demands that a command succeeds, and prints some things.
func (l *lab) expect(out string, err error, want ...string) {
	l.t.Helper()
	if err != nil {
		l.t.Error(err)
	}
	for _, w := range want {
		if !strings.Contains(out, w) {
			l.t.Errorf("%q is missing in\n%s", w, out)
		}
	}
	if strings.ContainsRune(out, '\x1b') {
		l.t.Errorf("escape codes on a pipe: %q", out)
	}
}

func TestWatch(t *testing.T) {
	l := newLab(t)
	l.wire.Link.Do(wire.Scenario{Faults: []wire.Fault{{Do: wire.Drop, Kind: wire.OnData, Nth: 1, To: wire.In}}}, "test")
	l.hello()
	out, err := l.run(watch, "", "--once")
	l.expect(out, err, "ARP are not seen from here", "client 10.0.0.1:5000 → server 10.0.0.2:8080", "handshake 1/3", "data #1 «你好»", "✗ dropped here")
	if n := strings.Count(out, "connection 1"); n != 1 {
		t.Errorf("%d heads", n)
	}
	out, err = l.run(watch, "", "--once", "--json", "--since", "-1")
	l.expect(out, err, `{"id":4,`, `"what":"dropped"`)
	if strings.Count(out, "\n") != 1 {
		t.Errorf("got %q", out)
	}
	if _, err = l.run(watch, "", "--loud"); err == nil {
		t.Error("an unknown flag is no error")
	}
	if _, err = l.run(watch, "", "now"); err == nil {
		t.Error("a stray word is no error")
	}
}

// TestOnceEnds: what comes while it prints is not waited for, or a busy link would keep it for ever.
func TestOnceEnds(t *testing.T) {
	l := newLab(t)
	l.hello()
	l.busy()
	out, err := l.run(watch, "", "--once", "--json", "--since", "-3")
	l.expect(out, err, `{"id":3,`, `{"id":5,`) // #5 came with the first question
	if n := strings.Count(out, "\n"); n != 3 {
		t.Errorf("%d packets:\n%s", n, out)
	}
}

// busy puts a reverse proxy before the API, which sees to it that a packet comes with each request, to the 100th.
func (l *lab) busy() {
	l.t.Helper()
	api, err := url.Parse("http" + strings.TrimPrefix(l.address, "tcp"))
	if err != nil {
		l.t.Fatal(err)
	}
	proxy, requests := httputil.NewSingleHostReverseProxy(api), 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests < 100 {
			l.log.Append(&wire.Record{Conn: 9, Dir: wire.In, Fate: wire.Fate{What: wire.Delivered}})
		}
		proxy.ServeHTTP(w, r)
	}))
	l.t.Cleanup(s.Close)
	l.address = "tcp" + strings.TrimPrefix(s.URL, "http")
}

// TestWatchFollows reads what is written while it is written, through a pipe.
func TestWatchFollows(t *testing.T) {
	l := newLab(t)
	l.hello()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	client, _ := wire.NewClient(l.address, "test")
	defer client.Close()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		env := app.Env{Args: []string{"--json"}, Stdin: os.Stdin, Stdout: w}
		done <- explain(ctx, watch(ctx, &asker{env, client, words.En}), "", env)
		w.Close()
	}()
	buf := make([]byte, 64<<10)
	var got []byte
	for bytes.Count(got, []byte("\n")) < 4 {
		r.SetReadDeadline(time.Now().Add(labtest.Patience))
		n, err := r.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, buf[:n]...)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("leaving is an error: %v", err)
	}
}

func TestLinkCommand(t *testing.T) {
	l := newLab(t)
	out, err := l.run(linkCommand, "")
	l.expect(out, err, "leaves packets alone")
	out, err = l.run(linkCommand, "", "out.loss=30%", "out.delay=50ms")
	l.expect(out, err, "link out.loss=30% out.delay=50ms\n")
	out, err = l.run(linkCommand, "", "--json")
	l.expect(out, err, `"line": "out.loss=30% out.delay=50ms"`)
	out, err = l.run(linkCommand, "", "out.loss=30%", "for", "10m")
	l.expect(out, err, "link out.loss=30% out.delay=50ms", "link out.loss=30% ends")
	out, err = l.run(linkCommand, "", "clear")
	l.expect(out, err, "leaves packets alone")
	if _, err = l.run(linkCommand, "", "out.los=3%"); err == nil || !strings.Contains(err.Error(), "no such setting") {
		t.Errorf("got %v", err)
	}
	l.wire.watching = true
	if _, err = l.run(linkCommand, "", "loss=1%"); err == nil || !strings.Contains(err.Error(), "only watch") {
		t.Errorf("got %v", err)
	}
}

func TestDo(t *testing.T) {
	l := newLab(t)
	out, err := l.run(do, "")
	l.expect(out, err, "no faults")
	out, err = l.run(do, "", "drop data #1 to client")
	l.expect(out, err, "1  drop data #1 to client  waits for the next connection")
	out, err = l.run(do, "", "delay", "FIN", "500ms") // without quotes
	l.expect(out, err, "delay FIN #1 500ms")
	file := filepath.Join(t.TempDir(), "scenario")
	os.WriteFile(file, []byte("# two\ndrop SYN\nlink loss=1%\n"), 0o600)
	out, err = l.run(do, "", file)
	l.expect(out, err, "3  drop SYN #1 to server")
	out, err = l.run(do, "drop FIN #2\n", "-")
	l.expect(out, err, "4  drop FIN #2")
	l.hello()
	out, err = l.run(do, "")
	l.expect(out, err, "3  drop SYN #1 to server   done, to #1\n", "waits for its packet on connection 1")
	for args, want := range map[string]string{
		"drop everything": `"everything" is no kind`, "nonsense": "neither a fault nor a file", "drop data #0 to client": "write #1",
	} {
		if _, err := l.run(do, "", args); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "line 1") {
			t.Errorf("%s: %v", args, err)
		}
	}
	if _, err := l.run(do, "drop SYN\ndrop it\n", "-"); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v", err)
	}
	out, err = l.run(do, "", "clear")
	l.expect(out, err, "no faults")
}

func TestOpenCommand(t *testing.T) {
	l := newLab(t)
	l.hello()
	out, err := l.run(open, "", "#4")
	l.expect(out, err, "tcp.dstport", "1f 90", "e4 bd a0")
	out, err = l.run(open, "", "4", "--json")
	l.expect(out, err, `"name": "tcp.dstport"`)
	for _, id := range []string{"99", "0", "x", ""} {
		if _, err := l.run(open, "", id); err == nil {
			t.Errorf("%q opens", id)
		}
	}
}

func TestKernelCommands(t *testing.T) {
	l := newLab(t)
	out, err := l.run(socketsCommand, "")
	l.expect(out, err, "STATE", "LISTEN", "0 connections wait for accept", "ESTABLISHED")
	out, err = l.run(counters, "", "--all")
	l.expect(out, err, "Tcp.InSegs", "segments received")
	out, err = l.run(status, "")
	l.expect(out, err, "tcp://:8080", "nfq-compat", "never seen     3", "ARP are not seen", `of \x1b[2J tomorrow`)
	out, err = l.run(status, "", "--json")
	l.expect(out, err, `"mechanism": "nfq-compat"`)
}

func TestCaptureCommand(t *testing.T) {
	l := newLab(t)
	l.hello()
	out, err := l.run(captureCommand, "", "--since", "3")
	if err != nil || !strings.Contains(out, "wire #4: data #1 to server") || strings.Contains(out, "wire #3") {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestPicture(t *testing.T) {
	l := newLab(t)
	if _, err := l.run(picture, ""); err == nil {
		t.Error("a picture of nothing")
	}
	l.hello()
	live, err := l.run(picture, "")
	l.expect(live, err, "<svg", "«你好»")
	lines, err := l.run(watch, "", "--once", "--json")
	l.expect(lines, err)
	file, err := l.run(picture, lines, "-")
	l.expect(file, err)
	if file != live {
		t.Error("the same records from a file give another picture")
	}
	l.add(l.tracker, wire.In, layers.TCP{Seq: 9000, SYN: true}, "")
	l.log.Append(&wire.Record{Conn: 1, Dir: wire.In, Fate: wire.Fate{What: wire.Delivered}, Label: wire.Label{Kind: wire.KindKeepAlive}})
	out, err := l.run(picture, "", "--last")
	l.expect(out, err, "connection 2")
	if strings.Contains(out, "你好") {
		t.Error("not only the last connection")
	}
	if _, err := l.run(picture, "{}\n{", "-"); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v", err)
	}
}

// TestPictureOfMuch: long packets come in several pages, and the picture is of the last of them.
func TestPictureOfMuch(t *testing.T) {
	l := newLab(t)
	for conn := 1; conn <= 2; conn++ {
		for range 250 {
			l.log.Append(&wire.Record{Conn: conn, Dir: wire.In, Raw: make([]byte, 6_000), Fate: wire.Fate{What: wire.Delivered}})
		}
	}
	l.log.Append(&wire.Record{Conn: 3, Dir: wire.In, Fate: wire.Fate{What: wire.Delivered}})
	number := regexp.MustCompile(`>#(\d+)<`)
	for args, want := range map[string]string{"": "#302 to #501", "--last": "#501 to #501", "--conn 1": "#51 to #250", "--conn 1 --last": "#51 to #250", "--since 490": "#491 to #501"} {
		out, err := l.run(picture, "", strings.Fields(args)...)
		l.expect(out, err)
		all := number.FindAllStringSubmatch(out, -1)
		if len(all) == 0 {
			t.Fatalf("%q: no packets:\n%.500s", args, out)
		}
		if got := "#" + all[0][1] + " to #" + all[len(all)-1][1]; got != want {
			t.Errorf("%q: %s, want %s", args, got, want)
		}
	}
}

func TestNoWire(t *testing.T) {
	l := newLab(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	l.address = "tcp://" + ln.Addr().String()
	if _, err := l.run(status, ""); err == nil || !strings.Contains(err.Error(), "no wire answers at "+l.address) {
		t.Errorf("got %v", err)
	}
	if err := explain(t.Context(), wire.ErrEnded, "", app.Env{}); err == nil || err.Error() != words.Zh.Ended {
		t.Errorf("got %v", err)
	}
}

func TestPhrases(t *testing.T) {
	for _, w := range []phrases{words.Zh, words.En} {
		labtest.Complete(t, w)
		for name := range words.Zh.Meanings {
			if w.Meanings[name] == "" {
				t.Errorf("%s has no meaning", name)
			}
		}
	}
	if len(words.Zh.Meanings) != len(words.En.Meanings) {
		t.Error("one language knows more counters than the other")
	}
}

func TestTable(t *testing.T) {
	got := strings.Join(table([][]string{{"状态", "a"}, {"x", "bb", "c"}, {}}), "\n")
	if want := "状态  a\nx     bb  c\n"; got != want {
		t.Errorf("got %q", got)
	}
}
