package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"netlab.example/pkg/app"
	"netlab.example/pkg/labtest"
	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
)

// dump is a pcap file of what the lab's log has, on Ethernet, with an ARP between.
func (l *lab) dump() []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint32(b, 2|4<<16)
	b = append(b, make([]byte, 8)...)
	b = le.AppendUint32(b, 65535)
	b = le.AppendUint32(b, 1)
	some, _ := l.log.Since(0, 100)
	ethernet := make([]byte, 12)
	frame := func(at time.Time, f []byte) {
		b = le.AppendUint32(b, uint32(at.Unix()))
		b = le.AppendUint32(b, uint32(at.Nanosecond()/1000))
		b = le.AppendUint32(b, uint32(len(f)))
		b = le.AppendUint32(b, uint32(len(f)))
		b = append(b, f...)
	}
	for i, r := range some {
		if i == 2 {
			frame(r.Time, append(bytes.Clone(ethernet), 8, 6, 0, 1))
		}
		frame(r.Time, append(append(bytes.Clone(ethernet), 8, 0), r.Raw...))
	}
	return b
}

// TestRead: the ladder, JSON, an opened packet and a picture of a file that anybody made, by the words that a live
// wire has; from a file, packed too, and from standard input.
func TestRead(t *testing.T) {
	l := newLab(t)
	l.hello()
	file := l.dump()
	path := filepath.Join(t.TempDir(), "lab.pcap")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write(file)
	w.Close()
	for _, content := range [][]byte{file, packed.Bytes()} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := l.run(read, "", path)
		l.expect(out, err, "connection 1 · TCP client 10.0.0.1:5000 → server 10.0.0.2:8080", "handshake 1/3", "○", "capture  ",
			"#5     0.0030 │ data #1 «你好»", "1 frames that are not IP are left out")
		if strings.Contains(out, "wire") {
			t.Errorf("a wire in a capture that none has made:\n%s", out)
		}
	}
	out, err := l.run(read, string(file), "-", "--json", "--service", "tcp://:8080")
	l.expect(out, err, `"id":5,`, `"what":"seen"`)
	if strings.Contains(out, "left out") {
		t.Errorf("words in the JSON:\n%s", out)
	}
	out, err = l.run(open, string(file), "5", "-")
	l.expect(out, err, "#5 ", "tcp.dstport", "e4 bd a0")
	out, err = l.run(picture, string(file), "-")
	l.expect(out, err, "<svg", "«你好»")
	out, err = l.run(read, string(file), "-", "--service", "tcp://:81")
	l.expect(out, err, "4 packets of other services are left out")

	lines, err := l.run(read, string(file), "-", "--json")
	l.expect(lines, err)
	again, err := l.run(read, lines, "-", "--json")
	if l.expect(again, err); again != lines {
		t.Error("its JSON, read again, gives another")
	}

	for _, tc := range []struct{ stdin, args, want string }{
		{"hello", "-", "no capture"},
		{"", "-", "no capture"},
		{string(file[:len(file)-2]), "-", "middle of a packet"},
		{string(file), "- --service http://:80", "http"},
		{string(file), "- --conn 7", "no connection 7"},
		{"", "/no/such/file", "there is no file /no/such/file"},
		{"", "/", "cannot be read"},
		{"", "", "which file"},
	} {
		if out, err := l.run(read, tc.stdin, strings.Fields(tc.args)...); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%.10q %s: %v", tc.stdin, tc.args, err)
		} else if tc.want == "middle of a packet" && !strings.Contains(out, "handshake 3/3") {
			t.Errorf("what is there is not shown:\n%s", out)
		}
	}
	if _, err := l.run(open, string(file), "99", "-"); err == nil || !strings.Contains(err.Error(), "- has no packet #99") {
		t.Error(err)
	}
}

// TestReadOwn: a wire's own capture shows the fates that it had.
func TestReadOwn(t *testing.T) {
	l := newLab(t)
	if _, err := l.run(do, "", "drop data #1 to server"); err != nil {
		t.Fatal(err)
	}
	l.hello()
	file, err := l.run(captureCommand, "")
	if err != nil {
		t.Fatal(err)
	}
	live, err := l.run(watch, "", "--once")
	l.expect(live, err)
	out, err := l.run(read, file, "-")
	_, live, _ = strings.Cut(live, "\n") // which layers a wire sees is no matter here
	if l.expect(out, err, "✗ dropped here"); out != live {
		t.Errorf("live\n%s\nand read\n%s", live, out)
	}
}

// TestOnceSays: what is left out is said, and why a connection has nothing to show.
func TestOnceSays(t *testing.T) {
	l := newLab(t)
	if _, err := l.run(watch, "", "--once", "--conn", "5"); err == nil || !strings.Contains(err.Error(), "no connection yet") {
		t.Error(err)
	}
	l.hello()
	for range 200 {
		l.log.Append(&wire.Record{Conn: 1, Dir: wire.In, Fate: wire.Fate{What: wire.Delivered}})
	}
	out, err := l.run(watch, "", "--once")
	l.expect(out, err, "104 packets before these are left out; all of them: wire watch --once --since 0")
	out, err = l.run(watch, "", "--once", "--since", "0")
	if l.expect(out, err, "#1 "); strings.Contains(out, "left out") {
		t.Errorf("%.500s", out)
	}
	out, err = l.run(watch, "", "--once", "--conn", "1") // all of it
	l.expect(out, err, "#1 ", "#204 ")
	for _, lang := range []language.Lang{language.English, language.Chinese} {
		l.lang = lang
		out, err := l.run(watch, "", "--once", "--conn", "5")
		if out != "" {
			t.Errorf("got %q", out)
		}
		want := map[language.Lang]string{language.English: "there has been no connection 5 yet; the latest is 1", language.Chinese: "还没有连接 5; 最近的是 1"}[lang]
		if err == nil || language.Tell(err, lang) != want {
			t.Error(err)
		}
	}
	l.lang = language.English
	for range 1000 { // the log of this lab is full: connection 1 is forgotten
		l.log.Append(&wire.Record{Conn: 2, Dir: wire.In, Fate: wire.Fate{What: wire.Delivered}})
	}
	if _, err := l.run(watch, "", "--once", "--conn", "1"); err == nil || !strings.Contains(err.Error(), "connection 1 are forgotten") {
		t.Error(err)
	}
}

// TestLastBegan: "last" is the connection that began last, even if another speaks after it.
func TestLastBegan(t *testing.T) {
	l := newLab(t)
	l.hello()
	for _, conn := range []int{1, 2, 2, 1, 1} {
		l.log.Append(&wire.Record{Conn: conn, Dir: wire.In, Fate: wire.Fate{What: wire.Delivered}})
	}
	lines, err := l.run(watch, "", "--once", "--json")
	l.expect(lines, err)
	out, err := l.run(picture, lines, "-", "--last")
	l.expect(out, err, "connection 2")
	if n := len(regexp.MustCompile(`>#\d+<`).FindAllString(out, -1)); n != 2 {
		t.Errorf("%d packets", n)
	}
}

// TestLooks: bare ACKs can be hidden, and how many were is said; times can be differences.
func TestLooks(t *testing.T) {
	l := newLab(t)
	l.hello()
	l.log.Append(&wire.Record{Conn: 1, Dir: wire.In, Fate: wire.Fate{What: wire.Delivered}, Label: wire.Label{Kind: wire.KindKeepAlive}, Time: time.Unix(1_700_000_001, 0)})
	out, err := l.run(watch, "", "--once", "--no-acks", "--delta")
	l.expect(out, err, "#4    +0.0010 │ data", "1 bare ACKs and keep-alives are hidden")
	if strings.Contains(out, "keep-alive ") {
		t.Errorf("got\n%s", out)
	}
}

// TestUsageInChinese: what is wrong with a command line is said in Chinese to those who read Chinese.
func TestUsageInChinese(t *testing.T) {
	l := newLab(t)
	l.lang = language.Chinese
	for _, tc := range []struct {
		command func(context.Context, *asker) error
		args    string
	}{
		{watch, "--loud"}, {watch, "--conn"}, {watch, "--conn x"}, {watch, "now"}, {watch, "--conn -1"}, {open, ""}, {open, "x"}, {open, "99"}, {read, ""},
		{read, "/no/such/file"}, {do, "drop letters"}, {do, "nothing"}, {linkCommand, "loss"}, {linkCommand, "loss=0.3"}, {picture, "a b"}, {picture, ""},
	} {
		_, err := l.run(tc.command, "", strings.Fields(tc.args)...)
		if err == nil {
			t.Errorf("%s is no error", tc.args)
		} else if said := language.Tell(err, language.Chinese); !strings.ContainsFunc(said, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s: %s", tc.args, said)
		}
	}
}

// TestRefusalsInChinese: what a wire refuses is told in Chinese, too.
func TestRefusalsInChinese(t *testing.T) {
	l := newLab(t)
	l.wire.watching = true
	if _, err := l.run(linkCommand, "", "loss=1%"); err == nil || language.Tell(err, language.Chinese) != "wire 在这里只能观察" {
		t.Errorf("got %v", err)
	}
	full := explain(t.Context(), &wire.Error{Status: 503, Message: "24 programs follow already"}, "", app.Env{})
	if full == nil || !strings.HasPrefix(language.Tell(full, language.Chinese), "同时向 wire 提问的程序太多") || full.Error() != "24 programs follow already" {
		t.Errorf("got %v", full)
	}
}

// TestManuals: each command says what it is for in both languages, names each of its flags in both, and its lines fit.
func TestManuals(t *testing.T) {
	labtest.Complete(t, struct{ A, B manual }{manuals.watch, manuals.read})
	flagOf := regexp.MustCompile(`--[a-z-]+|[a-z]+=|#\d|to client`)
	for _, m := range []manual{manuals.watch, manuals.read, manuals.link, manuals.do, manuals.open, manuals.sockets, manuals.counters, manuals.capture, manuals.picture, manuals.status} {
		if m.short.Zh == "" || m.short.En == "" || m.long.Zh == "" || m.long.En == "" {
			t.Errorf("%+v is not complete", m)
		}
		zh, en := flagOf.FindAllString(m.long.Zh, -1), flagOf.FindAllString(m.long.En, -1)
		slices.Sort(zh)
		slices.Sort(en)
		if !slices.Equal(slices.Compact(zh), slices.Compact(en)) {
			t.Errorf("in Chinese %v, in English %v", zh, en)
		}
		for _, text := range []string{m.long.Zh, m.long.En} {
			for line := range strings.Lines(text) {
				if n := len([]rune(line)); n > 121 {
					t.Errorf("%d letters: %s", n, line)
				}
			}
		}
	}
}

// TestSmall: a command shares its container with the wire that it asks.
func TestSmall(t *testing.T) {
	if os.Getenv("WIRE_TEST_SMALL") == "" { // in a process of its own: there is no way back for one that is not root
		child := exec.Command(os.Args[0], "-test.run=^TestSmall$")
		child.Env = append(os.Environ(), "WIRE_TEST_SMALL=1")
		if out, err := child.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	small()
	if n, limit := runtime.GOMAXPROCS(0), debug.SetMemoryLimit(-1); n != 1 || limit > 32<<20 {
		t.Errorf("%d processors, %d MiB", n, limit>>20)
	}
	tasks, _ := filepath.Glob("/proc/self/task/*/stat")
	for _, task := range tasks {
		stat, err := os.ReadFile(task)
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if err == nil && fields[16] != strconv.Itoa(niceness) {
			t.Errorf("%s: niceness %s", task, fields[16])
		}
	}
	if runtime.GOOS == "linux" && len(tasks) == 0 {
		t.Error("no threads")
	}
}

// TestNobodyReads: a follower whose output nobody takes ends; a terminal that was closed in a container leaves such.
func TestNobodyReads(t *testing.T) {
	defer func(d time.Duration) { patience = d }(patience)
	patience = 100 * time.Millisecond
	l := newLab(t)
	for range 300 {
		l.log.Append(&wire.Record{Conn: 1, Dir: wire.In, Raw: make([]byte, 1000), Fate: wire.Fate{What: wire.Delivered}})
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	client, _ := wire.NewClient(l.address, "test")
	defer client.Close()
	ended := make(chan error, 1)
	go func() {
		env := app.Env{Args: []string{"--json", "--since", "0"}, Stdin: os.Stdin, Stdout: w}
		ended <- watch(t.Context(), &asker{env, client, words.En})
	}()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "nobody has taken the output") {
			t.Errorf("got %v", err)
		}
	case <-time.After(labtest.Patience):
		t.Fatal("it does not end")
	}
	w.Close()
}

// TestWriteFails: a follower ends when what it prints cannot be written.
func TestWriteFails(t *testing.T) {
	l := newLab(t)
	l.hello()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	client, _ := wire.NewClient(l.address, "test")
	defer client.Close()
	ended := make(chan error, 1)
	go func() {
		ended <- watch(t.Context(), &asker{app.Env{Args: []string{"--since", "0", "--plain"}, Stdin: os.Stdin, Stdout: w}, client, words.En})
	}()
	select {
	case err := <-ended:
		if _, isPath := errors.AsType[*os.PathError](err); !isPath {
			t.Errorf("got %v", err)
		}
	case <-time.After(labtest.Patience):
		t.Fatal("it does not end")
	}
}

// TestSocketsFit: the sockets fit a terminal of 80 columns, and one of 40 with short addresses, whatever they are.
func TestSocketsFit(t *testing.T) {
	long := netip.MustParseAddrPort("[fd6e:6574:6c61:62:1234:5678:9abc:def0]:54321")
	short := netip.MustParseAddrPort("10.0.0.1:5000")
	info := &wire.TCPInfo{RTT: 12345 * time.Microsecond, RTO: 204 * time.Millisecond, Cwnd: 10, Unacked: 3, Resent: 2}
	for _, at := range []netip.AddrPort{short, long} {
		s := wire.Sockets{Sockets: []wire.Socket{
			{State: "LISTEN", Local: at, RecvQ: 1, SendQ: 128},
			{State: "ESTABLISHED", Local: at, Remote: at, RecvQ: 12, SendQ: 34567, TCP: info, Timer: "keepalive", Expires: time.Hour},
		}}
		for _, lang := range []language.Lang{language.Chinese, language.English} {
			a := &asker{words: words.In(lang)}
			text := strings.Join(a.socketLines(s, 80), "\n")
			if n := widest(strings.Split(text, "\n")); n > 80 {
				t.Errorf("%d cells:\n%s", n, text)
			}
			for _, want := range []string{"LISTEN", at.String(), "cwnd 10", "12.35ms", "keepalive", "34567"} {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
		}
	}
}

// TestChangesInTheLadder: what was changed, and by whom, stands between the packets, in lines, JSON and pictures.
func TestChangesInTheLadder(t *testing.T) {
	l := newLab(t)
	l.hello()
	l.log.Tell(wire.ChangeLink, "link out.loss=30%", "wire link")
	l.log.Append(&wire.Record{Conn: 1, Dir: wire.In, Fate: wire.Fate{What: wire.Delivered}})
	l.log.Tell(wire.ChangeFault, "drop data #1 to client", "referee")
	out, err := l.run(watch, "", "--once")
	l.expect(out, err, "── link out.loss=30% · wire link ──", "── drop data #1 to client · referee ──")
	if i, j, k := strings.Index(out, "#4 "), strings.Index(out, "loss"), strings.Index(out, "#5 "); i > j || j > k {
		t.Errorf("not in its place:\n%s", out)
	}
	lines, err := l.run(watch, "", "--once", "--json")
	l.expect(lines, err, `{"change":{"number":1,`, `"by":"referee"`)
	live, err := l.run(picture, "")
	l.expect(live, err, "link out.loss=30% · wire link")
	file, err := l.run(picture, lines, "-")
	if l.expect(file, err); file != live {
		t.Error("the same from a file gives another picture")
	}
}

// TestNamesAreAsked: the containers' names are asked when somebody new comes, not for each packet.
func TestNamesAreAsked(t *testing.T) {
	l := newLab(t)
	l.hello()
	asked := 0
	a := &asker{Env: app.Env{Lang: language.Choice{People: language.English}, Stdout: os.Stdout}}
	f := app.Flags()
	d := a.drawer(looks(f, 80))
	d.names = func() map[string]string {
		asked++
		return map[string]string{"10.0.0.1": "netlab-hello-client-1"}
	}
	some, _ := l.log.Since(0, 10)
	var text string
	for range 3 {
		for _, r := range some {
			text += strings.Join(d.record(r), "\n")
		}
	}
	if asked != 1 || !strings.Contains(text, "client hello-client 10.0.0.1:5000") || !strings.Contains(text, "c1 hello-client ") {
		t.Errorf("asked %d times:\n%s", asked, text)
	}
}

// TestFromTheEnd: what was forgotten before the last hundred packets is no gap.
func TestFromTheEnd(t *testing.T) {
	l := newLab(t)
	l.hello()
	l.log.Forget()
	l.log.Append(&wire.Record{Conn: 1, Dir: wire.In, Fate: wire.Fate{What: wire.Delivered}})
	out, err := l.run(watch, "", "--once")
	if l.expect(out, err, "#5 "); strings.Contains(out, "forgotten") {
		t.Errorf("a gap:\n%s", out)
	}
	out, err = l.run(watch, "", "--once", "--since", "0") // asked for, it is one
	l.expect(out, err, "4 packets are forgotten")
}
