package trace

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"netlab.example/pkg/wire"
)

// What Label remembers is bounded as well: packets that wire delays for long, and questions without an answer.
func TestLabelsAreBounded(t *testing.T) {
	tr := New()
	for i := range 10_000 {
		r := parse(t, fmt.Sprintf("in 40000 ACK 1 %d", 1+i))
		r.ID, r.Time = i+1, time.Unix(0, int64(i))
		tr.Identify(r)
		r.Fate.Delay = time.Duration(10_000-i) * time.Hour
		tr.Label(r)
	}
	for i := range 10_000 {
		r := udp(40000, time.Unix(0, int64(i)))
		tr.Identify(r)
		tr.Label(r)
	}
	for _, c := range tr.conns {
		for i := range c.way {
			if l := &c.way[i].labels; len(l.pending) > maxPending || cap(l.pending) > 4*maxPending || len(l.questions) > maxQuestions || cap(l.questions) > 4*maxQuestions {
				t.Errorf("%s: %d of %d delayed, %d of %d questions", c.Proto, len(l.pending), cap(l.pending), len(l.questions), cap(l.questions))
			}
		}
	}
}

// BenchmarkLabel is the tracker's whole work on a packet, among a thousand connections that all transfer data:
// three segments and an ACK, in turn.
func BenchmarkLabel(b *testing.B) {
	const conns = 1000
	for _, sack := range []int{0, 4} {
		b.Run(fmt.Sprintf("%d SACK blocks", sack), func(b *testing.B) {
			tr := New()
			server := netip.MustParseAddrPort("10.0.0.2:8080")
			raw := make([]byte, 64)
			next := make([]uint32, conns)
			now := time.Unix(0, 0)
			r := &wire.Record{}
			h := &wire.TCP{}
			for i := 0; b.Loop(); i++ {
				n := i / 4 % conns
				now = now.Add(time.Microsecond)
				*h = wire.TCP{Flags: wire.ACK, Window: 500, Timestamp: &wire.Timestamp{Value: uint32(i)}}
				*r = wire.Record{ID: i + 1, Time: now, Dir: wire.Out, Raw: raw, Packet: wire.Packet{Version: 4, Proto: wire.ProtoTCP, TCP: h,
					Src: server, Dst: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), uint16(n+1))}}
				raw[4], raw[5] = byte(i>>8), byte(i)
				if i%4 == 3 {
					r.Dir, r.Packet.Src, r.Packet.Dst = wire.In, r.Packet.Dst, r.Packet.Src
					h.Ack = next[n] - 1448
					for k := range uint32(sack) {
						h.SACK = append(h.SACK, wire.SeqRange{From: next[n] - 300*(k+1), To: next[n] - 300*k - 100})
					}
				} else {
					h.Seq, r.Packet.Data.Len = next[n], 1448
					next[n] += 1448
				}
				tr.Identify(r)
				tr.Label(r)
			}
		})
	}
}
