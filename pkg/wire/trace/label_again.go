package trace

import (
	"encoding/binary"
	"hash/maphash"
	"time"

	"netlab.example/pkg/wire"
)

// again labels a transmission of s after the first.
func (w *way) again(r *wire.Record, s *segment) wire.Label {
	l := wire.Label{Kind: wire.KindRetransmission, Of: s.id, Nth: s.nth + 1}
	if s.continues(r) {
		l.Nth, l.By = s.nth, s.by
	} else {
		l.By = w.cause(r, s)
	}
	if now := &w.labels.now; s.sum != 0 && now.sum != 0 && now.sum != s.sum && now.seq == s.from && now.seq+uint32(now.length) == s.to {
		l.Why, l.By = wire.WhyOtherBytes, "" // no TCP does that
	}
	return l
}

// continues reports whether r brings the rest of s, after an earlier packet has brought the beginning
// again: the longest segment is a little shorter now, because SACK blocks need the room.
func (s *segment) continues(r *wire.Record) bool {
	return s.nth > 0 && before(s.from, r.Packet.TCP.Seq) && r.Packet.TCP.Seq == s.reach
}

// cause says what made the sender send s again in r. A sender has two reasons: it heard something, and
// then it acts at once; or it heard nothing for long, and a timer went off. So what was heard last is
// looked at first, if it is fresh and later than the transmission before; then how long it was silent.
//
// There are two timers, which are told apart by what is sent when they go off: the retransmission timer
// (RTO) repeats the first segment that is not acknowledged, the probe timer (TLP) the last. If that is
// the same segment, the probe waits for a delayed ACK as well, and so goes off when the RTO would (RFC
// 8985, 7.2): that is said to be by timer, though the kernel may count it among its probes.
func (w *way) cause(r *wire.Record, s *segment) wire.By {
	k := &w.labels.heard
	since := s.lastTime
	if k.progress.After(since) {
		since = k.progress // an acknowledgement of new data sets the timer back (RFC 6298, 5.3)
	}
	silent := r.Time.Sub(since)
	fresh := func(g signal) bool { return g.id > s.lastID && r.Time.Sub(g.time) < almost(k.patience()) }
	within := k.recovers && before(s.from, k.until) && s.lastID < k.began
	first, last := !k.any || !before(k.una, s.from), s.to == w.next
	unheard := k.last.id <= s.lastID // nothing at all since then: it can only be a timer
	switch {
	case fresh(k.tooLong):
		return wire.ByICMP
	case within && k.recovery == wire.ByTimer && k.selected < k.began:
		return wire.ByTimer // the timer went off once for all that was on its way
	case k.dups >= 3 && fresh(k.third) && (first || k.delivered > s.lastID): // what they ask for, or another gap
		return w.recover(r, wire.ByDupACKs)
	case k.delivered > s.lastID && fresh(k.news) && w.usesSACK():
		return w.recover(r, wire.BySACK) // what was sent later has arrived: RFC 8985, 6.2
	case silent >= almost(k.rtt()+k.patience()) && (first || !last):
		return w.recover(r, wire.ByTimer)
	case within:
		return k.recovery // the next hole of the same loss: RFC 6582, 3.2
	case last && !first && s.nth == 0 && !k.recovers && (unheard || silent >= almost(2*k.rtt())) && w.usesSACK():
		return wire.ByTLP // one probe, and only before anything else was tried
	case unheard || silent >= max(2*k.rtt(), time.Millisecond):
		return wire.ByTimer // a shorter one than we know of; nothing else is left
	}
	return ""
}

// almost allows for the scheduler's and the network's moods: seven eighths.
func almost(d time.Duration) time.Duration { return d - d/8 }

// usesSACK reports whether the receiver of w's data may say what it has beyond a gap.
func (w *way) usesSACK() bool {
	return w.labels.sacks && w.labels.heard.sacks || len(w.labels.heard.blocks) > 0
}

// recover begins a recovery with r.
func (w *way) recover(r *wire.Record, by wire.By) wire.By {
	k := &w.labels.heard
	k.recovers, k.recovery, k.began, k.until = true, by, r.ID, w.next
	return by
}

// lost labels new data, or a FIN, that was sent before: its original was lost on the way to wire. after is
// what was sent after the original, and is here.
func (w *way) lost(r *wire.Record, after segment) wire.Label {
	h := r.Packet.TCP
	original := segment{from: h.Seq, to: endOf(r), lastID: after.id, lastTime: after.lastTime}
	return wire.Label{Kind: wire.KindRetransmission, Nth: 1, By: w.cause(r, &original)}
}

// beyond is the highest number that w's sender has reached: with data, or with an ACK, which has the number that
// would come next.
func (w *way) beyond() uint32 {
	if w.labels.top.id == 0 {
		return w.first
	}
	return w.labels.topEnd
}

// afterwards is what the sender sent after segment i and has come before it: the next segment, or the
// FIN, or whatever had the highest number. -1 stands for a segment that has no data: a FIN.
func (w *way) afterwards(i int) segment {
	switch l := &w.labels; {
	case i >= 0 && i+1 < len(w.segments):
		return w.segments[i+1]
	case i >= 0 && l.fin.id > 0:
		return l.fin
	default:
		return segment{id: l.top.id, lastTime: l.top.time}
	}
}

// endOf is the number after a packet.
func endOf(r *wire.Record) uint32 {
	h := r.Packet.TCP
	end := h.Seq + uint32(r.Packet.Data.Len)
	if h.Flags&(wire.SYN|wire.FIN) != 0 {
		end++
	}
	return end
}

// overtaken reports whether what is new in r, and below the highest number, was sent before what has come already
// (after), and is late. Else it was sent later: a retransmission, whose original never came as far as here.
func (w *way) overtaken(r *wire.Record, after segment) bool {
	if earlier, known := w.labels.now.earlier(&w.labels.top); known {
		return earlier
	}
	// Neither says it. A sender that reacts needs a round trip from here.
	return r.Time.Sub(after.lastTime) < max(w.labels.heard.far, time.Millisecond)
}

// earlier reports whether h was sent before other, and whether that can be known.
func (h *header) earlier(other *header) (earlier, known bool) {
	if h.stamped && other.stamped && h.stamp != other.stamp {
		return before(h.stamp, other.stamp), true // the sender's own clock
	}
	if h.ipID != 0 && other.ipID != 0 {
		return int16(h.ipID-other.ipID) < 0, true // the sender's count of packets
	}
	return false, false
}

// header is what two packets of one sender have in common only if the network made one of them: a sender
// that repeats itself counts on (IPv4's ID), and its clock (the timestamp) has moved.
type header struct {
	id      int // the record
	time    time.Time
	ipID    uint16 // 0 if there is none: IPv6, and packets that belong to no socket
	flags   wire.Flags
	window  uint16
	seq     uint32
	ack     uint32
	length  int
	stamp   uint32
	stamped bool
	sum     uint64 // of the data; 0 if not all of it was kept
	lost    bool   // here
}

var seed = maphash.MakeSeed()

func headerOf(r *wire.Record) header {
	h := header{id: r.ID, time: r.Time, length: r.Packet.Data.Len, lost: !arrives(r)}
	if r.Packet.Version == 4 && len(r.Raw) >= 6 {
		h.ipID = binary.BigEndian.Uint16(r.Raw[4:])
	}
	if t := r.Packet.TCP; t != nil {
		h.flags, h.window, h.seq, h.ack = t.Flags, t.Window, t.Seq, t.Ack
		if t.Timestamp != nil {
			h.stamp, h.stamped = t.Timestamp.Value, true
		}
	}
	if data := r.Payload(); len(data) == h.length { // of a part nothing can be said
		h.sum = maphash.Bytes(seed, data)
	}
	return h
}

// same reports whether all is the same that the sender wrote.
func (h *header) same(other *header) bool {
	return h.ipID == other.ipID && h.flags == other.flags && h.window == other.window && h.seq == other.seq &&
		h.ack == other.ack && h.length == other.length && h.stamp == other.stamp && h.stamped == other.stamped && h.sum == other.sum
}

// copyTime is the longest time by which a network's copy of a packet comes after it.
const copyTime = 500 * time.Millisecond

// copied reports whether r is a copy that the network made, and of which record.
func (w *way) copied(r *wire.Record) (original int, copied bool) {
	h := &w.labels.now
	for i := range w.labels.recent {
		old := &w.labels.recent[i]
		if old.id == 0 || !old.same(h) {
			continue
		}
		if r.Time.Sub(old.time) > copyTime {
			continue // sent again: with an ID that does not count (RFC 6864 allows that), it may look the same
		}
		if h.ipID != 0 || w.baseless(r, old) {
			return old.id, true
		}
	}
	return 0, false
}

// baseless reports whether r's sender had no reason to repeat old: it has heard nothing since, and it is too early for
// any timer. It is asked if the header has no ID, and not for bare ACKs, which a receiver may well repeat.
func (w *way) baseless(r *wire.Record, old *header) bool {
	k := &w.labels.heard
	early := max(almost(2*k.rtt()), time.Millisecond)
	if r.Packet.TCP == nil || r.Class == wire.ClassAck || r.Class == wire.ClassRST || w.answersSYN(r) {
		return false
	}
	if k.srtt == 0 {
		early = rtoFirst / 2
	}
	return k.last.id <= old.id && r.Time.Sub(old.time) < early
}

// answersSYN reports whether r is a SYN ACK for a SYN that came once more, be it sent again or copied:
// each draws one, and neither a timer nor a loss is behind it.
func (w *way) answersSYN(r *wire.Record) bool {
	return r.Class == wire.ClassSYN && w.syn > 1 && w.syn <= w.labels.heard.syns
}

// remember keeps r's header among the latest.
func (w *way) remember(r *wire.Record) {
	l, h := &w.labels, w.labels.now
	l.recent[l.at%len(l.recent)] = h
	l.at++
	if t := r.Packet.TCP; t != nil && t.Flags&wire.RST == 0 && r.ID != w.probeID && (l.top.id == 0 || !before(endOf(r), l.topEnd)) {
		l.top, l.topEnd = h, endOf(r)
	}
}
