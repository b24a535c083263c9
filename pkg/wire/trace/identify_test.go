package trace

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"netlab.example/pkg/wire"
)

// feed runs a hand-written trace through a tracker. A line is a packet:
//
//	in  40000 SYN 100                  direction, the client's port, flags, raw sequence number
//	out 40000 SYN,ACK 500 101          … and the raw number it acknowledges
//	in  40000 PSH,ACK 101 501 +5       … and how much data; a last word "x" drops it here
//
// and the answer, for each packet, is "conn class#ordinal.attempt seq/ack". What a packet is called
// (Label) is another matter: see label_trace_test.go.
func feed(t *testing.T, tr *Tracker, trace string) []string {
	t.Helper()
	var got []string
	id := 0
	for line := range strings.Lines(trace) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		id++
		r := parse(t, line)
		r.ID, r.Time = id, time.Unix(int64(id), 0)
		tr.Identify(r)
		if strings.HasSuffix(line, " x") {
			r.Fate.What = wire.Dropped
		}
		tr.Label(r)
		s := fmt.Sprintf("c%d %s#%d.%d %d/%d", r.Conn, r.Class, r.Ordinal, r.Attempt, r.Seq, r.Ack)
		if r.Begins {
			s += " begins"
		}
		if r.Ends {
			s += " ends"
		}
		got = append(got, s)
	}
	return got
}

func parse(t *testing.T, line string) *wire.Record {
	t.Helper()
	words := strings.Fields(line)
	r := &wire.Record{Dir: wire.Direction(words[0])}
	var port uint16
	var seq, ack uint32
	length := 0
	fmt.Sscan(words[1], &port)
	client, server := netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), port), netip.MustParseAddrPort("10.0.0.2:8080")
	var flags wire.Flags
	flags.UnmarshalText([]byte(strings.ReplaceAll(words[2], ",", " ")))
	fmt.Sscan(words[3], &seq)
	for _, w := range words[4:] {
		switch {
		case w == "x":
		case w[0] == '+':
			fmt.Sscan(w[1:], &length)
		default:
			fmt.Sscan(w, &ack)
		}
	}
	r.Packet = wire.Packet{Version: 4, Proto: wire.ProtoTCP, Src: client, Dst: server, Data: wire.Span{At: 40, Len: length},
		TCP: &wire.TCP{Flags: flags, Seq: seq, Ack: ack}}
	if r.Dir == wire.Out {
		r.Packet.Src, r.Packet.Dst = server, client
	}
	return r
}

func check(t *testing.T, got []string, want string) {
	t.Helper()
	i := 0
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if i >= len(got) || got[i] != line {
			t.Errorf("packet %d: %s, want %s", i+1, append(got, "nothing", "nothing")[min(i, len(got))], line)
		}
		i++
	}
	if i != len(got) {
		t.Errorf("%d packets, want %d", len(got), i)
	}
}

func TestConversation(t *testing.T) {
	tr := New()
	check(t, feed(t, tr, `
		in  40000 SYN 100
		out 40000 SYN,ACK 500 101
		in  40000 ACK 101 501
		in  40000 PSH,ACK 101 501 +5
		out 40000 ACK 501 106
		out 40000 PSH,ACK 501 106 +21 x
		out 40000 FIN,ACK 522 106
		in  40000 ACK 106 501
		out 40000 PSH,ACK 501 106 +21
		in  40000 ACK 106 523
		in  40000 FIN,ACK 106 523
		out 40000 ACK 523 107
		in  40000 SYN 9000
	`), `
		c1 syn#1.0 0/0 begins
		c1 syn#1.0 0/1
		c1 ack#1.0 1/1
		c1 data#1.0 1/1
		c1 ack#6.0 1/6
		c1 data#1.0 1/6
		c1 fin#1.0 22/6
		c1 ack#1.1 6/1
		c1 data#1.1 1/6
		c1 ack#23.0 6/23
		c1 fin#1.0 6/23
		c1 ack#7.0 23/7 ends
		c2 syn#1.0 0/0 begins
	`)
	all := tr.Connections()
	if len(all) != 1 || all[0].Ordinal != 2 || all[0].State != wire.ConnOpening {
		t.Errorf("%+v", all)
	}
	if gone := tr.Expire(time.Unix(100, 0)); len(gone) != 1 || gone[0] != 1 {
		t.Errorf("gone: %v", gone)
	}
}

// A connection that is older than wire has relative numbers from 1 on, and does not count as beginning.
func TestMidway(t *testing.T) {
	tr := New()
	check(t, feed(t, tr, `
		out 40000 PSH,ACK 501 106 +10
		in  40000 ACK 106 511
		in  40000 PSH,ACK 106 511 +3
	`), `
		c1 data#1.0 1/1
		c1 ack#11.0 1/11
		c1 data#1.0 1/11
	`)
	if c := tr.Connections()[0]; !c.Midway || c.State != wire.ConnOpen {
		t.Errorf("%+v", c)
	}
}

func TestNamesOfData(t *testing.T) {
	const wrap = 1<<32 - 10
	check(t, feed(t, New(), fmt.Sprintf(`
		in  40000 SYN %d
		in  40000 PSH,ACK %d 1 +20
		in  40000 PSH,ACK 11 1 +10
		in  40000 PSH,ACK 31 1 +10
		in  40000 PSH,ACK 21 1 +10
		in  40000 PSH,ACK %d 1 +50
		in  40000 PSH,ACK 31 1 +15
		in  40000 PSH,ACK 36 1 +5
		in  40000 SYN %d
		in  40000 RST 46
	`, wrap, wrap+1, wrap+1, wrap)), `
		c1 syn#1.0 0/0 begins
		c1 data#1.0 1/1
		c1 data#2.0 21/1
		c1 data#3.0 41/1
		c1 data#4.0 31/1
		c1 data#1.1 1/1
		c1 data#5.0 41/1
		c1 data#3.1 46/1
		c1 syn#1.1 0/0
		c1 rst#1.0 56/0 ends
	`)
}

// ACKs of the same number are told apart, so that chance can treat them apart.
func TestNamesOfACKs(t *testing.T) {
	check(t, feed(t, New(), `
		in  40000 SYN 100
		in  40000 ACK 101 501
		in  40000 ACK 101 501
		in  40000 ACK 101 501
		in  40000 ACK 101 520
	`), `
		c1 syn#1.0 0/0 begins
		c1 ack#1.0 1/1
		c1 ack#1.1 1/1
		c1 ack#1.2 1/1
		c1 ack#20.0 1/20
	`)
}

// Windows are in bytes if both SYNs were seen, or one that offers no scale; else their unit is unknown.
func TestWindows(t *testing.T) {
	seven, nine := uint8(7), uint8(9)
	for name, tc := range map[string]struct {
		client, server *uint8 // nil: no offer
		unseen         int    // how many packets of the handshake
		want           string
	}{
		"both scale":          {&seven, &nine, 0, "100*0 200*0 12800*7 25600*7 102400*9"},
		"the server does not": {&seven, nil, 0, "100*0 200*0 100*0 200*0 200*0"},
		"no SYN":              {&seven, &nine, 1, "200*0 100? 200? 102400*9"},
		"no handshake":        {&seven, &nine, 3, "200? 200?"},
		"no SYN, no offer":    {&seven, nil, 1, "200*0 100*0 200*0 200*0"},
	} {
		tr := New()
		var got []string
		for i, line := range []string{"in 40000 SYN 100", "out 40000 SYN,ACK 500 101", "in 40000 ACK 101 501", "in 40000 PSH,ACK 101 501 +5", "out 40000 ACK 501 106"} {
			if i < tc.unseen {
				continue
			}
			r := parse(t, line)
			r.ID, r.Packet.TCP.Window = i+1, []uint16{100, 200, 100, 200, 200}[i]
			switch i {
			case 0:
				r.Packet.TCP.WindowScale = tc.client
			case 1:
				r.Packet.TCP.WindowScale = tc.server
			}
			tr.Identify(r)
			tr.Label(r)
			word := fmt.Sprint(r.Window, "?")
			if r.Scale != nil {
				word = fmt.Sprint(r.Window, "*", *r.Scale)
			}
			got = append(got, word)
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// What is not accepted takes no number from the conversation: exact faults count on. Numbers follow what both sides say.
func TestNotAcceptedTakesNoNumber(t *testing.T) {
	check(t, feed(t, New(), `
		in  40000 SYN 100
		out 40000 RST,ACK 0 101 x
		in  40000 SYN 100
		out 40000 SYN,ACK 500 101
		in  40000 ACK 101 501
		in  40000 PSH,ACK 900000 501 +5
		in  40000 PSH,ACK 101 501 +5
		in  40000 PSH 106 0 +5
		in  40000 FIN,ACK 106 9000
		in  40000 RST 2000
		in  40000 PSH,ACK 106 501 +5
		in  40000 FIN,ACK 111 501
		in  40000 RST 112
	`), `
		c1 syn#1.0 0/0 begins
		c1 rst#1.0 1/1
		c1 syn#1.1 0/0
		c1 syn#1.0 0/1
		c1 ack#1.0 1/1
		c1 other#0.0 899900/1
		c1 data#1.0 1/1
		c1 other#0.1 6/0
		c1 other#0.2 6/8500
		c1 rst#1.0 1900/0
		c1 data#2.0 6/1
		c1 fin#1.0 11/1
		c1 rst#2.0 12/0 ends
	`)
}

// A client's reset is lost, and it connects again from the same port: the old numbers belong to the old connection until
// that has ended, and the new one begins with the first SYN.
func TestSamePort(t *testing.T) {
	tr := New()
	check(t, feed(t, tr, `
		in  40000 SYN 100
		out 40000 SYN,ACK 500 101
		in  40000 ACK 101 501
		in  40000 RST,ACK 101 501 x
		in  40000 SYN 70000
		out 40000 ACK 501 101
		in  40000 RST 101
		in  40000 SYN 70000
		out 40000 SYN,ACK 90000 70001
		in  40000 ACK 70001 90001
		in  40000 PSH,ACK 70001 90001 +5
	`), `
		c1 syn#1.0 0/0 begins
		c1 syn#1.0 0/1
		c1 ack#1.0 1/1
		c1 rst#1.0 1/1
		c2 syn#1.0 0/0 begins
		c1 ack#1.0 1/1
		c1 rst#2.0 1/0 ends
		c2 syn#1.1 0/0
		c2 syn#1.0 0/1
		c2 ack#1.0 1/1
		c2 data#1.0 1/1
	`)
	if gone := tr.Expire(time.Unix(0, 0)); !slices.Equal(gone, []int{1}) {
		t.Errorf("forgotten: %d", gone)
	}
}

// An ACK of what has not passed is a stray, unless packets may pass unseen; then the data may come after it.
func TestGaps(t *testing.T) {
	for gaps, want := range map[bool]string{false: "other#0.0", true: "data#1.0"} {
		tr := New()
		packets := []string{"in 40000 SYN 100", "out 40000 SYN,ACK 500 101", "in 40000 ACK 101 501", "out 40000 PSH,ACK 501 106 +3", "in 40000 PSH,ACK 101 501 +5"}
		var got []string
		for i, line := range packets {
			r := parse(t, line)
			r.ID, r.Packet.TCP.Window = i+1, 1000
			if i == 3 && gaps {
				tr.ExpectGaps()
			}
			tr.Identify(r)
			tr.Label(r)
			got = append(got, fmt.Sprintf("%s#%d.%d", r.Class, r.Ordinal, r.Attempt))
		}
		if got[3] != want || got[4] != "data#1.0" {
			t.Errorf("gaps %v: %s", gaps, got)
		}
	}
}

// SYNs with made-up numbers do not make the tracker forget the connection that is open, nor fill its memory.
func TestStraySYNs(t *testing.T) {
	tr := New()
	feed(t, tr, `
		in  40000 SYN 100
		out 40000 SYN,ACK 500 101
		in  40000 ACK 101 501
		in  40000 PSH,ACK 101 501 +5
	`)
	for i := range 100 {
		feed(t, tr, fmt.Sprintf("in 40000 SYN %d", 1<<30+i))
	}
	check(t, feed(t, tr, `
		out 40000 ACK 501 106
		in  40000 PSH,ACK 106 501 +5
	`), `
		c1 ack#6.0 1/6
		c1 data#2.0 6/1
	`)
	var listed []int
	for _, c := range tr.Connections() {
		listed = append(listed, c.Ordinal)
	}
	if !slices.Equal(listed, []int{1, 101}) {
		t.Errorf("connections %d", listed)
	}
	if gone := tr.Expire(time.Unix(0, 0)); len(gone) != 99 {
		t.Errorf("%d forgotten", len(gone))
	}
}

func udp(port uint16, at time.Time) *wire.Record {
	return &wire.Record{Time: at, Dir: wire.In, Packet: wire.Packet{Version: 4, Proto: wire.ProtoUDP, Data: wire.Span{At: 28, Len: 2},
		Src: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), port), Dst: netip.MustParseAddrPort("10.0.0.2:1314")}}
}

func TestDatagrams(t *testing.T) {
	tr := New()
	now := time.Unix(0, 0)
	for _, tc := range []struct {
		port          uint16
		after         time.Duration
		conn, ordinal int
		begins        bool
	}{
		{40000, 0, 1, 1, true},
		{40000, time.Second, 1, 2, false},
		{40001, time.Second, 2, 1, true},
		{40000, udpSilence, 3, 1, true}, // after a silence
	} {
		now = now.Add(tc.after)
		r := udp(tc.port, now)
		tr.Identify(r)
		tr.Label(r)
		if r.Conn != tc.conn || r.Ordinal != tc.ordinal || r.Begins != tc.begins || r.Label.Kind != wire.KindDatagram {
			t.Errorf("%+v: %+v", tc, r)
		}
	}
	tr.Expire(now) // 1 was replaced, 2 has been silent
	if all := tr.Connections(); len(all) != 1 || all[0].Ordinal != 3 {
		t.Errorf("%+v", all)
	}
}

// An error belongs to the conversation that it quotes.
func TestICMP(t *testing.T) {
	tr := New()
	q := udp(40000, time.Unix(0, 0))
	tr.Identify(q)
	r := &wire.Record{Dir: wire.Out, Packet: wire.Packet{Version: 4, Proto: wire.ProtoICMP, ICMP: &wire.ICMP{Type: 3, Code: 3,
		Quote: &wire.Quote{Proto: wire.ProtoUDP, Src: q.Packet.Src, Dst: q.Packet.Dst}}}}
	tr.Identify(r)
	tr.Label(r)
	if r.Conn != 1 || r.Class != wire.ClassICMP || r.Ordinal != 1 || r.Client != q.Packet.Src || r.Label.Kind != wire.KindPortUnreachable {
		t.Errorf("%+v", r)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	tr := New()
	for i := range 3 * maxConns {
		r := udp(uint16(i), time.Unix(int64(i), 0).Add(time.Duration(i)))
		r.Packet.Dst = netip.AddrPortFrom(r.Packet.Dst.Addr(), uint16(i>>16))
		tr.Identify(r)
	}
	if n := len(tr.Connections()); n != maxConns {
		t.Errorf("%d connections", n)
	}
	if n := len(tr.Expire(time.Time{})); n != 2*maxConns {
		t.Errorf("%d forgotten", n)
	}
	// Data that nobody acknowledges.
	syn := parse(t, "in 40000 SYN 0")
	tr.Identify(syn)
	for i := range 3 * maxSegments {
		r := parse(t, fmt.Sprintf("in 40000 PSH,ACK %d 1 +10", 1+10*i))
		tr.Identify(r)
		tr.Label(r)
		if r.Ordinal != i+1 || r.Attempt != 0 {
			t.Fatalf("segment %d: %+v", i, r)
		}
	}
	if tr.segments > maxSegments {
		t.Errorf("%d segments", tr.segments)
	}
	// A long download with its ACKs leaves little behind.
	tr = New()
	for i := range 10000 {
		out := parse(t, fmt.Sprintf("out 40000 PSH,ACK %d 1 +10", 1+10*i))
		tr.Identify(out)
		tr.Label(out)
		in := parse(t, fmt.Sprintf("in 40000 ACK 1 %d", 11+10*i))
		tr.Identify(in)
		tr.Label(in)
	}
	if tr.segments > 2*keptAcked+1 {
		t.Errorf("%d segments after all was acknowledged", tr.segments)
	}
	// What was forgotten is still known to be old.
	r := parse(t, "out 40000 PSH,ACK 1 1 +10")
	tr.Identify(r)
	if r.Attempt == 0 {
		t.Errorf("an old segment counts as new: %+v", r)
	}
}

// A crowd that sent much and fell silent does not have its memory kept at the cost of who speaks now.
func TestACrowdIsForgottenFirst(t *testing.T) {
	tr := New()
	for port := range maxAllSegments/maxSegments + 2 {
		r := parse(t, fmt.Sprintf("in %d PSH,ACK 1000 1 +1", 20000+port))
		for i := range maxSegments {
			next, h := *r, *r.Packet.TCP
			h.Seq += uint32(i)
			next.Packet.TCP = &h
			tr.Identify(&next)
		}
	}
	if tr.segments > maxAllSegments {
		t.Errorf("%d segments", tr.segments)
	}
	check(t, feed(t, tr, `
		in 40000 SYN 100
		out 40000 SYN,ACK 500 101
		in 40000 ACK 101 501
		out 40000 PSH,ACK 501 101 +5 x
		out 40000 PSH,ACK 501 101 +5
		out 40000 PSH,ACK 506 101 +5`), `
		c67 syn#1.0 0/0 begins
		c67 syn#1.0 0/1
		c67 ack#1.0 1/1
		c67 data#1.0 1/1
		c67 data#1.1 1/1
		c67 data#2.0 6/1`)
}

// FuzzTracker: no order of packets, however absurd, breaks the tracker or its bounds.
func FuzzTracker(f *testing.F) {
	f.Add([]byte{0, 2, 0, 0, 0, 1, 18, 0, 1, 0, 0, 16, 1, 1, 5, 1, 24, 1, 1, 9, 1, 17, 9, 9, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		tr := New()
		for id := 1; len(b) >= 5; b, id = b[5:], id+1 {
			r := &wire.Record{ID: id, Dir: wire.In, Packet: wire.Packet{Proto: wire.ProtoTCP, Data: wire.Span{At: 40, Len: int(b[4])},
				Src: netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(b[0]>>6)), Dst: netip.MustParseAddrPort("10.0.0.2:8080"),
				TCP: &wire.TCP{Flags: wire.Flags(b[1]), Seq: uint32(b[2]) << (b[0] & 24), Ack: uint32(b[3]) << (b[0] & 24)}}}
			if b[0]&1 != 0 {
				r.Dir = wire.Out
				r.Packet.Src, r.Packet.Dst = r.Packet.Dst, r.Packet.Src
			}
			if b[0]&2 != 0 {
				r.Fate.What = wire.Dropped
			}
			tr.Identify(r)
			tr.Label(r)
			if r.Conn < 1 || r.Ordinal < 0 || r.Attempt < 0 {
				t.Fatalf("%+v", r)
			}
			remembered := 0
			for _, c := range tr.conns {
				for o := c; o != nil; o = o.older {
					remembered += len(o.way[0].segments) + len(o.way[1].segments)
				}
				for _, w := range c.way {
					for i := 1; i < len(w.segments); i++ {
						if before(w.segments[i].from, w.segments[i-1].to) && w.segments[i].from-w.segments[0].from < 1<<30 {
							t.Fatalf("segments overlap: %+v", w.segments)
						}
					}
				}
			}
			if remembered != tr.segments {
				t.Fatalf("%d segments are remembered, and %d counted", remembered, tr.segments)
			}
		}
	})
}
