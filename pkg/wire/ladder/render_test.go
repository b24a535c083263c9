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

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/language"
	"netlab.example/pkg/wire/packet"
	"netlab.example/pkg/wire/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	start  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	client = netip.MustParseAddrPort("172.18.0.5:51234")
	server = netip.MustParseAddrPort("172.18.0.2:8080")
)

// pack makes a record of a TCP packet that carries data.
func pack(dir record.Direction, flags packet.Flags, seq, ack uint32, data string, label record.Label) *record.Record {
	r := &record.Record{Dir: dir, Conn: 1, Client: client, Server: server, Seq: seq, Ack: ack, Label: label, Raw: []byte(data), Ordinal: 1}
	r.Packet = packet.Packet{Version: 4, Proto: packet.ProtoTCP, TCP: &packet.TCP{Flags: flags}, Data: packet.Span{At: 0, Len: len(data)}}
	r.Class, r.Fate.What = record.ClassAck, record.Delivered
	switch {
	case flags.Has(packet.SYN):
		r.Class = record.ClassSYN
	case data != "":
		r.Class = record.ClassData
	case flags.Has(packet.FIN):
		r.Class = record.ClassFIN
	}
	return r
}

func (f fated) on(r *record.Record) *record.Record { r.Fate = record.Fate(f); return r }

type fated record.Fate

func numbered(rs []*record.Record) []*record.Record {
	for i, r := range rs {
		r.ID, r.Time = i+1, start.Add(time.Duration(i)*12*time.Millisecond)
	}
	return rs
}

const answer = "HTTP/1.1 200 OK\r\n\r\nHello World, Michael!"

// lost is the lesson's ladder: the answer is lost once.
func lost() []*record.Record {
	drop := fated{What: record.Dropped, Cause: "drop data #1 to client", Fault: 1}
	rs := numbered([]*record.Record{
		pack(record.In, packet.SYN, 0, 0, "", record.Label{Kind: record.KindSYN}),
		pack(record.Out, packet.SYN|packet.ACK, 0, 1, "", record.Label{Kind: record.KindSYNACK}),
		pack(record.In, packet.ACK, 1, 1, "", record.Label{Kind: record.KindHandshakeACK}),
		pack(record.In, packet.PSH|packet.ACK, 1, 1, "你好", record.Label{Kind: record.KindData}),
		pack(record.Out, packet.ACK, 1, 7, "", record.Label{Kind: record.KindACK, Of: 4}),
		drop.on(pack(record.Out, packet.PSH|packet.ACK, 1, 7, answer, record.Label{Kind: record.KindData})),
		pack(record.Out, packet.FIN|packet.ACK, 45, 7, "", record.Label{Kind: record.KindFIN, Half: true}),
		pack(record.In, packet.ACK, 7, 1, "", record.Label{Kind: record.KindDupACK, Nth: 1}),
		pack(record.Out, packet.PSH|packet.ACK, 1, 7, answer, record.Label{Kind: record.KindRetransmission, Of: 6, Nth: 1, By: record.BySACK}),
		pack(record.In, packet.ACK, 7, 46, "", record.Label{Kind: record.KindACK, Of: 9}),
		pack(record.In, packet.FIN|packet.ACK, 7, 46, "", record.Label{Kind: record.KindFIN}),
		pack(record.Out, packet.ACK, 46, 8, "", record.Label{Kind: record.KindACK, Of: 11}),
	})
	rs[len(rs)-1].Ends = true
	return rs
}

// every is one record of each label, and one of each fate in each direction.
func every() []*record.Record {
	var rs []*record.Record
	for _, l := range []record.Label{
		{Kind: record.KindRetransmission, Of: 3, By: record.ByTimer},
		{Kind: record.KindRetransmission, Of: 3, By: record.ByDupACKs},
		{Kind: record.KindRetransmission, Of: 3, By: record.ByTLP},
		{Kind: record.KindOutOfOrder},
		{Kind: record.KindDuplicate, Of: 3},
		{Kind: record.KindZeroWindowProbe},
		{Kind: record.KindKeepAlive},
	} {
		rs = append(rs, pack(record.In, packet.PSH|packet.ACK, 4_000_000_001, 4_000_000_002, "大家好\n\x1b[2J", l))
	}
	again := pack(record.In, packet.SYN, 0, 0, "", record.Label{Kind: record.KindRetransmission, By: record.ByTimer})
	rs = append(rs, again)
	for _, l := range []record.Label{
		{Kind: record.KindACK}, {Kind: record.KindWindowUpdate}, {Kind: record.KindZeroWindow}, {Kind: record.KindKeepAliveACK}, {Kind: record.KindFIN},
		{Kind: record.KindRST, Why: record.WhyRefused}, {Kind: record.KindRST, Why: record.WhyUnread}, {Kind: record.KindRST, Why: record.WhyAfterClose},
		{Kind: record.KindRST, Why: record.WhyAbort}, {Kind: record.KindRST, Why: record.WhyUnknown}, {Kind: record.KindOther}, {Kind: "not of this version"},
	} {
		rs = append(rs, pack(record.Out, packet.ACK, 1, 1, "", l))
	}
	for _, dir := range []record.Direction{record.In, record.Out} {
		for _, f := range []fated{
			{What: record.Dropped, Cause: "loss 30 %"},
			{What: record.Dropped, Cause: "loss 30 %; rate 1 mbit, its queue is full"},
			{What: record.Delayed, Cause: "delay 50 ms", Delay: 50 * time.Millisecond},
			{What: record.Delayed, Cause: "delay 50 ms ± 10 ms; rate 1 Mbit/s", Delay: 47_123_456},
			{What: record.Duplicated, Cause: "duplicate 5 %", Copies: 1},
			{What: record.Reordered, Cause: "reorder 25 %", Delay: 10 * time.Millisecond},
			{What: record.Corrupted, Cause: "corrupt data #1 to server", Damage: &record.Damage{Offset: 52, Mask: 4}, Delay: 50 * time.Millisecond, Fault: 2},
			{What: record.Held, Cause: "swap data #3 #4 to server", Fault: 3},
			{What: record.Seen},
		} {
			rs = append(rs, f.on(pack(dir, packet.PSH|packet.ACK, 1, 1, "hi", record.Label{Kind: record.KindData})))
		}
	}
	datagram := pack(record.In, 0, 0, 0, "36.6", record.Label{Kind: record.KindDatagram})
	datagram.Packet.Proto, datagram.Packet.TCP = packet.ProtoUDP, nil
	fragment := pack(record.In, 0, 0, 0, strings.Repeat("x", 1480), record.Label{Kind: record.KindFragment})
	fragment.Packet.TCP, fragment.Packet.Fragment, fragment.Conn = nil, &packet.Fragment{Offset: 1480}, 0
	unreachable := pack(record.Out, 0, 0, 0, "quote", record.Label{Kind: record.KindPortUnreachable})
	unreachable.Packet.Proto, unreachable.Packet.TCP, unreachable.Packet.ICMP = packet.ProtoICMP, nil, &packet.ICMP{Type: 3, Code: 3}
	icmp := pack(record.Out, 0, 0, 0, "quote", record.Label{Kind: record.KindICMP})
	icmp.Packet.Proto, icmp.Packet.TCP, icmp.Packet.ICMP = packet.ProtoICMP, nil, &packet.ICMP{Type: 3, Code: 4}
	return numbered(append(rs, datagram, fragment, unreachable, icmp))
}

func draw(v View, rs []*record.Record) string {
	lines := v.Head(rs[0])
	for _, r := range rs {
		lines = append(lines, v.Render(r)...)
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestGolden(t *testing.T) {
	for _, tc := range []struct {
		name  string
		rs    []*record.Record
		width int
		lang  language.Lang
	}{
		{"lost.en.80", lost(), 80, language.English},
		{"lost.zh.80", lost(), 80, language.Chinese},
		{"lost.en.120", lost(), 120, language.English},
		{"lost.zh.40", lost(), 40, language.Chinese},
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
	for dir, want := range map[record.Direction]*regexp.Regexp{
		record.In:  regexp.MustCompile(`├─+►✗ dropped here: loss 30 % +│$`),
		record.Out: regexp.MustCompile(`│ +dropped here: loss 30 % ✗◄─+┤$`),
	} {
		r := fated{What: record.Dropped, Cause: "loss 30 %"}.on(pack(dir, packet.PSH|packet.ACK, 1, 1, "hello", record.Label{Kind: record.KindData}))
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
		dir := record.In
		if bits&1 != 0 {
			dir = record.Out
		}
		r := pack(dir, packet.Flags(flags), uint32(number), uint32(number), string(data), record.Label{Kind: record.Kind(kind), Of: number, Nth: number, By: record.By(cause), Why: record.Why(cause)})
		r.ID, r.Conn, r.Ordinal = number, number, number
		r.Time = start.Add(time.Duration(number))
		r.Client = netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone(zone), 1)
		r.Fate = record.Fate{What: record.What(fate), Cause: cause, Copies: number, Delay: time.Duration(number)}
		r.Packet.Data.Len = max(number, 0)
		r.Class = record.Class(kind)
		r.Ends = bits&2 != 0
		if bits&4 != 0 {
			r.Packet.TCP, r.Packet.Proto, r.Packet.Problem = nil, packet.Proto(kind), cause
		}
		for _, v := range []View{{Width: width, Start: start}, {Width: width, Lang: language.English, Colour: true, Mark: true}} {
			checkHarmless(t, v, v.Render(r))
			checkHarmless(t, v, v.Head(r))
			checkHarmless(t, v, []string{v.Forgotten(number), v.Scope()})
		}
	})
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
	// #4  0.0360 │ data #1 «你好»      PSH ACK seq=1 ack=1 len=6 │
	//     c1         ├───────────────────────┼──────────────────────►│
}
