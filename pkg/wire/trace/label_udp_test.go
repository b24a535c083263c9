package trace

import (
	"testing"
	"time"

	"netlab.example/pkg/wire"
)

// datagrams labels datagrams one after the other.
type datagrams struct {
	t  *testing.T
	tr *Tracker
	id int
}

// pass sends one, at a time in milliseconds, and demands its label.
func (d *datagrams) pass(ms int, dir wire.Direction, ipID uint16, data string, fate wire.Fate, kind wire.Kind, of int) {
	d.t.Helper()
	d.id++
	r := udp(40000, time.Unix(0, int64(ms)*1e6))
	r.ID, r.Dir = d.id, dir
	r.Raw = append(make([]byte, 28), data...)
	r.Raw[0], r.Raw[4], r.Raw[5] = 0x45, byte(ipID>>8), byte(ipID)
	r.Packet.Version, r.Packet.Header, r.Packet.Data = 4, wire.Span{At: 20, Len: 8}, wire.Span{At: 28, Len: len(data)}
	if dir == wire.Out {
		r.Packet.Src, r.Packet.Dst = r.Packet.Dst, r.Packet.Src
	}
	d.tr.Identify(r)
	r.Fate = fate
	d.tr.Label(r)
	if r.Label.Kind != kind || r.Label.Of != of {
		d.t.Errorf("#%d %s %q: %s of %d, want %s of %d", r.ID, dir, data, r.Label.Kind, r.Label.Of, kind, of)
	}
}

var delivered = wire.Fate{What: wire.Delivered}

// A copy is the same datagram soon after: neither another one with the same ID, nor the same question later.
func TestCopiesOfDatagrams(t *testing.T) {
	d := &datagrams{t: t, tr: New()}
	const in, out, datagram, duplicate = wire.In, wire.Out, wire.KindDatagram, wire.KindDuplicate
	d.pass(0, in, 7, "36.6", delivered, datagram, 0)
	d.pass(1, in, 7, "36.6", delivered, duplicate, 1)
	d.pass(2, in, 7, "36.7", delivered, datagram, 0)
	d.pass(1000, in, 7, "36.6", delivered, datagram, 0)
	d.pass(1001, in, 8, "36.6", delivered, datagram, 0)
}

// Answers come in the order in which questions arrive: one that a swap holds arrives after its partner.
func TestAnswersToSwappedDatagrams(t *testing.T) {
	const in, out, datagram = wire.In, wire.Out, wire.KindDatagram
	d := &datagrams{t: t, tr: New()}
	d.pass(0, in, 1, "10", wire.Fate{What: wire.Held, Fault: 1}, datagram, 0)
	d.pass(1, in, 2, "20", wire.Fate{What: wire.Reordered, Fault: 1}, datagram, 0)
	d.pass(2, out, 3, "to 20", delivered, datagram, 2)
	d.pass(3, out, 4, "to 10", delivered, datagram, 1)
	// One whose partner never comes goes on alone.
	d = &datagrams{t: t, tr: New()}
	d.pass(0, in, 1, "10", wire.Fate{What: wire.Held, Fault: 1}, datagram, 0)
	d.pass(5000, out, 2, "to 10", delivered, datagram, 1)
}

// Damage does not keep a datagram without a checksum from its receiver.
func TestDamagedDatagramWithoutChecksum(t *testing.T) {
	const in, out, datagram = wire.In, wire.Out, wire.KindDatagram
	d := &datagrams{t: t, tr: New()}
	d.pass(0, in, 1, "10", wire.Fate{What: wire.Corrupted, Damage: &wire.Damage{Offset: 28, Mask: 1}}, datagram, 0)
	d.pass(1, out, 2, "to 00", delivered, datagram, 1)
}
