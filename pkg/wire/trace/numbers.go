package trace

import "netlab.example/pkg/wire"

// numbers is what is known of the sequence numbers of one direction, and who said so: the sender, by what it sent
// (own), or the other side, by an acknowledgement (told). What only one of them says may be a stray or a forgery; it
// is used until somebody says otherwise. What both say is believed, and a packet that does not fit is not (see refusal).
type numbers struct {
	own, told bool
	first     uint32 // the number that counts as 0: the SYN's
	next      uint32 // one past the highest number sent

	rival    uint32 // another first number: that of a SYN ACK which the client may still acknowledge
	anyRival bool

	// What the receiver has, and will take. It is the receiver's own view, so it counts when it is sent, not when it
	// arrives: an ACK that is dropped here has opened the window nevertheless.
	got      uint32 // all below has come, in order (RCV.NXT); valid if anyGot
	anyGot   bool
	answered uint32 // the highest number that it has acknowledged; valid if told
	most     uint32 // one past the highest number that has come
	edge     uint32 // one past the highest number that it has ever offered to take; valid if anyEdge
	anyEdge  bool
	stamp    uint32 // the latest timestamp, for PAWS (RFC 7323, 5); valid if stamped
	stamped  bool

	// What was said of these numbers in packets that were not accepted. If both sides say the same, they are right,
	// and it is wire that has missed something.
	strayFrom, strayTo, strayAck uint32
	anyStray, anyStrayAck        bool

	probeEnd uint32 // one past the single byte of a window probe, which the receiver may take or leave; valid if probeID > 0
	probeID  int

	synSeen bool
	scale   uint8 // that its sender offered for the windows that it announces
	scales  bool  // it did
}

// sure reports whether both sides say the same of these numbers.
func (n *numbers) sure() bool { return n.own && n.told }

// far is more than any window: numbers that are further apart have nothing to do with each other. While only one side
// has spoken, less is far enough.
const (
	far       = 1 << 30
	farUnsure = 1 << 26
)

// near reports whether a is within d of b.
func near(a, b, d uint32) bool { return a-b <= d || b-a <= d }

// learn takes the numbers from a packet that is accepted. Without a SYN the first number seen counts as 1, as if the
// SYN had just passed.
func (t *Tracker) learn(c *conn, out, back *way, r *wire.Record) {
	h := r.Packet.TCP
	switch {
	case h.Flags.Has(wire.RST):
		return // it says nothing about what comes next
	case h.Flags.Has(wire.SYN):
		if (out.own || out.told) && out.first != h.Seq { // a SYN ACK with another number than before
			out.rival, out.anyRival, out.labels.rivalSYN = out.first, out.own, out.labels.syn
		}
		if !out.own && !out.told || out.first != h.Seq {
			t.restart(out, h.Seq+1)
			out.syn, out.synACK = 0, 0
		}
		out.own = true
		out.synSeen, out.scales = true, h.WindowScale != nil
		if out.scales {
			out.scale = *h.WindowScale
		}
	case !out.own && !out.told, !out.sure() && !near(h.Seq, out.next, farUnsure):
		t.restart(out, h.Seq)
		out.own = true
	default:
		out.own = true
	}
	if !h.Flags.Has(wire.ACK) {
		return
	}
	if !h.Flags.Has(wire.SYN) {
		out.spoke = true
	}
	switch {
	case back.anyRival && h.Ack == back.rival+1 && !back.told: // the client has chosen the other SYN ACK
		t.restart(back, back.rival+1)
		back.own, back.syn, back.synACK, back.labels.syn = true, 1, 1, back.labels.rivalSYN
	case !back.own && !back.told, !back.sure() && !near(h.Ack, back.next, farUnsure):
		t.restart(back, h.Ack)
	case !back.sure() && back.syn == 0: // older than wire: the lowest counts as 1, and an ACK may know more than wire
		if !before(back.first, h.Ack) {
			back.first = h.Ack - 1
		}
		back.reach(h.Ack)
	case back.probeID > 0 && h.Ack == back.probeEnd:
		back.reach(h.Ack) // the probe's byte was taken
		c.amount(r.Dir.Back()).Bytes++
	}
	if !back.told || before(back.answered, h.Ack) {
		back.answered = h.Ack
	}
	back.told = true
	if !back.anyGot || before(back.got, h.Ack) {
		back.got, back.anyGot = h.Ack, true
	}
	if edge := h.Ack + c.offer(out, back, h); !back.anyEdge || before(back.edge, edge) {
		back.edge, back.anyEdge = edge, true
	}
}

// restart forgets what was known of the numbers of a direction, and goes on with next.
func (t *Tracker) restart(w *way, next uint32) {
	t.segments -= len(w.segments)
	w.segments, w.anyAck = nil, false
	w.numbers = numbers{first: next - 1, next: next, rival: w.rival, anyRival: w.anyRival, synSeen: w.synSeen, scale: w.scale, scales: w.scales}
	w.labels.heard.any, w.labels.heard.blocks, w.labels.top = false, nil, header{}
}

func (w *way) reach(next uint32) {
	if before(w.next, next) {
		w.next = next
	}
}

// relative writes the numbers as they are shown, and the window in bytes.
func (c *conn) relative(out, back *way, r *wire.Record) {
	h := r.Packet.TCP
	r.Seq, r.Ack = 1, 0
	if out.own || out.told {
		r.Seq = h.Seq - out.first
	}
	if h.Flags.Has(wire.ACK) {
		r.Ack = 1
		if back.own || back.told {
			r.Ack = h.Ack - back.first
		}
	}
	r.Window, r.Scale = uint32(h.Window), c.scaling(out, back, h)
	if r.Scale != nil {
		r.Window <<= *r.Scale
	}
}

// scaling is by how many bits the window in h is shifted; nil if that is unknown, because the SYNs were not seen. In a
// SYN it is never shifted, and after the handshake only if both sides offered to (RFC 7323, 2.2).
func (c *conn) scaling(out, back *way, h *wire.TCP) *uint8 {
	switch {
	case h.Flags.Has(wire.SYN),
		out.synSeen && !out.scales,
		back.synSeen && !back.scales:
		return &shifts[0]
	case out.synSeen && (back.synSeen || out.synACK > 0): // an answer offers only what it was offered
		return &shifts[min(out.scale, maxShift)]
	}
	return nil
}

const maxShift = 14 // RFC 7323, 2.3

// shifts are what a record's Scale points to: so that no record needs one of its own.
var shifts = [maxShift + 1]uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}

// offer is how many bytes the sender of h says that it will take; if the unit is unknown, the most that it can be.
func (c *conn) offer(out, back *way, h *wire.TCP) uint32 {
	if shift := c.scaling(out, back, h); shift != nil {
		return uint32(h.Window) << *shift
	}
	return uint32(h.Window) << maxShift
}

// doubt remembers what a packet that is not accepted says of the numbers.
func (c *conn) doubt(out, back *way, r *wire.Record) {
	h := r.Packet.TCP
	if h.Flags.Has(wire.RST) {
		return
	}
	out.strayFrom, out.strayTo, out.anyStray = h.Seq, endOf(r), true
	if h.Flags.Has(wire.ACK) {
		back.strayAck, back.anyStrayAck = h.Ack, true
	}
}

// agree believes numbers that were doubted, if the other side says the same in r: a capture may have a gap.
func (c *conn) agree(out, back *way, r *wire.Record) {
	h := r.Packet.TCP
	if h.Flags&(wire.SYN|wire.RST) != 0 || !h.Flags.Has(wire.ACK) {
		return
	}
	if out.anyStrayAck && h.Seq == out.strayAck && before(out.next, h.Seq) {
		out.moveTo(h.Seq)
	}
	if back.anyStray && !before(h.Ack, back.strayFrom) && !before(back.strayTo, h.Ack) && before(back.next, h.Ack) {
		back.moveTo(h.Ack)
	}
}

// moveTo goes on at next, with what lies between unseen.
func (w *way) moveTo(next uint32) {
	w.next, w.got, w.anyGot, w.anyEdge, w.anyStray, w.anyStrayAck = next, next, true, false, false, false
}
