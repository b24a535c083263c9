package trace

import "netlab.example/pkg/wire"

// Label says what r is, now that its fate is known, and keeps the connection's state. It wants what
// Identify filled in, and Fate.
func (t *Tracker) Label(r *wire.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.connOf(r)
	switch {
	case r.Class == wire.ClassFragment:
		r.Label.Kind = wire.KindFragment
	case r.Class == wire.ClassICMP:
		r.Label = c.icmp(r)
	case c == nil:
		r.Label.Kind = wire.KindOther
	case c.Proto == wire.ProtoUDP:
		out, _ := c.sides(r)
		out.labels.now = headerOf(r)
		r.Label = c.datagram(r)
	case r.Label.Kind == wire.KindNotAccepted:
		if _, back := c.sides(r); arrives(r) {
			back.reached(r) // it changes nothing, but may be answered
		}
	case r.Packet.TCP != nil:
		out, back := c.sides(r)
		out.labels.now = headerOf(r)
		r.Label = c.tcp(out, back, r)
		out.sent(r)
		if !arrives(r) {
			break
		}
		out.receives(r)
		if h := r.Packet.TCP; h.Flags.Has(wire.ACK) {
			t.acknowledged(back, h.Ack)
		}
		out.said(r)
		back.reached(r)
		c.knocks(r)
		over := c.over()
		c.advance(out, back, r)
		r.Ends = c.over() && !over
		if c.State != wire.ConnOpening {
			t.forgetOlder(c)
		}
	default:
		r.Label.Kind = wire.KindOther
	}
}

// knocks tells the connection that r's SYN is to replace, which may still be open at its other end: it answers then.
func (c *conn) knocks(r *wire.Record) {
	if h := r.Packet.TCP; c.older != nil && h.Flags.Has(wire.SYN) && !h.Flags.Has(wire.ACK) {
		_, back := c.older.sides(r)
		back.labels.heard.asked = question{id: r.ID, kind: wire.KindSYN}
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

// tcp says what a TCP packet is. What it is mainly comes first: the order of the cases is that of wire.Class.
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
		l = wire.Label{Kind: wire.KindSYNACK, Of: back.labels.syn.arrived, New: out.newData(r)}
	case r.Class == wire.ClassSYN:
		l = wire.Label{Kind: wire.KindSYN, New: out.newData(r)}
	case r.Class == wire.ClassRST:
		return out.reset(back, r)
	case c.probes(out, r):
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

// newData is the ordinal of the data that a SYN brings for the first time (Fast Open, RFC 7413).
func (w *way) newData(r *wire.Record) int {
	if i, old := w.at(r.Packet.TCP.Seq + 1); old && r.Packet.Data.Len > 0 && w.segments[i].id == r.ID {
		return w.segments[i].ordinal
	}
	return 0
}

// data says what a segment with data is: the next piece, an earlier one once more, or one that was overtaken.
func (w *way) data(r *wire.Record) wire.Label {
	h := r.Packet.TCP
	i, old := w.at(h.Seq)
	switch {
	case !old && r.Attempt > 0:
		return wire.Label{Kind: wire.KindRetransmission, Nth: r.Attempt} // of a segment that is forgotten
	case !old:
		return wire.Label{Kind: wire.KindData} // room was made in the memory, and it went at once
	case w.segments[i].id != r.ID:
		l := w.again(r, &w.segments[i])
		if r.Attempt == 0 { // it goes on with bytes that were never seen
			l.New = r.Ordinal
		}
		return l
	case !before(h.Seq, w.beyond()): // nothing that was sent later has come
		return wire.Label{Kind: wire.KindData}
	case w.overtaken(r, w.afterwards(i)):
		return wire.Label{Kind: wire.KindOutOfOrder}
	}
	return w.lost(r, w.afterwards(i))
}

func (c *conn) over() bool { return c.State == wire.ConnClosed || c.State == wire.ConnReset }

// advance moves the connection on by a packet that arrives.
func (c *conn) advance(out, back *way, r *wire.Record) {
	h := r.Packet.TCP
	ended := func(w *way) bool { return w.fin > 0 && w.anyAck && !before(w.acked, w.finSeq) }
	switch {
	case c.over():
	case h.Flags.Has(wire.RST) && out.syn > 0 && !out.spoke && back.labels.syn.arrived == 0:
		// It answers a stray, and its own SYN still waits for an answer (RFC 9293, 3.10.7.3).
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
