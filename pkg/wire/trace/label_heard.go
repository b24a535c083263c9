package trace

import (
	"cmp"
	"slices"
	"time"

	"netlab.example/pkg/wire"
)

// labels is what Label remembers of one direction, beside its segments: what its sender has sent and
// said, and what the sender has heard. Why somebody sends again follows from what they have heard by
// then, not from what was said: a packet that wire drops is never heard, one that it delays is heard later.
type labels struct {
	now      header        // of the packet that is being labelled
	syn, fin segment       // as if they were data
	rivalSYN segment       // of numbers.rival
	synDelay time.Duration // for which wire kept the SYN
	open     bool          // it has acknowledged the other's SYN
	recent   [8]header     // of the latest packets, to know a copy by
	at       int           // the next place in recent
	top      header        // of the latest packet with the highest number so far
	topEnd   uint32        // the number after it

	// What this side says about the other's data. Packets that are lost here do not count.
	sacks    bool // it offered selective acknowledgements
	window   uint32
	zero     int             // the record that closed its window
	dupACK   uint32          // the number that its latest duplicate ACK asks for
	dups     int             // how many of them in a row
	blocks   []wire.SeqRange // its latest SACK
	lastData int             // the record of its latest data
	resets   int

	heard   heard
	pending []arrival // what wire delays on its way to this side, by time

	asks      bool     // UDP: this side began
	questions []asking // UDP: of this side, without an answer yet, by time
	held      []asking // those that a swap keeps back until another datagram has passed; their time is unknown
}

// heard is what one side knows, as a sender, from what has reached it.
type heard struct {
	last   signal // the latest packet from the other side
	from   int    // its record
	kind   wire.Kind
	class  wire.Class
	data   int      // the record of the latest with data
	asked  question // what wants an answer that says nothing new, and has none yet
	syns   int      // how many SYNs
	opened bool     // it has sent an ACK that is no SYN
	sacks  bool     // the other side offered selective acknowledgements

	closed    bool   // the other side has no room
	una       uint32 // everything below is acknowledged; valid if any
	any       bool
	progress  time.Time // when una grew last
	dups      int       // duplicate ACKs since
	third     signal    // the third of them
	delivered int       // the latest transmission that is known to have arrived: RFC 8985 calls it RACK.segment
	news      signal    // when that was heard
	tooLong   signal    // when a router said that packets are too long for its link
	selected  int       // when that was last heard by SACK; a record, as in signal
	blocks    []wire.SeqRange

	srtt, rttvar time.Duration // RFC 6298
	far          time.Duration // the part of the round trip that lies beyond the side which wire is not at

	// A recovery lasts until everything is acknowledged that was on its way when it began.
	recovers bool
	recovery wire.By
	began    int // with which record
	until    uint32
}

// question is a packet that is answered by an ACK which brings no news: a probe, what was not accepted, or what came
// again. Of several the latest is answered, or it seems so: the answers are alike.
type question struct {
	id   int
	kind wire.Kind
}

// signal is when something was heard: the time, and the record that was on its way.
type signal struct {
	id   int
	time time.Time
}

// arrival is what a packet tells the side that it reaches.
type arrival struct {
	time       time.Time
	id         int
	kind       wire.Kind
	class      wire.Class
	asks       wire.Kind // see asks
	hasAck     bool
	ack        uint32
	window     uint32
	blocks     []wire.SeqRange
	duplicates bool // the first block is a duplicate SACK
}

// maxPending bounds what one side of one connection may be waiting for. What exceeds it counts as
// heard a little early, with the right time.
const maxPending = 32

// sent notes a transmission, lost here or not.
func (w *way) sent(r *wire.Record) {
	l, h := &w.labels, r.Packet.TCP
	length := uint32(r.Packet.Data.Len)
	again := func(s *segment) {
		if r.Label.Kind == wire.KindDuplicate {
			if arrives(r) && s.arrived < r.Label.Of { // the packet itself was lost here, its copy is not
				s.arrived = r.ID
			}
			return
		}
		if r.Label.Kind == wire.KindRetransmission && s.id != r.ID {
			if !s.continues(r) {
				s.nth++
			}
			s.by, s.reach = r.Label.By, h.Seq+length
		}
		s.lastID, s.lastTime = r.ID, r.Time
		if arrives(r) {
			s.arrived = r.ID
		}
	}
	if h.Flags.Has(wire.SYN) {
		if w.syn == 1 {
			l.syn = segment{from: h.Seq, to: h.Seq + 1, id: r.ID}
		}
		again(&l.syn)
		l.synDelay = r.Fate.Delay
		l.sacks = h.SACKPermitted
	}
	if h.Flags.Has(wire.FIN) {
		if w.fin == 1 {
			l.fin = segment{from: w.finSeq - 1, to: w.finSeq, id: r.ID}
		}
		again(&l.fin)
	}
	if r.Class == wire.ClassData {
		for i, _ := w.at(h.Seq); i < len(w.segments) && before(w.segments[i].from, h.Seq+length); i++ {
			again(&w.segments[i])
			if s := &w.segments[i]; s.id == r.ID && s.from == h.Seq && s.to == h.Seq+length {
				s.sum = l.now.sum
			}
			if r.Label.Kind == wire.KindOutOfOrder {
				w.segments[i].lastID = w.afterwards(i).id - 1 // it was sent before what has overtaken it
			}
		}
	}
	if probe := r.Label.Kind == wire.KindKeepAlive || r.Label.Kind == wire.KindZeroWindowProbe; h.Flags.Has(wire.ACK) && !probe {
		l.heard.asked = question{} // answered
	}
	l.open = l.open || h.Flags.Has(wire.ACK) && !h.Flags.Has(wire.SYN)
	if r.Label.Kind == wire.KindDupACK {
		l.dupACK, l.dups = h.Ack, r.Label.Nth
	}
	if r.Label.Kind != wire.KindDuplicate {
		w.remember(r)
	}
}

// said notes what a packet that arrives says about its sender.
func (w *way) said(r *wire.Record) {
	l, h := &w.labels, r.Packet.TCP
	switch {
	case h.Flags.Has(wire.RST):
		l.resets++
		return
	case r.Class == wire.ClassData:
		l.lastData = r.ID
	}
	if r.Window == 0 && l.window > 0 {
		l.zero = r.ID
	}
	l.window, l.blocks = r.Window, h.SACK
}

// reached hands a packet that comes from the other side to w's sender, now or when its delay is over.
func (w *way) reached(r *wire.Record) {
	h := r.Packet.TCP
	if h.Flags.Has(wire.SYN) {
		w.labels.heard.sacks = h.SACKPermitted
	}
	a := arrival{r.Time.Add(r.Fate.Delay), r.ID, r.Label.Kind, r.Class, asks(r), h.Flags.Has(wire.ACK), h.Ack, uint32(h.Window), h.SACK, duplicateSACK(h) != nil}
	if r.Fate.Delay <= 0 && len(w.labels.pending) == 0 {
		w.hear(a, a.id)
		return
	}
	i := len(w.labels.pending)
	for i > 0 && a.time.Before(w.labels.pending[i-1].time) {
		i--
	}
	w.labels.pending = slices.Insert(w.labels.pending, i, a)
	if len(w.labels.pending) > maxPending {
		w.hearFirst(r.ID)
	}
}

// asks says what kind of question r is to its receiver; "" if it is none.
func asks(r *wire.Record) wire.Kind {
	h := r.Packet.TCP
	switch l := r.Label; {
	case h.Flags.Has(wire.RST) && (l.Kind != wire.KindNotAccepted || l.Why != wire.WhyNotExact):
		return "" // a reset is answered only if it was close (RFC 5961, 3.2)
	case l.Kind == wire.KindNotAccepted && (l.Why == wire.WhyNoACK || l.Why == wire.WhyNotOpen):
		return "" // thrown away without a word
	case l.Kind == wire.KindNotAccepted, l.Kind == wire.KindKeepAlive, l.Kind == wire.KindZeroWindowProbe:
		return l.Kind
	case l.Kind == wire.KindRetransmission, l.Kind == wire.KindDuplicate && r.Class != wire.ClassAck:
		return wire.KindRetransmission
	}
	return ""
}

// settle lets w's sender hear what has reached it before r.
func (w *way) settle(r *wire.Record) {
	for len(w.labels.pending) > 0 && !w.labels.pending[0].time.After(r.Time) {
		w.hearFirst(r.ID)
	}
}

func (w *way) hearFirst(now int) {
	a := w.labels.pending[0]
	w.labels.pending = slices.Delete(w.labels.pending, 0, 1)
	w.hear(a, now)
}

// hear is what a sender learns from a packet. now is the record that passes wire at that moment: what
// the sender sends later has a higher one.
func (w *way) hear(a arrival, now int) {
	k := &w.labels.heard
	switch {
	case a.class == wire.ClassSYN && !a.hasAck && (w.spoke || k.opened): // it takes the connection for open: RFC 5961, 4
		k.asked = question{a.id, wire.KindSYN}
	case a.asks != "":
		k.asked = question{a.id, a.asks}
	}
	if a.kind == wire.KindNotAccepted {
		return
	}
	g := signal{now, a.time}
	k.last, k.from, k.kind, k.class = g, a.id, a.kind, a.class
	switch a.class {
	case wire.ClassData:
		k.data = a.id
	case wire.ClassSYN:
		k.syns++
	}
	if !a.hasAck {
		return
	}
	if a.class != wire.ClassSYN {
		k.opened = true
	}
	if a.class != wire.ClassRST {
		k.closed = a.window == 0
	}
	switch {
	case !k.any || before(k.una, a.ack):
		w.measure(a)
		k.una, k.any, k.progress, k.dups = a.ack, true, a.time, 0
		if i, old := w.at(a.ack - 1); old {
			k.deliver(&w.segments[i], g)
		}
		if k.recovers && !before(a.ack, k.until) {
			k.recovers = false
		}
	case a.kind == wire.KindDupACK && a.ack == k.una:
		if k.dups++; k.dups == 3 {
			k.third = g
		}
	}
	known := k.delivered
	if w.selective(a, g); k.delivered > known {
		k.selected = now
	}
}

// selective reads which segments arrived although an earlier one is missing. It looks at three bytes of each block:
// its first, its last, and the first that was not in a block before. One of them belongs to the packet that drew the
// ACK, and that is the one whose arrival is news.
func (w *way) selective(a arrival, g signal) {
	k := &w.labels.heard
	blocks := a.blocks
	if a.duplicates {
		blocks = blocks[1:]
	}
	for _, b := range blocks[:min(len(blocks), 4)] {
		if !before(k.una, b.From) || !before(b.From, b.To) || before(w.next, b.To) {
			continue
		}
		fresh := b.From
		for range k.blocks {
			for _, old := range k.blocks {
				if !before(fresh, old.From) && before(fresh, old.To) {
					fresh = old.To
				}
			}
		}
		for _, number := range [...]uint32{b.From, fresh, b.To - 1} {
			if i, old := w.at(number); old && before(number, b.To) {
				k.deliver(&w.segments[i], g)
			}
		}
		if f := &w.labels.fin; w.fin > 0 && b.To == w.finSeq {
			k.deliver(f, g)
		}
	}
	k.blocks = blocks[:min(len(blocks), 4)]
}

// deliver notes that a segment has arrived, in its latest transmission that could.
func (k *heard) deliver(s *segment, g signal) {
	if s.arrived > k.delivered {
		k.delivered, k.news = s.arrived, g
	}
}

// measure takes the round-trip time from an acknowledgement, as RFC 6298 does; not from a segment that
// was sent twice, because nobody knows which of the two was answered (Karn's algorithm).
func (w *way) measure(a arrival) {
	s := &w.labels.syn
	if i, old := w.at(a.ack - 1); old {
		s = &w.segments[i]
	} else if w.syn != 1 || a.ack != s.to {
		return
	}
	sample := a.time.Sub(s.lastTime)
	if s.attempts > 0 || s.id == 0 || sample < 0 {
		return
	}
	k := &w.labels.heard
	if k.srtt == 0 {
		k.srtt, k.rttvar = max(sample, 1), sample/2
		return
	}
	k.rttvar += ((k.srtt - sample).Abs() - k.rttvar) / 4
	k.srtt += (sample - k.srtt) / 8
}

const (
	rtoFirst = time.Second            // RFC 6298, 2.1: while nothing was measured
	rtoLeast = 200 * time.Millisecond // Linux, at least; the RFC says one second
)

func (k *heard) rtt() time.Duration { return k.srtt + k.far }

// patience is how much longer than a round trip a sender waits before its timer (RTO) goes off.
func (k *heard) patience() time.Duration {
	if k.srtt == 0 {
		return rtoFirst
	}
	return max(4*k.rttvar, rtoLeast)
}

// upTo is the record that brought the byte before number, or the SYN or FIN that took its place: the
// record which an acknowledgement of number answers. 0 if it is forgotten.
func (w *way) upTo(number uint32) int {
	if i, old := w.at(number - 1); old {
		return cmp.Or(w.segments[i].arrived, w.segments[i].id) // the latter: data in a SYN, which may be left or taken
	}
	if w.probeID > 0 && number == w.probeEnd {
		return w.probeID
	}
	if w.fin > 0 && number == w.finSeq {
		return w.labels.fin.arrived
	}
	if w.syn > 0 && number == w.labels.syn.to {
		return w.labels.syn.arrived
	}
	return 0
}

// missing is the record of what number was first sent in: what a duplicate ACK asks for. 0 if it never
// passed here.
func (w *way) missing(number uint32) int {
	if i, old := w.at(number); old {
		return w.segments[i].id
	}
	if w.fin > 0 && number+1 == w.finSeq {
		return w.labels.fin.id
	}
	return 0
}

// repeated is how many duplicate ACKs with this number were sent in a row.
func (l *labels) repeated(number uint32) int {
	if l.dupACK != number {
		return 0
	}
	return l.dups
}

// newSACK reports whether h names data as received that the ACK before did not.
func (l *labels) newSACK(h *wire.TCP) bool {
	return slices.ContainsFunc(h.SACK, func(b wire.SeqRange) bool {
		return !slices.ContainsFunc(l.blocks, func(old wire.SeqRange) bool { return !before(b.From, old.From) && !before(old.To, b.To) })
	})
}

// duplicateSACK returns the block that says what was received twice, if there is one: it comes first, and lies
// below the acknowledgement or within the second block (RFC 2883, 4).
func duplicateSACK(h *wire.TCP) *wire.SeqRange {
	if len(h.SACK) == 0 {
		return nil
	}
	first := &h.SACK[0]
	if !before(h.Ack, first.To) {
		return first
	}
	if len(h.SACK) > 1 && !before(first.From, h.SACK[1].From) && !before(h.SACK[1].To, first.To) {
		return first
	}
	return nil
}
