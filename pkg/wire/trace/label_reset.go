package trace

import (
	"netlab.example/pkg/wire/packet"
	"netlab.example/pkg/wire/record"
)

// reset says why w's side sent the reset r. A reset never says so itself; what went before does, and how
// it is written (RFC 9293, 3.10.7.1): the answer to a packet that has an ACK takes its sequence number
// from there and has no ACK of its own. One with an ACK is what a host sends of itself: its program
// closed the socket, and had not read everything, or wanted no orderly end. From outside these two look
// alike; data that came after the last answer was likely not read.
func (w *way) reset(back *way, r *record.Record) record.Label {
	l, k := &w.labels, &w.labels.heard
	reset := record.Label{Kind: record.KindRST}
	switch {
	case w.syn == 0 && back.syn > 0 && l.lastData == 0 && k.class == record.ClassSYN:
		reset.Why, reset.Of = record.WhyRefused, back.labels.syn.arrived
	case r.Packet.TCP.Flags.Has(packet.ACK) && k.data > l.lastData:
		reset.Why, reset.Of = record.WhyUnread, k.data
	case r.Packet.TCP.Flags.Has(packet.ACK):
		reset.Why = record.WhyAbort
	case w.fin > 0 || l.resets > 0:
		reset.Why, reset.Of = record.WhyAfterClose, k.from
	default:
		reset.Why, reset.Of = record.WhyUnknown, k.from
	}
	return reset
}
