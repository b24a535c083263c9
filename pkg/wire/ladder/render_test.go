package ladder

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	start  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	client = netip.MustParseAddrPort("172.18.0.5:51234")
	server = netip.MustParseAddrPort("172.18.0.2:8080")
)

// pack makes a record of a TCP packet that carries data.
func pack(dir wire.Direction, flags wire.Flags, seq, ack uint32, data string, label wire.Label) *wire.Record {
	r := &wire.Record{Dir: dir, Conn: 1, Client: client, Server: server, Seq: seq, Ack: ack, Label: label, Raw: []byte(data), Ordinal: 1}
	r.Packet = wire.Packet{Version: 4, Proto: wire.ProtoTCP, TCP: &wire.TCP{Flags: flags}, Data: wire.Span{At: 0, Len: len(data)}}
	r.Class, r.Fate.What = wire.ClassAck, wire.Delivered
	switch {
	case flags.Has(wire.SYN):
		r.Class = wire.ClassSYN
	case data != "":
		r.Class = wire.ClassData
	case flags.Has(wire.FIN):
		r.Class = wire.ClassFIN
	}
	return r
}

func (f fated) on(r *wire.Record) *wire.Record { r.Fate = wire.Fate(f); return r }

type fated wire.Fate

func numbered(rs []*wire.Record) []*wire.Record {
	for i, r := range rs {
		r.ID, r.Time = i+1, start.Add(time.Duration(i)*12*time.Millisecond)
	}
	return rs
}

const answer = "HTTP/1.1 200 OK\r\n\r\nHello World, Michael!"

// lost is the lesson's ladder: the answer is lost once.
func lost() []*wire.Record {
	drop := fated{What: wire.Dropped, Cause: "drop data #1 to client", Fault: 1}
	rs := numbered([]*wire.Record{
		pack(wire.In, wire.SYN, 0, 0, "", wire.Label{Kind: wire.KindSYN}),
		pack(wire.Out, wire.SYN|wire.ACK, 0, 1, "", wire.Label{Kind: wire.KindSYNACK}),
		pack(wire.In, wire.ACK, 1, 1, "", wire.Label{Kind: wire.KindHandshakeACK}),
		pack(wire.In, wire.PSH|wire.ACK, 1, 1, "你好", wire.Label{Kind: wire.KindData}),
		pack(wire.Out, wire.ACK, 1, 7, "", wire.Label{Kind: wire.KindACK, Of: 4}),
		drop.on(pack(wire.Out, wire.PSH|wire.ACK, 1, 7, answer, wire.Label{Kind: wire.KindData})),
		pack(wire.Out, wire.FIN|wire.ACK, 45, 7, "", wire.Label{Kind: wire.KindFIN, Half: true}),
		pack(wire.In, wire.ACK, 7, 1, "", wire.Label{Kind: wire.KindDupACK, Nth: 1}),
		pack(wire.Out, wire.PSH|wire.ACK, 1, 7, answer, wire.Label{Kind: wire.KindRetransmission, Of: 6, Nth: 1, By: wire.BySACK}),
		pack(wire.In, wire.ACK, 7, 46, "", wire.Label{Kind: wire.KindACK, Of: 9}),
		pack(wire.In, wire.FIN|wire.ACK, 7, 46, "", wire.Label{Kind: wire.KindFIN}),
		pack(wire.Out, wire.ACK, 46, 8, "", wire.Label{Kind: wire.KindACK, Of: 11}),
	})
	rs[len(rs)-1].Ends = true
	return rs
}

// every is one record of each label, and one of each fate in each direction.
func every() []*wire.Record {
	var rs []*wire.Record
	for _, l := range []wire.Label{
		{Kind: wire.KindRetransmission, Of: 3, By: wire.ByTimer},
		{Kind: wire.KindRetransmission, Of: 3, By: wire.ByDupACKs},
		{Kind: wire.KindRetransmission, Of: 3, By: wire.ByTLP},
		{Kind: wire.KindOutOfOrder},
		{Kind: wire.KindDuplicate, Of: 3},
		{Kind: wire.KindZeroWindowProbe},
		{Kind: wire.KindKeepAlive},
		{Kind: wire.KindRetransmission, Of: 3, By: wire.ByICMP},
		{Kind: wire.KindRetransmission, Of: 3, By: wire.ByTimer, New: 4},
		{Kind: wire.KindRetransmission, Of: 3, Why: wire.WhyOtherBytes},
		{Kind: wire.KindSYN, New: 1},
	} {
		rs = append(rs, pack(wire.In, wire.PSH|wire.ACK, 4_000_000_001, 4_000_000_002, "大家好\n\x1b[2J", l))
	}
	again := pack(wire.In, wire.SYN, 0, 0, "", wire.Label{Kind: wire.KindRetransmission, By: wire.ByTimer})
	rs = append(rs, again)
	for _, l := range []wire.Label{
		{Kind: wire.KindACK}, {Kind: wire.KindWindowUpdate}, {Kind: wire.KindZeroWindow}, {Kind: wire.KindKeepAliveACK}, {Kind: wire.KindFIN},
		{Kind: wire.KindRST, Why: wire.WhyRefused}, {Kind: wire.KindRST, Why: wire.WhyUnread}, {Kind: wire.KindRST, Why: wire.WhyAfterClose},
		{Kind: wire.KindRST, Why: wire.WhyAbort}, {Kind: wire.KindRST, Why: wire.WhyUnknown},
		{Kind: wire.KindDSACK, Of: 3}, {Kind: wire.KindDSACK}, {Kind: wire.KindChallengeACK, Of: 3}, {Kind: wire.KindChallengeACK},
		{Kind: wire.KindNotAccepted, Why: wire.WhyOutsideWindow}, {Kind: wire.KindNotAccepted, Why: wire.WhyNotExact}, {Kind: wire.KindNotAccepted, Why: wire.WhyWrongACK},
		{Kind: wire.KindNotAccepted, Why: wire.WhyNoACK}, {Kind: wire.KindNotAccepted, Why: wire.WhyNotOpen}, {Kind: wire.KindNotAccepted, Why: wire.WhyOldTimestamp}, {Kind: wire.KindOther}, {Kind: "not of this version"},
	} {
		rs = append(rs, pack(wire.Out, wire.ACK, 1, 1, "", l))
	}
	for _, dir := range []wire.Direction{wire.In, wire.Out} {
		for _, f := range []fated{
			{What: wire.Dropped, Cause: "loss 30 %"},
			{What: wire.Dropped, Cause: "loss 30 %; rate 1 mbit, its queue is full"},
			{What: wire.Delayed, Cause: "delay 50 ms", Delay: 50 * time.Millisecond},
			{What: wire.Delayed, Cause: "delay 50 ms ± 10 ms; rate 1 Mbit/s", Delay: 47_123_456},
			{What: wire.Duplicated, Cause: "duplicate 5 %", Copies: 1},
			{What: wire.Reordered, Cause: "reorder 25 %", Delay: 10 * time.Millisecond},
			{What: wire.Corrupted, Cause: "corrupt data #1 to server", Damage: &wire.Damage{Offset: 52, Mask: 4}, Delay: 50 * time.Millisecond, Fault: 2},
			{What: wire.Held, Cause: "swap data #3 #4 to server", Fault: 3},
			{What: wire.Seen},
			{What: wire.Made, Cause: "reset data #2 to server", Fault: 4},
		} {
			rs = append(rs, f.on(pack(dir, wire.PSH|wire.ACK, 1, 1, "hi", wire.Label{Kind: wire.KindData})))
		}
	}
	datagram := pack(wire.In, 0, 0, 0, "36.6", wire.Label{Kind: wire.KindDatagram})
	datagram.Packet.Proto, datagram.Packet.TCP = wire.ProtoUDP, nil
	fragment := pack(wire.In, 0, 0, 0, strings.Repeat("x", 1480), wire.Label{Kind: wire.KindFragment})
	fragment.Packet.TCP, fragment.Packet.Fragment, fragment.Conn = nil, &wire.Fragment{Offset: 1480}, 0
	unreachable := pack(wire.Out, 0, 0, 0, "quote", wire.Label{Kind: wire.KindPortUnreachable})
	unreachable.Packet.Proto, unreachable.Packet.TCP, unreachable.Packet.ICMP = wire.ProtoICMP, nil, &wire.ICMP{Type: 3, Code: 3}
	icmp := pack(wire.Out, 0, 0, 0, "quote", wire.Label{Kind: wire.KindICMP})
	icmp.Packet.Proto, icmp.Packet.TCP, icmp.Packet.ICMP = wire.ProtoICMP, nil, &wire.ICMP{Type: 3, Code: 4}
	return numbered(append(rs, datagram, fragment, unreachable, icmp))
}

func draw(v View, rs []*wire.Record) string {
	lines := v.Head(rs[0])
	for _, r := range rs {
		lines = append(lines, v.Render(r)...)
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestGolden(t *testing.T) {
	for _, tc := range []struct {
		name  string
		rs    []*wire.Record
		width int
		lang  language.Lang
	}{
		{"lost.en.80", lost(), 80, language.English},
		{"lost.zh.80", lost(), 80, language.Chinese},
		{"lost.en.120", lost(), 120, language.English},
		{"lost.zh.40", lost(), 40, language.Chinese},
		{"lost.en.40", lost(), 40, language.English},
		{"every.en.80", every(), 80, language.English},
		{"every.zh.80", every(), 80, language.Chinese},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := draw(View{Width: tc.width, Lang: tc.lang, Start: start}, tc.rs)
			golden(t, tc.name+".txt", got)
			coloured := draw(View{Width: tc.width, Lang: tc.lang, Start: start, Colour: true}, tc.rs)
			if uncoloured(coloured) != got {
				t.Error("colours change the text")
			}
			for line := range strings.Lines(got) {
				if n := cells(strings.TrimSuffix(line, "\n")); n != tc.width && !strings.Contains(line, "wire  ") {
					t.Errorf("%d cells: %s", n, line)
				}
			}
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test -update writes it anew. Got\n%s", file, got)
	}
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

func uncoloured(s string) string { return sgr.ReplaceAllString(s, "") }

// TestDropEndsAtWire is the one thing that the picture is for.
func TestDropEndsAtWire(t *testing.T) {
	for dir, want := range map[wire.Direction]*regexp.Regexp{
		wire.In:  regexp.MustCompile(`├─+►✗ dropped here: loss 30 % +│$`),
		wire.Out: regexp.MustCompile(`│ +dropped here: loss 30 % ✗◄─+┤$`),
	} {
		r := fated{What: wire.Dropped, Cause: "loss 30 %"}.on(pack(dir, wire.PSH|wire.ACK, 1, 1, "hello", wire.Label{Kind: wire.KindData}))
		lines := View{Width: 80, Lang: language.English}.Render(r)
		if arrow := lines[len(lines)-1]; !want.MatchString(arrow) {
			t.Errorf("%s: %s", dir, arrow)
		}
	}
}

func TestPhrases(t *testing.T) {
	labtest.Complete(t, words.Zh)
	labtest.Complete(t, words.En)
}

// TestMargin: the number and the mark are there at any width, the time keeps its four digits for a day, and each
// row says whose it is, so that no heading need.
func TestMargin(t *testing.T) {
	r := lost()[3]
	for _, tc := range []struct {
		width int
		id    int
		after time.Duration
		delta bool
		want  string
	}{
		{80, 4, 36 * time.Millisecond, false, "    #4     0.0360►│ data"},
		{80, 4, 100 * time.Second, false, "    #4   100.0000►│ data"},
		{80, 4, 12345*time.Second + 678900*time.Microsecond, false, "    #4 12345.6789►│ data"},
		{80, 4, 36 * time.Millisecond, true, "    #4    +0.0120►│ data"},
		{80, 1234567, time.Second, false, "1234567    1.0000►│ data"},
		{40, 4, time.Second, false, "   #4►│ data"},
		{40, 12345, time.Second, false, "12345►│ data"},
		{40, 1234567, time.Second, false, "…4567►│ data"},
	} {
		r.ID, r.Time = tc.id, start.Add(tc.after)
		v := View{Width: tc.width, Lang: language.English, Start: start, Mark: true}
		if tc.delta {
			v.Prev = r.Time.Add(-12 * time.Millisecond)
		}
		lines := v.Render(r)
		if !strings.HasPrefix(lines[0], tc.want) {
			t.Errorf("%+v: %q", tc, lines[0])
		}
		whose := "    c1 :51234"
		if tc.width == 40 {
			whose = "   c1 "
		}
		if arrow := lines[len(lines)-1]; !strings.HasPrefix(arrow, whose) {
			t.Errorf("%+v: %q", tc, arrow)
		}
	}
}

// TestNames: a container's name stands next to its address, and in the margin instead of the port.
func TestNames(t *testing.T) {
	v := View{Width: 100, Lang: language.English, Start: start, Names: map[string]string{"172.18.0.5": "netlab-hello-client-1", "172.18.0.2": "netlab-hello-tcp-1\x1b[2J"}}
	r := lost()[0]
	lines := append(v.Head(r), v.Render(r)...)
	checkHarmless(t, v, lines)
	text := strings.Join(lines, "\n")
	for _, want := range []string{"client hello-client 172.18.0.5:51234", `netlab-hello-tcp-1\x1b[2J 172.18.0.2:8080`, "  c1 hello-client ├"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	v.Names["172.18.0.5"] = "netlab-chat-client-run-81ca2e3b35d0" // from "docker compose run"
	if text := strings.Join(v.Render(r), "\n"); !strings.Contains(text, "  c1 chat-client ") {
		t.Errorf("got\n%s", text)
	}
	v.Names["172.18.0.5"] = "1fab17f18376" // a container's number says nothing
	if text := strings.Join(v.Head(r), "\n"); !strings.Contains(text, "client 172.18.0.5:51234") {
		t.Errorf("got\n%s", text)
	}
}

// TestMade: a reset that wire has sent says nothing about a program, and its arrow begins at wire.
func TestMade(t *testing.T) {
	r := fated{What: wire.Made, Cause: "reset on c1", Fault: 1}.on(pack(wire.Out, wire.RST|wire.ACK, 1, 1, "", wire.Label{Kind: wire.KindRST, Why: wire.WhyAbort}))
	text := strings.Join(View{Width: 80, Lang: language.English}.Render(r), "\n")
	if strings.Contains(text, "program") || !regexp.MustCompile(`│◄─ sent by wire ─+┤ +│`).MatchString(text) {
		t.Errorf("got\n%s", text)
	}
}

// TestArrival: a packet that was held goes on behind the one that it was exchanged with, and the ladder shows it.
func TestArrival(t *testing.T) {
	held := fated{What: wire.Held, Fault: 3}.on(pack(wire.In, wire.PSH|wire.ACK, 1, 1, "one", wire.Label{Kind: wire.KindData}))
	next := fated{What: wire.Reordered, Fault: 3}.on(pack(wire.In, wire.PSH|wire.ACK, 4, 1, "two", wire.Label{Kind: wire.KindData}))
	numbered([]*wire.Record{held, next})
	var holds Holds
	if holds.Passes(held) != nil {
		t.Error("it goes on at once")
	}
	if holds.Passes(next) != held {
		t.Fatal("it does not go on")
	}
	if holds.Passes(next) != nil {
		t.Error("it goes on twice")
	}
	v := View{Width: 80, Lang: language.English, Start: start}
	lines := v.Arrival(held, next)
	checkHarmless(t, v, lines)
	if !strings.Contains(lines[0], "#1     0.0120 │ #1 goes on: #2 has passed") || !strings.HasSuffix(lines[1], "│                             ├─────────────────────────────►│") {
		t.Errorf("%s", strings.Join(lines, "\n"))
	}
}

// TestEveryCode: each code that a label can have has words of its own in both languages.
func TestEveryCode(t *testing.T) {
	text, err := os.ReadFile("../label.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string][]string{}
	for _, m := range regexp.MustCompile(`(Kind|By|Why)\w+ +(?:Kind|By|Why) = "([a-z-]+)"`).FindAllStringSubmatch(string(text), -1) {
		codes[m[1]] = append(codes[m[1]], m[2])
	}
	if len(codes["Kind"]) < 20 || len(codes["By"]) < 4 || len(codes["Why"]) < 10 {
		t.Fatalf("codes: %v", codes)
	}
	for _, w := range []phrases{words.Zh, words.En} {
		seen := map[string]string{}
		distinct := func(code, said string) {
			if said == "" || seen[said] != "" {
				t.Errorf("%s is called %q, as %s", code, said, seen[said])
			}
			seen[said] = code
		}
		for _, code := range codes["Kind"] {
			r := pack(wire.In, wire.ACK, 1, 1, "", wire.Label{Kind: wire.Kind(code)})
			r.Packet.Fragment, r.Packet.ICMP = &wire.Fragment{}, &wire.ICMP{}
			distinct(code, w.kind(r))
		}
		for _, code := range codes["By"] {
			distinct(code, w.by(wire.By(code)))
		}
		for _, code := range codes["Why"] {
			distinct(code, w.why(wire.Why(code)))
		}
	}
}

// TestWindow: in bytes; if the factor is unknown, the ladder says so.
func TestWindow(t *testing.T) {
	seven := uint8(7)
	for want, r := range map[string]*wire.Record{
		" win=64128 ": {Window: 64128, Scale: &seven},
		" win=501×? ": {Window: 501},
		" win=0 ":     {},
	} {
		p := pack(wire.In, wire.ACK, 1, 1, "", wire.Label{Kind: wire.KindWindowUpdate})
		p.Window, p.Scale = r.Window, r.Scale
		if got := header(p); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestLight: no colour that cannot be read on white.
func TestLight(t *testing.T) {
	for _, r := range append(lost(), every()...) {
		for _, line := range (View{Width: 80, Colour: true, Light: true}).Render(r) {
			for _, code := range []string{"\x1b[2m", "\x1b[33m", "\x1b[32m", "\x1b[36m", "\x1b[1;32m"} {
				if strings.Contains(line, code) {
					t.Errorf("%q in %q", code, line)
				}
			}
		}
	}
}

// checkHarmless demands what holds for any line: no control bytes but our colours, and never too wide.
func checkHarmless(t *testing.T, v View, lines []string) {
	t.Helper()
	for _, line := range lines {
		text := line
		if v.Colour {
			text = uncoloured(line)
		}
		if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("raw bytes on the screen: %q", text)
		}
		if n := cells(text); n > max(v.Width, MinWidth) {
			t.Errorf("%d cells, at most %d: %s", n, v.Width, text)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add([]byte("hello"), "loss 30 %", "data", "dropped", "eth0", 3, 80, uint8(0x18), uint8(3))
	f.Add([]byte("\x1b[2J\x9b\u202e\u202d"), "a; b; c; d; e", "retransmission", "corrupted", "\x1b]0;x\a", 1<<40, 40, uint8(0xff), uint8(255))
	f.Add([]byte("👩‍👩‍👧‍👦🇨🇳\ufe0f\u0600"), "\u0301", "rst", "held", "", -5, 61, uint8(2), uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, cause, kind, fate, zone string, number, width int, flags, bits uint8) {
		width = min(max(width, 0), 300)
		dir := wire.In
		if bits&1 != 0 {
			dir = wire.Out
		}
		r := pack(dir, wire.Flags(flags), uint32(number), uint32(number), string(data), wire.Label{Kind: wire.Kind(kind), Of: number, Nth: number, By: wire.By(cause), Why: wire.Why(cause)})
		r.ID, r.Conn, r.Ordinal = number, number, number
		r.Time = start.Add(time.Duration(number))
		r.Client = netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone(zone), 1)
		r.Fate = wire.Fate{What: wire.What(fate), Cause: cause, Copies: number, Delay: time.Duration(number)}
		r.Packet.Data.Len = max(number, 0)
		r.Class = wire.Class(kind)
		r.Ends = bits&2 != 0
		if bits&4 != 0 {
			r.Packet.TCP, r.Packet.Proto, r.Packet.Problem = nil, wire.Proto(kind), cause
		}
		for _, v := range []View{{Width: width, Start: start}, {Width: width, Lang: language.English, Colour: true, Mark: true}} {
			checkHarmless(t, v, v.Render(r))
			checkHarmless(t, v, v.Head(r))
			checkHarmless(t, v, []string{v.Forgotten(number), v.Scope(), v.Change(&wire.Change{Kind: wire.ChangeKind(kind), Line: cause, By: zone, Time: r.Time})})
			checkHarmless(t, v, v.Arrival(r, r))
		}
	})
}

// TestSingle: what is counted without looking twice takes one cell, alone and beside any of its kind.
func TestSingle(t *testing.T) {
	var all []rune
	for r := range rune(0x10000) {
		if single(r) {
			all = append(all, r)
		}
	}
	for _, a := range all {
		for _, b := range all {
			if n := uniseg.StringWidth(string([]rune{a, b})); n != 2 {
				t.Fatalf("%c%c takes %d cells", a, b, n)
			}
		}
	}
	if n := cells("a你é"); n != 4 {
		t.Errorf("%d cells", n)
	}
}

func TestClip(t *testing.T) {
	for _, tc := range []struct {
		s    string
		n    int
		want string
	}{
		{"hello", 5, "hello"}, {"hello", 4, "hel…"}, {"hello", 1, "…"}, {"hello", 0, ""},
		{"你好世界", 8, "你好世界"}, {"你好世界", 7, "你好世…"}, {"你好世界", 6, "你好…"}, {"é́xyz", 2, "é́…"},
	} {
		if got := clip(tc.s, tc.n); got != tc.want || cells(got) > tc.n {
			t.Errorf("clip(%q, %d) = %q of %d cells, want %q", tc.s, tc.n, got, cells(got), tc.want)
		}
	}
}

func ExampleView_Render() {
	v := View{Width: 64, Lang: language.English, Start: start}
	fmt.Println(strings.Join(v.Render(lost()[3]), "\n"))
	// Output:
	// #4     0.0360 │ data #1 «你好»   PSH ACK seq=1 ack=1 len=6 │
	//     c1 :51234     ├─────────────────────┼─────────────────────►│
}
