package trace

import "netlab.example/pkg/wire"

// check is refusal without knowing the direction.
func (c *conn) check(r *wire.Record) wire.Why {
	out, back := c.sides(r)
	return c.refusal(out, back, r)
}

// refusal says why the receiver of r, which is back's sender, throws it away; "" if it does not, as far as can be known
// from here. The order is that of RFC 9293, 3.10.7, with RFC 5961 and RFC 7323. What begins below the window is not
// refused here: old data, keep-alives and late packets have labels of their own.
func (c *conn) refusal(out, back *way, r *wire.Record) wire.Why {
	h := r.Packet.TCP
	switch {
	case c.over():
		return "" // nobody is left to look at it
	case back.syn > 0 && back.synACK == 0 && !back.spoke && out.labels.syn.arrived == 0:
		return c.refusalInSYNSent(back, r) // 3.10.7.3
	case h.Flags.Has(wire.SYN):
		return out.refusalOfSYN(h)
	case h.Flags&(wire.RST|wire.ACK) == 0:
		return wire.WhyNoACK // fifth, but the rest needs more knowledge
	case !out.sure():
		return "" // too little is known
	}
	switch begin, end := h.Seq, endOf(r); {
	case h.Flags.Has(wire.RST):
		return out.refusalOfRST(h)
	case out.stale(r):
		return wire.WhyOldTimestamp // RFC 7323, 5.3, R1
	case out.outside(begin, end):
		return wire.WhyOutsideWindow // first
	case (back.sure() || back.syn > 0) && back.cannotAcknowledge(h.Ack) && !(c.gaps && back.mayHaveSent(h.Ack)):
		return wire.WhyWrongACK // fifth; RFC 5961, 5
	}
	return ""
}

// refusalInSYNSent is for a receiver that has sent its SYN and has not heard one.
func (c *conn) refusalInSYNSent(back *way, r *wire.Record) wire.Why {
	h := r.Packet.TCP
	ack, syn, rst := h.Flags.Has(wire.ACK), h.Flags.Has(wire.SYN), h.Flags.Has(wire.RST)
	switch {
	case ack && (!before(back.first, h.Ack) || before(back.next, h.Ack)):
		return wire.WhyWrongACK
	case rst && !ack:
		return wire.WhyNoACK
	case !rst && !syn:
		return wire.WhyNotOpen
	}
	return ""
}

// refusalOfSYN: a SYN that has the first number once more is old, and labelled as a retransmission. Another number is
// taken while nobody has acknowledged the first.
func (w *way) refusalOfSYN(h *wire.TCP) wire.Why {
	if w.sure() && h.Seq != w.first {
		return wire.WhyOutsideWindow
	}
	return ""
}

// refusalOfRST: a reset counts only with the very number that comes next (RFC 5961, 3.2). Which one that is depends on
// what of the last packets has come by then: any from the last ACK to here may be it, as far as is known. Linux takes
// the number after the highest that has come, too, and the one before a FIN that it has.
func (w *way) refusalOfRST(h *wire.TCP) wire.Why {
	switch {
	case !w.anyGot, h.Seq == w.got, h.Seq == w.answered, h.Seq == w.most, w.fin > 0 && h.Seq+1 == w.got && w.got == w.finSeq:
		return ""
	case before(h.Seq, w.got), w.anyEdge && before(w.edge, h.Seq):
		return wire.WhyOutsideWindow
	}
	return wire.WhyNotExact
}

// outside reports whether [begin, end) lies beyond the receiver's window, or before all that was ever sent. A segment
// that begins with the very next number is no stray: its sender knows of a larger window than wire does.
func (w *way) outside(begin, end uint32) bool {
	if w.syn > 0 && w.next-w.first < far && before(end, w.first) || before(end, w.next-far) {
		return true
	}
	edge := w.edge
	if !w.anyEdge {
		edge = w.next + far
	}
	return begin != w.next && before(edge, begin) && before(w.next, begin)
}

// cannotAcknowledge reports whether w has never sent what number acknowledges.
func (w *way) cannotAcknowledge(number uint32) bool {
	switch {
	case w.probeID > 0 && number == w.probeEnd, w.anyRival && !w.told && number == w.rival+1:
		return false
	case w.syn > 0 && w.next-w.first < far:
		return !before(w.first, number) || before(w.next, number)
	}
	return before(w.next, number) || before(number, w.next-far)
}

// mayHaveSent reports whether the sender had room enough to send as far as number, without being seen.
func (w *way) mayHaveSent(number uint32) bool {
	return w.anyEdge && before(w.next, number) && !before(w.edge, number)
}

// stale reports whether r brings something new with an older clock than its sender's latest: it is a leftover from
// before the numbers wrapped, or of another connection.
func (w *way) stale(r *wire.Record) bool {
	t := r.Packet.TCP.Timestamp
	return t != nil && w.stamped && before(t.Value, w.stamp) && w.anyGot && before(w.got, endOf(r))
}

// receives notes that r has come to its receiver.
func (w *way) receives(r *wire.Record) {
	h := r.Packet.TCP
	begin, end := h.Seq, endOf(r)
	if h.Flags.Has(wire.SYN) {
		begin, end = begin+1, begin+1 // the data in it may be left (RFC 7413, 4.2)
		if !w.anyGot {
			w.got, w.anyGot, w.most = begin, true, begin
		}
	}
	if t := h.Timestamp; t != nil && w.anyGot && !before(w.got, begin) && (!w.stamped || before(w.stamp, t.Value)) {
		w.stamp, w.stamped = t.Value, true
	}
	if w.probeID == r.ID {
		return
	}
	if before(w.most, end) || !w.anyGot {
		w.most = end
	}
	if !w.anyGot || before(w.got, begin) || !before(w.got, end) {
		return
	}
	w.got = end
	for { // what had come before goes on here
		i, old := w.at(w.got)
		if !old || w.segments[i].arrived == 0 {
			break
		}
		w.got = w.segments[i].to
	}
	if w.fin > 0 && w.labels.fin.arrived > 0 && w.got+1 == w.finSeq {
		w.got = w.finSeq
	}
}
