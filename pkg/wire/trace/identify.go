package trace

import (
	"slices"

	"netlab.example/pkg/wire"
)

// Identify fills in who r is: its connection, its relative numbers, its class, ordinal and attempt.
// It wants ID, Time, Dir and Packet.
func (t *Tracker) Identify(r *wire.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := &r.Packet
	r.Class = wire.ClassOther
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

// begin adds a connection.
func (t *Tracker) begin(k key, r *wire.Record) *conn {
	if old := t.conns[k]; old != nil {
		t.forget(old)
	}
	if len(t.conns) >= maxConns {
		t.forget(t.silence.Back().Value.(*conn))
	}
	t.last++
	c := &conn{Connection: wire.Connection{Ordinal: t.last, Proto: k.proto, Client: k.client, Server: k.server, Began: r.Time, State: wire.ConnOpening}}
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
		c = t.begin(k, r)
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

func (t *Tracker) tcp(r *wire.Record) {
	h := r.Packet.TCP
	k := key{wire.ProtoTCP, r.Client, r.Server}
	c := t.find(k)
	opening := h.Flags.Has(wire.SYN) && !h.Flags.Has(wire.ACK)
	// A SYN with another first number than before is a new connection between the same two ports.
	if c == nil || opening && c.way[side(r.Dir)].known && c.way[side(r.Dir)].first != h.Seq {
		c = t.begin(k, r)
		r.Begins = opening
		c.Midway = !opening
		if !h.Flags.Has(wire.SYN) {
			c.State = wire.ConnOpen
		}
	}
	c.belongs(r)
	out, back := &c.way[side(r.Dir)], &c.way[1-side(r.Dir)]
	out.start(h.Seq, h.Flags.Has(wire.SYN))
	r.Seq = h.Seq - out.first
	if h.Flags.Has(wire.ACK) {
		back.start(h.Ack, false)
		r.Ack = h.Ack - back.first
	}
	length := uint32(r.Packet.Data.Len)
	switch {
	case h.Flags.Has(wire.SYN):
		r.Class, r.Ordinal, r.Attempt = wire.ClassSYN, 1, out.syn
		out.syn++
		out.reach(h.Seq + 1 + length)
	case h.Flags.Has(wire.RST):
		out.counts[wire.ClassRST]++
		r.Class, r.Ordinal = wire.ClassRST, out.counts[wire.ClassRST]
	case length > 0:
		r.Class = wire.ClassData
		t.data(c, out, r, h.Seq, h.Seq+length)
	case h.Flags.Has(wire.FIN):
		r.Class, r.Ordinal, r.Attempt = wire.ClassFIN, 1, out.fin
	default:
		r.Class, r.Ordinal = wire.ClassAck, int(r.Ack)
		if out.ackTimes > 0 && out.lastAck == r.Ack {
			r.Attempt = out.ackTimes
			out.ackTimes++
		} else {
			out.lastAck, out.ackTimes = r.Ack, 1
		}
	}
	if h.Flags.Has(wire.FIN) {
		out.fin++
		out.finSeq = h.Seq + length + 1
		out.reach(out.finSeq)
	}
}

// start sets the number that counts as 0, if it is not known yet. Without a SYN the first number seen
// counts as 1, as if the SYN had just passed.
func (w *way) start(number uint32, syn bool) {
	if w.known {
		return
	}
	w.known, w.first, w.next = true, number, number
	if !syn {
		w.first = number - 1
	}
}

func (w *way) reach(next uint32) {
	if before(w.next, next) {
		w.next = next
	}
}

// data gives a segment its ordinal: a new one where it brings bytes that were never seen, else that of
// the segment which had its first byte.
func (t *Tracker) data(c *conn, w *way, r *wire.Record, from, to uint32) {
	defer w.reach(to)
	if w.covered(from, to) {
		r.Attempt = 1
		if i, old := w.at(from); old { // else it is forgotten
			s := &w.segments[i]
			s.attempts++
			r.Ordinal, r.Attempt = s.ordinal, s.attempts
		}
		return
	}
	a := c.amount(r.Dir)
	a.Data++
	r.Ordinal = a.Data
	for before(from, to) { // fill the holes: most often there is one, the whole segment
		i, old := w.at(from)
		if old {
			from = w.segments[i].to
			continue
		}
		end := to
		if i < len(w.segments) && before(w.segments[i].from, to) {
			end = w.segments[i].from
		}
		w.segments = slices.Insert(w.segments, i, segment{from: from, to: end, ordinal: a.Data, id: r.ID, lastID: r.ID, lastTime: r.Time})
		t.segments++
		a.Bytes += uint64(end - from)
		from = end
	}
	if len(w.segments) > maxSegments {
		some := len(w.segments)/8 + 1 // many at once: each deletion moves the rest
		w.segments = slices.Delete(w.segments, 0, some)
		t.segments -= some
	}
	if t.segments > maxAllSegments {
		t.thin()
	}
}

// thin forgets what the connection has sent that has been silent longest. Whoever is speaking keeps their
// own: else a crowd that fell silent would have everybody's retransmissions counted as new for ever after.
func (t *Tracker) thin() {
	for e := t.silence.Back(); e != nil; e = e.Prev() {
		c := e.Value.(*conn)
		if n := len(c.way[0].segments) + len(c.way[1].segments); n > 0 {
			c.way[0].segments, c.way[1].segments = nil, nil
			t.segments -= n
			return
		}
	}
}

// at returns the place of the segment that has the byte number; old is false where none has, and the
// place is then where it belongs.
func (w *way) at(number uint32) (place int, old bool) {
	if last := len(w.segments) - 1; last >= 0 && !before(number, w.segments[last].from) {
		if before(number, w.segments[last].to) { // most questions are about the latest data
			return last, true
		}
		return last + 1, false
	}
	place, _ = slices.BinarySearchFunc(w.segments, number, func(s segment, n uint32) int {
		if before(n, s.to) {
			return 1 // the first segment that ends after number
		}
		return -1
	})
	return place, place < len(w.segments) && !before(number, w.segments[place].from)
}

// covered reports whether each byte of a range was seen before. What lies below everything that is
// remembered, and was acknowledged, counts as seen.
func (w *way) covered(from, to uint32) bool {
	for before(from, to) {
		i, old := w.at(from)
		switch {
		case old:
			from = w.segments[i].to
		case w.anyAck && before(from, w.acked) && i == 0:
			if len(w.segments) == 0 {
				return !before(w.acked, to)
			}
			from = w.segments[0].from
		default:
			return false
		}
	}
	return true
}

// acknowledged forgets the segments that the other side has: all but the latest few of them.
func (t *Tracker) acknowledged(w *way, number uint32) {
	if w.anyAck && !before(w.acked, number) {
		return
	}
	w.acked, w.anyAck = number, true
	done := 0
	for done < len(w.segments) && !before(number, w.segments[done].to) {
		done++
	}
	if done >= 2*keptAcked { // seldom, for the same reason
		w.segments = slices.Delete(w.segments, 0, done-keptAcked)
		t.segments -= done - keptAcked
	}
}

// connOf returns the connection that Identify gave to r, if it is remembered.
func (t *Tracker) connOf(r *wire.Record) *conn {
	proto, client, server := r.Packet.Proto, r.Client, r.Server
	if r.Packet.ICMP != nil && r.Packet.ICMP.Quote != nil {
		proto = r.Packet.ICMP.Quote.Proto
	}
	c := t.conns[key{proto, client, server}]
	if c == nil || c.Ordinal != r.Conn {
		return nil
	}
	return c
}
