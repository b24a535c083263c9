package trace

import (
	"slices"

	"netlab.example/pkg/wire"
)

// data notes the bytes [from, to) that r brings. It returns the ordinal of the piece of data: a new one if r brings
// bytes that were never seen, else that of the segment which had its first byte, and how often that was sent before.
func (t *Tracker) data(c *conn, w *way, r *wire.Record, from, to uint32) (ordinal, attempt int) {
	defer w.reach(to)
	if w.covered(from, to) {
		i, old := w.at(from)
		if !old { // it is forgotten
			return 0, 1
		}
		s := &w.segments[i]
		s.attempts++
		return s.ordinal, s.attempts
	}
	a := c.amount(r.Dir)
	a.Data++
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
	return a.Data, 0
}

// thin forgets what the connection has sent that has been silent longest. One that speaks now keeps its
// own: else a crowd that fell silent would make all retransmissions count as new for ever after.
func (t *Tracker) thin() {
	for e := t.silence.Back(); e != nil; e = e.Prev() {
		c := e.Value.(*conn)
		if c.older != nil && t.drop(c.older) || t.drop(c) {
			return
		}
	}
}

// drop forgets what a connection has sent. It reports whether there was anything.
func (t *Tracker) drop(c *conn) bool {
	n := len(c.way[0].segments) + len(c.way[1].segments)
	c.way[0].segments, c.way[1].segments = nil, nil
	t.segments -= n
	return n > 0
}

// at returns the place of the segment that has the byte number; old is false if none has, and the
// place is then the one where it belongs.
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
// remembered, and was acknowledged, counts as seen; not so beyond all that has passed, where a gap may be.
func (w *way) covered(from, to uint32) bool {
	for before(from, to) {
		i, old := w.at(from)
		switch {
		case old:
			from = w.segments[i].to
		case w.anyAck && before(from, w.acked) && i == 0:
			if len(w.segments) == 0 {
				return !before(w.acked, to) && !before(w.next, to)
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
