package trace_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/trace"
)

// invalid says what is wrong with the label of r, whatever the packets were; before are the records
// before it, with the IDs 1, 2, 3 …
func invalid(before []*wire.Record, r *wire.Record) string {
	l := r.Label
	if l.Kind == "" {
		return "no label"
	}
	if l.Of < 0 || l.Of > len(before) {
		return fmt.Sprintf("of %d, which has not been", l.Of)
	}
	if l.By != "" && l.Kind != wire.KindRetransmission && l.Kind != wire.KindKeepAlive && l.Kind != wire.KindZeroWindowProbe {
		return "only what is sent again has a reason for that"
	}
	switch reasoned := l.Kind == wire.KindRST || l.Kind == wire.KindNotAccepted; {
	case reasoned && l.Why == "":
		return "no reason"
	case l.Why != "" && !reasoned && (l.Kind != wire.KindRetransmission || l.Why != wire.WhyOtherBytes):
		return "a reason for nothing"
	}
	if l.New > 0 && l.Kind != wire.KindSYN && l.Kind != wire.KindSYNACK && l.Kind != wire.KindRetransmission {
		return "new data beside what?"
	}
	if counts := l.Kind == wire.KindRetransmission || l.Kind == wire.KindDupACK; (l.Nth > 0) != counts {
		return fmt.Sprintf("number %d", l.Nth)
	}
	if l.Of == 0 {
		return ""
	}
	of := before[l.Of-1]
	if of.Conn != r.Conn && l.Kind != wire.KindChallengeACK { // which may answer the SYN of the next connection
		return fmt.Sprintf("of %d, in another connection", l.Of)
	}
	own := l.Kind == wire.KindRetransmission || l.Kind == wire.KindDuplicate
	if own != (of.Dir == r.Dir) {
		return fmt.Sprintf("of %d, in the wrong direction", l.Of)
	}
	switch l.Kind {
	case wire.KindRetransmission:
		if of.Label.Kind == wire.KindRetransmission && of.Label.Of == r.Label.Of {
			return fmt.Sprintf("of %d, which is not the first", l.Of)
		}
	case wire.KindDupACK:
		if at := r.Packet.TCP.Ack - of.Packet.TCP.Seq; at > uint32(of.Packet.Data.Len) {
			return fmt.Sprintf("of %d, for which it does not ask", l.Of)
		}
	}
	return ""
}

// FuzzLabel: whatever comes, in whatever order, the labels hold together. Twelve bytes make a packet.
func FuzzLabel(f *testing.F) {
	f.Add([]byte("0 the seeds are arbitrary: what matters is that packets of few connections and close numbers meet"))
	for _, s := range [][]byte{{2, 2, 0, 0}, {18, 3, 0, 0}, {16, 2, 1, 1}, {24, 2, 1, 1, 40}} {
		f.Add(append(s, make([]byte, 12-len(s))...))
	}
	f.Fuzz(labelArbitrary)
}

// TestArbitrary is the fuzz test on long inputs, the same each time.
func TestArbitrary(t *testing.T) {
	for seed := range byte(50) {
		b := make([]byte, 12*2000)
		rand.NewChaCha8([32]byte{seed}).Read(b)
		if seed%2 == 1 {
			for i := 0; i < len(b); i += 12 {
				b[i] &= 0x18       // fewer flags: data and ACKs, which get further than SYN, FIN and RST
				b[i+1] &= 0x01 | 4 // one connection
			}
		}
		labelArbitrary(t, b)
	}
}

func labelArbitrary(t *testing.T, b []byte) {
	labelBy(t, trace.New(), b)
	labelBy(t, trace.NewForCapture(), b)
}

func labelBy(t *testing.T, tr *trace.Tracker, b []byte) {
	now := time.Unix(1_700_000_000, 0)
	var all []*wire.Record
	for ; len(b) >= 12 && len(all) < 2000; b = b[12:] {
		r := arbitrary(b, &now)
		r.ID = len(all) + 1
		tr.Identify(r)
		r.Fate = arbitraryFate(b)
		tr.Label(r)
		if problem := invalid(all, r); problem != "" {
			t.Fatalf("#%d is %q: %s", r.ID, words(r), problem)
		}
		all = append(all, r)
	}
}

func arbitrary(b []byte, now *time.Time) *wire.Record {
	*now = now.Add(time.Duration(b[6]) * time.Duration(b[6]) * 10 * time.Microsecond)
	r := &wire.Record{Time: *now, Dir: wire.In, Raw: make([]byte, 20)}
	server, client := netip.MustParseAddrPort("10.0.0.2:80"), netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), uint16(b[1]>>6)+1)
	p := &r.Packet
	*p = wire.Packet{Version: 4, Src: client, Dst: server, Data: wire.Span{At: 20, Len: int(b[4] & 31)}}
	if b[1]&1 > 0 {
		r.Dir, p.Src, p.Dst = wire.Out, server, client
	}
	binary.BigEndian.PutUint16(r.Raw[4:], uint16(b[7]&15))
	switch b[1] >> 1 & 7 {
	case 6:
		p.Proto = wire.ProtoUDP
	case 7:
		p.Proto = wire.ProtoICMP
		p.ICMP = &wire.ICMP{Type: 3, Code: 3, Quote: &wire.Quote{Proto: wire.ProtoTCP, Src: p.Dst, Dst: p.Src, Seq: uint32(b[2])}}
		if b[8]&1 > 0 {
			p.ICMP.Quote.Proto = wire.ProtoUDP
		}
	default:
		p.Proto = wire.ProtoTCP
		p.TCP = &wire.TCP{Flags: wire.Flags(b[0]), Seq: uint32(b[2]) - 100, Ack: uint32(b[3]) - 100, Window: uint16(b[5] >> 5)}
		for i := range int(b[8] & 3) {
			p.TCP.SACK = append(p.TCP.SACK, wire.SeqRange{From: uint32(b[9+i]) - 100, To: uint32(b[9+i]&0xf8) - 100 + uint32(b[9+i]&7)*8})
		}
		if b[8]&4 > 0 {
			p.TCP.Timestamp = &wire.Timestamp{Value: uint32(b[9])}
		}
		if b[8]&8 > 0 {
			scale := b[10] & 15
			p.TCP.SACKPermitted, p.TCP.WindowScale = true, &scale
		}
	}
	return r
}

func arbitraryFate(b []byte) wire.Fate {
	switch b[8] >> 4 {
	case 1, 2:
		return wire.Fate{What: wire.Dropped}
	case 3:
		return wire.Fate{What: wire.Corrupted, Damage: &wire.Damage{}}
	case 4, 5, 6:
		return wire.Fate{What: wire.Delayed, Delay: time.Duration(b[11]) * time.Millisecond}
	case 7:
		return wire.Fate{What: wire.Held}
	}
	return wire.Fate{What: wire.Delivered}
}
