package trace

import (
	"encoding/binary"
	"slices"
	"time"

	"netlab.example/pkg/wire"
)

// asking is a datagram that waits for its answer.
type asking struct {
	id    int
	time  time.Time // when it reaches the other side
	fault int       // of the swap that holds it
}

const (
	maxQuestions = 16
	askedFor     = time.Second // a question so old is given up when the next one comes: it was junk, say
)

// datagram says what r is: one that asks, or the answer to one. UDP itself has no such thing. The side
// that began a flow asks, and answers come in the order of the questions that arrived.
func (c *conn) datagram(r *wire.Record) wire.Label {
	out, back := c.sides(r)
	original, copied := out.copied(r)
	defer out.remember(r)
	if copied {
		return wire.Label{Kind: wire.KindDuplicate, Of: original}
	}
	l := wire.Label{Kind: wire.KindDatagram}
	asked := &back.labels.questions
	if len(*asked) == 0 { // a held one whose partner never came has gone on alone
		asked = &back.labels.held
	}
	if len(*asked) > 0 && !(*asked)[0].time.After(r.Time) {
		l.Of = (*asked)[0].id
		*asked = (*asked)[1:]
		return l
	}
	if r.Begins {
		out.labels.asks = true
	}
	if !out.labels.asks || !arrives(r) {
		return l
	}
	mine := &out.labels.questions
	if r.Fate.What == wire.Held {
		mine = &out.labels.held
	}
	q := asking{r.ID, r.Time.Add(r.Fate.Delay), r.Fate.Fault}
	out.labels.asked(mine, q)
	for i, h := range out.labels.held {
		if h.fault == q.fault && h.id != q.id { // r is its partner, and it follows
			h.time = q.time
			out.labels.held = slices.Delete(out.labels.held, i, i+1)
			out.labels.asked(&out.labels.questions, h)
			break
		}
	}
	return l
}

func (l *labels) asked(list *[]asking, q asking) {
	for len(*list) > 0 && (len(*list) >= maxQuestions || q.time.Sub((*list)[0].time) > askedFor) {
		*list = (*list)[1:]
	}
	*list = append(*list, q)
}

// icmp says what a message about another packet is, and about which packet. c is nil if the
// connection is not known.
func (c *conn) icmp(r *wire.Record) wire.Label {
	l := wire.Label{Kind: wire.KindICMP}
	q := r.Packet.ICMP.Quote
	if q == nil {
		return l
	}
	if r.Packet.ICMP.PortUnreachable(r.Packet.Proto) {
		l.Kind = wire.KindPortUnreachable
	}
	if c != nil {
		_, about := c.sides(r)
		l.Of = about.quoted(r, q)
		if tooLong(r) && arrives(r) {
			about.labels.heard.tooLong = signal{r.ID, r.Time.Add(r.Fate.Delay)}
		}
		about.labels.questions, about.labels.held = nil, nil // nobody will answer them
	}
	return l
}

// tooLong reports whether a router says that the packet was too long for its link: RFC 1191, RFC 8201.
func tooLong(r *wire.Record) bool {
	m := r.Packet.ICMP
	return r.Packet.Version == 4 && m.Type == 3 && m.Code == 4 || r.Packet.Version == 6 && m.Type == 2
}

// quoted is the record of the packet that r quotes: of the same IPv4 ID, or of the same sequence number,
// else the latest one that arrived.
func (w *way) quoted(r *wire.Record, q *wire.Quote) int {
	id := uint16(0)
	if quote := r.Packet.Data.Of(r.Raw); len(quote) >= 6 && quote[0]>>4 == 4 {
		id = binary.BigEndian.Uint16(quote[4:])
	}
	latest := 0
	for i := range w.labels.recent {
		h := &w.labels.recent[i]
		if id != 0 && h.ipID == id || q.Proto == wire.ProtoTCP && h.id > 0 && h.seq == q.Seq {
			return h.id
		}
		if !h.lost {
			latest = max(latest, h.id)
		}
	}
	return latest
}
