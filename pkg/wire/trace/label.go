package trace

import "netlab.example/pkg/wire"

// Label says what r is, now that its fate is known, and keeps the connection's state. It wants what
// Identify filled in, and Fate.
func (t *Tracker) Label(r *wire.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.Label = wire.Label{Kind: wire.KindOther}
	c := t.connOf(r)
	switch {
	case r.Class == wire.ClassFragment:
		r.Label.Kind = wire.KindFragment
	case r.Class == wire.ClassICMP:
		r.Label = c.icmp(r)
	case c == nil:
	case c.Proto == wire.ProtoUDP:
		r.Label = c.datagram(r)
	case r.Packet.TCP != nil:
		out, back := c.sides(r)
		out.settle(r)
		back.settle(r)
		r.Label = c.tcp(out, back, r)
		out.sent(r)
		if !arrives(r) {
			break
		}
		if h := r.Packet.TCP; h.Flags.Has(wire.ACK) {
			t.acknowledged(back, h.Ack)
		}
		out.said(r)
		back.reached(r)
		over := c.over()
		c.advance(out, back, r)
		r.Ends = c.over() && !over
	}
}

// sides returns the direction of r and the opposite one.
func (c *conn) sides(r *wire.Record) (out, back *way) {
	return &c.way[side(r.Dir)], &c.way[1-side(r.Dir)]
}

// arrives reports whether r gets past wire and into the receiver: a damaged packet reaches the host,
// which throws it away for its checksum, if it has one.
func arrives(r *wire.Record) bool {
	return r.Fate.What != wire.Dropped && (r.Fate.Damage == nil || unchecked(r))
}

// unchecked reports whether r is a datagram whose sender made no checksum, as UDP over IPv4 may: its data
// arrives whatever happens to it (RFC 768).
func unchecked(r *wire.Record) bool {
	p := &r.Packet
	at := p.Header.At + 6
	return p.Proto == wire.ProtoUDP && p.Version == 4 && p.Data.Len > 0 && len(r.Raw) >= at+2 && r.Raw[at] == 0 && r.Raw[at+1] == 0
}

// tcp says what a TCP packet is. What it is mainly comes first: the order of the cases is that of record.Class.
func (c *conn) tcp(out, back *way, r *wire.Record) wire.Label {
	h := r.Packet.TCP
	fin := h.Flags.Has(wire.FIN)
	var l wire.Label
	original, copied := out.copied(r)
	switch {
	case copied:
		return wire.Label{Kind: wire.KindDuplicate, Of: original}
	case r.Class == wire.ClassSYN && r.Attempt > 0:
		l = out.again(r, &out.labels.syn)
		if out.answersSYN(r) {
			l.By = ""
		}
	case r.Class == wire.ClassSYN && h.Flags.Has(wire.ACK):
		l = wire.Label{Kind: wire.KindSYNACK, Of: back.labels.syn.arrived}
	case r.Class == wire.ClassSYN:
		l = wire.Label{Kind: wire.KindSYN}
	case r.Class == wire.ClassRST:
		return out.reset(back, r)
	case out.probes(r):
		return out.probe(back)
	case r.Class == wire.ClassData:
		l = out.data(r)
	case r.Class == wire.ClassFIN && r.Attempt > 0:
		l = out.again(r, &out.labels.fin)
	case r.Class == wire.ClassFIN && before(h.Seq, out.beyond()) && !out.overtaken(r, out.afterwards(-1)):
		l = out.lost(r, out.afterwards(-1))
	case r.Class == wire.ClassFIN:
		l = wire.Label{Kind: wire.KindFIN}
	default:
		return c.ack(out, back, r)
	}
	l.Half = fin && back.fin == 0
	return l
}

// data says what a segment with data is: the next piece, an earlier one once more, or one that was overtaken.
func (w *way) data(r *wire.Record) wire.Label {
	h := r.Packet.TCP
	end := endOf(r)
	i, old := w.at(h.Seq)
	switch {
	case !old && r.Attempt > 0:
		return wire.Label{Kind: wire.KindRetransmission, Nth: r.Attempt} // of a segment that is forgotten
	case !old:
		return wire.Label{Kind: wire.KindData} // room was made in the memory, and it went at once
	case r.Attempt > 0 || w.segments[i].id != r.ID: // the latter begins with old bytes and goes on with new ones
		return w.again(r, &w.segments[i])
	case !before(end, w.beyond()): // nothing that was sent later has come
		return wire.Label{Kind: wire.KindData}
	case w.overtaken(r, w.afterwards(i)):
		return wire.Label{Kind: wire.KindOutOfOrder}
	}
	return w.lost(r, w.afterwards(i))
}

// ack says what a packet is that has nothing but an acknowledgement to bring.
func (c *conn) ack(out, back *way, r *wire.Record) wire.Label {
	h, l, heard := r.Packet.TCP, &out.labels, &out.labels.heard
	news := !back.anyAck || before(back.acked, h.Ack)
	window := out.windowOf(r)
	switch {
	case !h.Flags.Has(wire.ACK):
		return wire.Label{Kind: wire.KindOther} // no flag that TCP knows what to do with
	case out.syn > 0 && back.syn > 0 && r.Seq == 1 && r.Ack == 1 && (c.State == wire.ConnOpening || heard.class == wire.ClassSYN):
		return wire.Label{Kind: wire.KindHandshakeACK, Of: back.labels.syn.arrived}
	case window == 0:
		if heard.kind == wire.KindZeroWindowProbe {
			return wire.Label{Kind: wire.KindZeroWindow, Of: heard.from}
		}
		return wire.Label{Kind: wire.KindZeroWindow, Of: back.upTo(h.Ack)}
	case news:
		return wire.Label{Kind: wire.KindACK, Of: back.upTo(h.Ack)}
	case h.Ack != back.acked: // overtaken by a newer one
		return wire.Label{Kind: wire.KindACK, Of: back.upTo(h.Ack)}
	case heard.kind == wire.KindKeepAlive:
		return wire.Label{Kind: wire.KindKeepAliveACK, Of: heard.from}
	case duplicateSACK(h) != nil:
		return wire.Label{Kind: wire.KindACK, Of: back.upTo(duplicateSACK(h).To)}
	case before(back.acked, back.next) && (window == l.window || l.newSACK(h)):
		return wire.Label{Kind: wire.KindDupACK, Nth: l.repeated(h.Ack) + 1, Of: back.missing(h.Ack)}
	case window != l.window:
		return wire.Label{Kind: wire.KindWindowUpdate}
	}
	return wire.Label{Kind: wire.KindACK, Of: back.upTo(h.Ack)}
}

// probes reports whether r is a question for a sign of life: it begins one below the next number, where
// everything was acknowledged long ago, and so forces an answer. The byte there, if any, is made up.
// Or it is the one byte with which some systems try a closed window.
func (w *way) probes(r *wire.Record) bool {
	h, length := r.Packet.TCP, r.Packet.Data.Len
	if length > 1 || h.Flags&(wire.SYN|wire.FIN|wire.RST) != 0 || !h.Flags.Has(wire.ACK) || w.fin > 0 || !w.anyAck {
		return false
	}
	below := h.Seq+1 == w.next && w.acked == w.next
	pushes := length == 1 && w.labels.heard.closed && h.Seq+1 == w.next && w.acked == h.Seq
	return below || pushes
}

// probe tells the two probes apart: by whether the receiver said that it has no room.
func (w *way) probe(back *way) wire.Label {
	if w.labels.heard.closed {
		return wire.Label{Kind: wire.KindZeroWindowProbe, Of: back.labels.zero, By: wire.ByTimer}
	}
	return wire.Label{Kind: wire.KindKeepAlive, By: wire.ByTimer}
}

func (c *conn) over() bool { return c.State == wire.ConnClosed || c.State == wire.ConnReset }

// advance moves the connection on by a packet that arrives.
func (c *conn) advance(out, back *way, r *wire.Record) {
	h := r.Packet.TCP
	ended := func(w *way) bool { return w.fin > 0 && w.anyAck && !before(w.acked, w.finSeq) }
	switch {
	case c.over():
	case h.Flags.Has(wire.RST):
		c.State = wire.ConnReset
	case ended(out) && ended(back):
		c.State = wire.ConnClosed
	case ended(out) || ended(back):
		c.State = wire.ConnHalfClosed
	case c.State == wire.ConnOpening && h.Flags.Has(wire.ACK) && !h.Flags.Has(wire.SYN):
		c.State = wire.ConnOpen
		if server := &c.way[1]; r.Dir == wire.In && server.syn == 1 {
			out.labels.heard.far = max(0, r.Time.Sub(server.labels.syn.lastTime)-server.labels.synDelay)
		}
	}
}
