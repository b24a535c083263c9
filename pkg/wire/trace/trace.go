package trace

import (
	"container/list"
	"net/netip"
	"slices"
	"sync"
	"time"

	"netlab.example/pkg/wire"
)

// The tracker's memory, bounded: a flood of made-up connections makes it forget, and no more than that.
const (
	maxConns       = 4096             // the one that has been silent longest is forgotten
	maxSegments    = 4096             // sent and remembered, for each direction of a connection
	maxAllSegments = 1 << 18          // in all connections
	keptAcked      = 64               // segments remembered after their acknowledgement, for needless retransmissions
	udpSilence     = 30 * time.Second // after this a flow of datagrams is over
)

// Tracker follows the connections of one service. Its methods may be called from any goroutine, but
// packets must come in order.
type Tracker struct {
	mu       sync.Mutex
	conns    map[key]*conn
	silence  *list.List // of *conn; the one that spoke last is in front
	last     int        // the ordinal given last
	segments int        // remembered in all
	gaps     bool       // see ExpectGaps
	evicted  []int      // connections forgotten for want of room since the last Expire
}

// key tells connections apart.
type key struct {
	proto          wire.Proto
	client, server netip.AddrPort
}

// conn is a connection with what the tracker remembers to understand its next packet.
type conn struct {
	wire.Connection
	way   [2]way // index: in 0, out 1
	place *list.Element
	gaps  bool  // see ExpectGaps
	older *conn // the one before, between the same ports, while this one opens
}

// way is one direction of a connection: what its sender has sent, and what the other side has said about it.
type way struct {
	numbers
	segments []segment // sent, sorted by number; no two overlap
	acked    uint32    // the highest number that the other side has acknowledged; valid if anyAck
	anyAck   bool
	syn      int // how often each was sent
	synACK   int // of those, with an ACK
	fin      int
	spoke    bool // its sender has sent an acknowledgement without SYN: it takes the connection for open
	counts   map[wire.Class]int
	ackTimes int    // how often lastAck was sent as a bare ACK
	lastAck  uint32 // relative
	finSeq   uint32 // one past the FIN; valid if fin > 0
	labels   labels // what Label remembers
}

// segment is a piece of data that was sent, once or several times.
type segment struct {
	from, to uint32 // raw numbers, to excluded
	ordinal  int
	attempts int       // transmissions after the first
	id       int       // the record of its first transmission
	lastID   int       // the record of its latest
	lastTime time.Time // when that passed
	arrived  int       // the record of the latest transmission that was not lost here; 0 while all were
	nth      int       // how often its sender has sent it again; attempts counts copies made by the network, too
	by       wire.By   // why, the last time
	reach    uint32    // and how far that went: the rest may follow in a packet of its own
	sum      uint64    // of its bytes; 0 if it is not known
}

// New makes a tracker that has seen nothing.
func New() *Tracker {
	return &Tracker{conns: map[key]*conn{}, silence: list.New()}
}

// NewForCapture makes a tracker for packets of which some were missed, or written down too late.
func NewForCapture() *Tracker {
	t := New()
	t.ExpectGaps()
	return t
}

// ExpectGaps says that packets may pass unseen: what is acknowledged may then have been sent, although it was not seen.
func (t *Tracker) ExpectGaps() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gaps = true
	for _, c := range t.conns {
		for ; c != nil; c = c.older {
			c.gaps = true
		}
	}
}

// Last is the ordinal of the connection that began last.
func (t *Tracker) Last() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

// Connections lists the connections that the tracker remembers, by ordinal.
func (t *Tracker) Connections() []wire.Connection {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]wire.Connection, 0, len(t.conns))
	for _, c := range t.conns {
		for ; c != nil; c = c.older {
			all = append(all, c.Connection)
		}
	}
	slices.SortFunc(all, func(a, b wire.Connection) int { return a.Ordinal - b.Ordinal })
	return all
}

// Expire forgets the flows of datagrams that have been silent for long, and returns the ordinals of all
// connections that were forgotten since the last call. A TCP connection may be silent for ever.
func (t *Tracker) Expire(now time.Time) []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	for e := t.silence.Back(); e != nil; {
		c, ahead := e.Value.(*conn), e.Prev()
		if now.Sub(c.Last) < udpSilence {
			break
		}
		if c.Proto == wire.ProtoUDP {
			t.forget(c)
		}
		e = ahead
	}
	gone := t.evicted
	t.evicted = nil
	return gone
}

func (t *Tracker) forget(c *conn) {
	t.silence.Remove(c.place)
	delete(t.conns, key{c.Proto, c.Client, c.Server})
	t.forgetOlder(c)
	t.gone(c)
}

func (t *Tracker) forgetOlder(c *conn) {
	if c.older != nil {
		t.gone(c.older)
		c.older = nil
	}
}

func (t *Tracker) gone(c *conn) {
	t.drop(c)
	t.evicted = append(t.evicted, c.Ordinal)
}

// side is the index of a direction.
func side(d wire.Direction) int {
	if d == wire.In {
		return 0
	}
	return 1
}

// before reports whether sequence number a comes before b, across the wrap at 2^32.
func before(a, b uint32) bool { return int32(a-b) < 0 }
