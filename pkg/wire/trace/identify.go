package trace

import "netlab.example/pkg/wire"

// Identify fills in who r is: its connection, its relative numbers, its class, ordinal and attempt.
// It wants ID, Time, Dir and Packet.
func (t *Tracker) Identify(r *wire.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := &r.Packet
	r.Class, r.Label = wire.ClassOther, wire.Label{}
	if r.Dir == wire.In {
		r.Client, r.Server = p.Src, p.Dst
	} else {
		r.Client, r.Server = p.Dst, p.Src
	}
	switch {
	case p.Fragment != nil && (p.Fragment.Offset > 0 || p.Fragment.More):
		r.Class = wire.ClassFragment // judged when it is whole again
	case p.ICMP != nil:
		t.icmp(r)
	case p.TCP != nil:
		t.tcp(r)
	case p.Proto == wire.ProtoUDP && p.Problem == "":
		t.udp(r)
	}
}

// find returns the connection of a packet, or nil, and notes that it spoke.
func (t *Tracker) find(k key) *conn {
	c := t.conns[k]
	if c != nil {
		t.silence.MoveToFront(c.place)
	}
	return c
}

// begin adds a connection. An older one between the same ports may still go on.
func (t *Tracker) begin(k key, r *wire.Record, older *conn) *conn {
	if old := t.conns[k]; old != nil {
		t.silence.Remove(old.place)
		delete(t.conns, k)
		t.forgetOlder(old)
		if old != older {
			t.gone(old)
		}
	}
	if len(t.conns) >= maxConns {
		t.forget(t.silence.Back().Value.(*conn))
	}
	t.last++
	c := &conn{gaps: t.gaps, older: older, Connection: wire.Connection{Ordinal: t.last, Proto: k.proto, Client: k.client, Server: k.server, Began: r.Time, State: wire.ConnOpening}}
	c.way[0].counts, c.way[1].counts = map[wire.Class]int{}, map[wire.Class]int{}
	c.place = t.silence.PushFront(c)
	t.conns[k] = c
	return c
}

// belongs writes the connection into the record, and the packet into the connection's account.
func (c *conn) belongs(r *wire.Record) {
	r.Conn = c.Ordinal
	c.Last = r.Time
	c.amount(r.Dir).Packets++
}

func (c *conn) amount(d wire.Direction) *wire.Amount {
	if d == wire.In {
		return &c.ToServer
	}
	return &c.ToClient
}

func (t *Tracker) udp(r *wire.Record) {
	k := key{wire.ProtoUDP, r.Client, r.Server}
	c := t.find(k)
	if c == nil || r.Time.Sub(c.Last) >= udpSilence {
		c = t.begin(k, r, nil)
		c.State = wire.ConnOpen
		r.Begins = true
	}
	c.belongs(r)
	a := c.amount(r.Dir)
	a.Data++
	a.Bytes += uint64(r.Packet.Data.Len)
	r.Class, r.Ordinal = wire.ClassData, a.Data // each datagram is new: what repeats a question is the program's affair
}

// icmp finds the connection of the packet that an error quotes.
func (t *Tracker) icmp(r *wire.Record) {
	r.Class = wire.ClassICMP
	q := r.Packet.ICMP.Quote
	if q == nil {
		return
	}
	r.Client, r.Server = q.Dst, q.Src // an error that comes in is about a packet that went out
	if r.Dir == wire.Out {
		r.Client, r.Server = q.Src, q.Dst
	}
	if c := t.find(key{q.Proto, r.Client, r.Server}); c != nil {
		c.belongs(r)
		w := &c.way[side(r.Dir)]
		w.counts[wire.ClassICMP]++
		r.Ordinal = w.counts[wire.ClassICMP]
	}
}

// tcp does with a segment what its receiver does: to which connection does it belong, is it accepted (RFC 9293, 3.10.7),
// and what does it bring? What is not accepted leaves no trace but a doubt.
func (t *Tracker) tcp(r *wire.Record) {
	h := r.Packet.TCP
	c := t.connection(r)
	c.belongs(r)
	out, back := c.sides(r)
	out.settle(r) // what was heard by now may say what this is
	back.settle(r)
	c.agree(out, back, r)
	why := c.refusal(out, back, r)
	if why == "" {
		t.learn(c, out, back, r)
	} else {
		c.doubt(out, back, r)
	}
	c.relative(out, back, r)
	length := uint32(r.Packet.Data.Len)
	switch {
	case h.Flags.Has(wire.RST):
		out.counts[wire.ClassRST]++
		r.Class, r.Ordinal = wire.ClassRST, out.counts[wire.ClassRST]
	case why != "": // no part of the conversation, so it takes nobody's number
		r.Class, r.Attempt = wire.ClassOther, out.counts[wire.ClassOther]
		out.counts[wire.ClassOther]++
	case h.Flags.Has(wire.SYN):
		r.Class, r.Ordinal = wire.ClassSYN, 1
		r.Attempt = out.synAgain(h.Flags.Has(wire.ACK))
		if out.reach(h.Seq + 1); length > 0 { // Fast Open (RFC 7413)
			t.data(c, out, r, h.Seq+1, h.Seq+1+length)
		}
	case c.probes(out, r):
		out.identifyACK(r)
		if h.Seq == out.next {
			out.probeEnd, out.probeID = h.Seq+1, r.ID
		}
	case length > 0:
		r.Class = wire.ClassData
		r.Ordinal, r.Attempt = t.data(c, out, r, h.Seq, h.Seq+length)
	case h.Flags.Has(wire.FIN):
		r.Class, r.Ordinal, r.Attempt = wire.ClassFIN, 1, out.fin
	default:
		out.identifyACK(r)
	}
	if why != "" {
		r.Label = wire.Label{Kind: wire.KindNotAccepted, Why: why}
		return
	}
	if h.Flags.Has(wire.FIN) && !h.Flags.Has(wire.RST) {
		out.fin++
		out.finSeq = endOf(r)
		out.reach(out.finSeq)
	}
}

// connection returns the connection of a segment. A SYN with another first number than before begins a new one between
// the same two ports, and nobody knows yet whether the server takes it so: to one that still has the old connection
// open it is a stray, and the old one goes on (RFC 5961, 4). So both are kept until the new one is open, and the
// numbers decide.
func (t *Tracker) connection(r *wire.Record) *conn {
	h := r.Packet.TCP
	k := key{wire.ProtoTCP, r.Client, r.Server}
	c := t.find(k)
	opening := h.Flags.Has(wire.SYN) && !h.Flags.Has(wire.ACK)
	if c == nil || opening && c.opensAnew(r) {
		c = t.begin(k, r, c.open(r))
		r.Begins = opening
		c.Midway = !opening
		if !h.Flags.Has(wire.SYN) {
			c.State = wire.ConnOpen
		}
		return c
	}
	if old := c.older; old != nil && !old.over() && !h.Flags.Has(wire.SYN) && (!c.way[1].own || c.check(r) != "") && old.check(r) == "" {
		return old
	}
	return c
}

// open returns what is, or may be, open between the ports of c, as the receiver of r sees it.
func (c *conn) open(r *wire.Record) *conn {
	switch {
	case c == nil:
		return nil
	case c.way[1-side(r.Dir)].own && !c.over():
		return c
	}
	older := c.older
	c.older = nil
	return older
}

// opensAnew reports whether the SYN r is the first of a new connection.
func (c *conn) opensAnew(r *wire.Record) bool {
	w := &c.way[side(r.Dir)]
	return w.own && w.first != r.Packet.TCP.Seq && (w.syn > 0 || w.told || c.over())
}

// synAgain counts a SYN, or a SYN ACK, and returns how often it was sent before. In a simultaneous open one side sends
// both (RFC 9293, figure 7).
func (w *way) synAgain(ack bool) int {
	w.syn++
	if ack {
		w.synACK++
		return w.synACK - 1
	}
	return w.syn - w.synACK - 1
}

// identifyACK names a segment that brings nothing but an acknowledgement.
func (w *way) identifyACK(r *wire.Record) {
	r.Class, r.Ordinal = wire.ClassAck, int(r.Ack)
	if w.ackTimes > 0 && w.lastAck == r.Ack {
		r.Attempt = w.ackTimes
		w.ackTimes++
	} else {
		w.lastAck, w.ackTimes = r.Ack, 1
	}
}

// connOf returns the connection that Identify gave to r, if it is remembered.
func (t *Tracker) connOf(r *wire.Record) *conn {
	proto, client, server := r.Packet.Proto, r.Client, r.Server
	if r.Packet.ICMP != nil && r.Packet.ICMP.Quote != nil {
		proto = r.Packet.ICMP.Quote.Proto
	}
	c := t.conns[key{proto, client, server}]
	for c != nil && c.Ordinal != r.Conn {
		c = c.older
	}
	return c
}
