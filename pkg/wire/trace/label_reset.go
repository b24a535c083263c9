package trace

import "netlab.example/pkg/wire"

// reset says why w's side sent the reset r. A reset never says so itself; what went before does, and how
// it is written (RFC 9293, 3.10.7.1): the answer to a packet that has an ACK takes its sequence number
// from there and has no ACK of its own. One with an ACK is what a host sends of itself: its program
// closed the socket, and had not read everything, or wanted no orderly end. From outside these two look
// alike; data that came after the last answer was likely not read.
func (w *way) reset(back *way, r *wire.Record) wire.Label {
	l, k := &w.labels, &w.labels.heard
	drew := k.from
	if k.asked.kind == wire.KindNotAccepted {
		drew = k.asked.id
	}
	reset := wire.Label{Kind: wire.KindRST}
	switch {
	case w.syn == 0 && back.syn > 0 && l.lastData == 0 && k.class == wire.ClassSYN:
		reset.Why, reset.Of = wire.WhyRefused, back.labels.syn.arrived
	case r.Packet.TCP.Flags.Has(wire.ACK) && k.data > l.lastData:
		reset.Why, reset.Of = wire.WhyUnread, k.data
	case r.Packet.TCP.Flags.Has(wire.ACK):
		reset.Why = wire.WhyAbort
	case w.fin > 0 || l.resets > 0:
		reset.Why, reset.Of = wire.WhyAfterClose, drew
	default:
		reset.Why, reset.Of = wire.WhyUnknown, drew
	}
	return reset
}
