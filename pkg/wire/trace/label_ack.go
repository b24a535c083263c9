package trace

import "netlab.example/pkg/wire"

// ack says what a packet is that has nothing but an acknowledgement to bring.
func (c *conn) ack(out, back *way, r *wire.Record) wire.Label {
	h, l, asked := r.Packet.TCP, &out.labels, out.labels.heard.asked
	news := !back.anyAck || before(back.acked, h.Ack)
	endsIt := back.fin > 0 && h.Ack == back.finSeq // after a FIN no window matters
	switch {
	case !h.Flags.Has(wire.ACK):
		return wire.Label{Kind: wire.KindOther}
	case c.opens(out, back, r):
		return wire.Label{Kind: wire.KindHandshakeACK, Of: back.labels.syn.arrived}
	case r.Window == 0 && asked.kind == wire.KindZeroWindowProbe && !endsIt:
		return wire.Label{Kind: wire.KindZeroWindow, Of: asked.id}
	case r.Window == 0 && !endsIt:
		return wire.Label{Kind: wire.KindZeroWindow, Of: back.upTo(h.Ack)}
	case news, h.Ack != back.acked: // the latter was overtaken by a newer one
		return wire.Label{Kind: wire.KindACK, Of: back.upTo(h.Ack)}
	case asked.kind == wire.KindKeepAlive:
		return wire.Label{Kind: wire.KindKeepAliveACK, Of: asked.id}
	case asked.kind == wire.KindNotAccepted, asked.kind == wire.KindSYN:
		return wire.Label{Kind: wire.KindChallengeACK, Of: asked.id}
	case duplicateSACK(h) != nil:
		return wire.Label{Kind: wire.KindDSACK, Of: back.upTo(duplicateSACK(h).To)}
	case before(back.acked, back.next) && (r.Window == l.window || l.newSACK(h)):
		return wire.Label{Kind: wire.KindDupACK, Nth: l.repeated(h.Ack) + 1, Of: back.missing(h.Ack)}
	case r.Window != l.window:
		return wire.Label{Kind: wire.KindWindowUpdate}
	}
	return wire.Label{Kind: wire.KindACK, Of: asked.id} // nothing new: it answers what came again, or nothing
}

// opens reports whether r is the third packet of the handshake, perhaps once more: it answers a SYN ACK.
func (c *conn) opens(out, back *way, r *wire.Record) bool {
	if out.syn == 0 || back.synACK == 0 || out.labels.heard.asked.kind == wire.KindSYN {
		return false
	}
	first := !out.labels.open && out.synACK == 0 // with Fast Open, data may have come before it
	return first || c.State == wire.ConnOpening || r.Seq == 1 && r.Ack == 1 && out.labels.heard.class == wire.ClassSYN
}

// probes reports whether r is a question for a sign of life: it begins one below the next number, where
// everything was acknowledged long ago, and so forces an answer. The byte there, if any, is made up.
// Or it is the one byte with which some systems try a closed window: that is not data before it is taken.
func (c *conn) probes(w *way, r *wire.Record) bool {
	h, length := r.Packet.TCP, r.Packet.Data.Len
	if length > 1 || h.Flags&(wire.SYN|wire.FIN|wire.RST) != 0 || !h.Flags.Has(wire.ACK) || !w.anyAck || w.acked != w.next || c.over() {
		return false
	}
	now := headerOf(r)
	earlier, known := now.earlier(&w.labels.top) // an old ACK that comes late looks the same
	below := h.Seq+1 == w.next && !(known && earlier)
	pushes := h.Seq == w.next && length == 1 && w.labels.heard.closed && w.fin == 0
	return below || pushes
}

// probe tells the two probes apart: by whether the receiver said that it has no room.
func (w *way) probe(back *way) wire.Label {
	if w.labels.heard.closed {
		return wire.Label{Kind: wire.KindZeroWindowProbe, Of: back.labels.zero, By: wire.ByTimer}
	}
	return wire.Label{Kind: wire.KindKeepAlive, By: wire.ByTimer}
}
