package link

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"netlab.example/pkg/wire"
)

// maxFaults bounds the list, done ones included; Clear empties it.
const maxFaults = 1000

// longestQueue is how much may wait in front of a slow link (rate): a second's worth. What comes while
// the queue is full is dropped, as a router would.
const longestQueue = time.Second

// Link decides the fate of each packet. Its methods may be called from any goroutine.
type Link struct {
	mu       sync.Mutex
	settings wire.Settings
	begun    map[int]int // the connections that began while wire was here, each with its number among them
	count    int         // how many began
	base     int         // chance counts them from here, so that a scenario repeats on a wire that has run before
	strays   int         // packets that belong to no connection
	faults   []*armed
	number   int
	busy     [2]time.Time // until when a slow link is sending what it already has: in, out
}

// Decision is a fate, with what the engine has to do beside it.
type Decision struct {
	Fate wire.Fate
	// Release is the number of a fault whose held packet goes on right after this one; 0 for none.
	Release int
}

// Settings returns the link's settings.
func (l *Link) Settings() wire.Settings {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.settings
}

// Set replaces the settings. Chance begins anew: the next connection to begin counts as the first.
func (l *Link) Set(s wire.Settings) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set(s)
}

func (l *Link) set(s wire.Settings) {
	l.settings, l.base, l.strays, l.busy = s, l.count, 0, [2]time.Time{}
}

// Change is Set with a line that names what is to change, see Settings.Parse.
func (l *Link) Change(line string) (wire.Settings, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, err := l.settings.Parse(line)
	if err != nil {
		return l.settings, err
	}
	l.set(s)
	return s, nil
}

// Run does what a scenario asks for: all of it, or nothing and an error.
func (l *Link) Run(s wire.Scenario) ([]wire.Fault, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	changed := l.settings
	for _, line := range s.Link {
		var err error
		if changed, err = changed.Parse(line); err != nil {
			return nil, err
		}
	}
	added, err := l.add(s.Faults)
	if err == nil && len(s.Link) > 0 {
		l.set(changed)
	}
	return added, err
}

// Add arms faults for the next connection to begin, all or none, and returns them with their numbers.
func (l *Link) Add(faults ...wire.Fault) ([]wire.Fault, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.add(faults)
}

func (l *Link) add(faults []wire.Fault) ([]wire.Fault, error) {
	if len(l.faults)+len(faults) > maxFaults {
		return nil, fmt.Errorf("more than %d faults: clear the old ones first", maxFaults)
	}
	added := make([]wire.Fault, 0, len(faults))
	for _, f := range faults {
		l.number++
		f.Number, f.State = l.number, wire.Waiting
		f.Line = f.String()
		added = append(added, f)
		l.faults = append(l.faults, &armed{Fault: f})
	}
	return added, nil
}

// Faults lists the faults, done ones included, in the order in which they were added.
func (l *Link) Faults() []wire.Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]wire.Fault, len(l.faults))
	for i, f := range l.faults {
		all[i] = f.Fault
	}
	return all
}

// Clear forgets all faults. A packet that one of them holds goes on when its time is over.
func (l *Link) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = nil
}

// Decide says what becomes of r, whose name (Conn, Class, Ordinal, Attempt) is known. It depends on
// nothing but the packets before, r and r.Time.
//
// A packet that an exact fault meets is left alone by chance: a scenario's ladder is then the same each
// time. The link's delay and rate hold for it as for any other.
func (l *Link) Decide(r *wire.Record) Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Begins {
		l.begin(r.Conn)
		for _, f := range l.faults {
			if f.State == wire.Waiting {
				f.State, f.Conn = wire.Bound, r.Conn
			}
		}
	}
	if r.Class == wire.ClassFragment {
		return Decision{Fate: wire.Fate{What: wire.Delivered}} // its datagram follows, and is judged
	}
	name := l.chanceName(r)
	d := Decision{Fate: chance(l.settings, r, name)}
	l.exact(r, name, &d)
	if d.Fate.What != wire.Dropped && d.Fate.What != wire.Held {
		l.slow(r, &d.Fate)
	}
	return d
}

// maxBegun bounds what Link remembers of connections; the tracker remembers fewer.
const maxBegun = 1 << 14

func (l *Link) begin(conn int) {
	if l.begun == nil || len(l.begun) >= maxBegun {
		maps.DeleteFunc(l.begun, func(old, _ int) bool { return old < conn-maxBegun/2 })
		if l.begun == nil {
			l.begun = map[int]int{}
		}
	}
	if _, again := l.begun[conn]; !again {
		l.count++
		l.begun[conn] = l.count
	}
}

// chanceName is the number that stands for r's connection in chance: 1 for the first that began after the
// settings were made. What was there before wire must not move the others' numbers, and what belongs to no
// connection must not share one fate: both get numbers that no other has.
func (l *Link) chanceName(r *wire.Record) int {
	const apart = 1 << 40
	if r.Conn == 0 {
		l.strays++
		return -2*apart - l.strays
	}
	if n, ok := l.begun[r.Conn]; ok {
		return n - l.base
	}
	return -apart - r.Conn
}

// exact lets the faults look at r.
func (l *Link) exact(r *wire.Record, name int, d *Decision) {
	delay := time.Duration(way(&l.settings, r.Dir).Delay)
	for _, f := range l.faults {
		if f.Conn != r.Conn || r.Conn == 0 {
			continue
		}
		switch {
		case f.State == wire.Bound && f.meets(r):
			if d.Fate.Fault > 0 {
				f.State, f.Note = wire.Missed, fmt.Sprintf("fault %d met its packet before it", d.Fate.Fault)
				continue
			}
			f.State, f.Packet = wire.Fired, r.ID
			d.Fate = f.fate(damage(l.settings, r, name))
			if d.Fate.What != wire.Dropped && d.Fate.What != wire.Held {
				d.Fate.Delay += delay
				d.Fate.What = d.Fate.Word()
			}
		case f.Do == wire.Swap && f.State == wire.Fired && f.Note == "" && f.To == r.Dir && r.Class == wire.ClassData && r.Attempt == 0 && r.Ordinal == f.Other:
			// The two are exchanged: this one passes, and the one that waited follows.
			f.Note = wire.Swapped
			d.Release = f.Number
			if d.Fate.Fault == 0 {
				d.Fate = wire.Fate{What: wire.Reordered, Cause: f.String(), Fault: f.Number, Delay: delay}
			}
		}
	}
}

// slow adds the time that r has to wait because the link is slow, or drops it where the queue is full.
func (l *Link) slow(r *wire.Record, f *wire.Fate) {
	rate := way(&l.settings, r.Dir).Rate
	if rate == 0 {
		return
	}
	i := 0
	if r.Dir == wire.Out {
		i = 1
	}
	start := r.Time
	if l.busy[i].After(start) {
		start = l.busy[i]
	}
	cause := rateWords(rate)
	if f.Cause != "" {
		cause = f.Cause + "; " + cause
	}
	if start.Sub(r.Time) > longestQueue {
		*f = wire.Fate{What: wire.Dropped, Cause: cause + ", its queue is full", Fault: f.Fault}
		return
	}
	bits := float64(r.Packet.Length) * 8 * float64(1+f.Copies)
	l.busy[i] = start.Add(time.Duration(bits / float64(rate) * 1e9))
	f.Delay += l.busy[i].Sub(r.Time)
	f.Cause = cause
	f.What = f.Word()
}

// Ended tells the link that a connection is over: faults that still wait for a packet of it say that they missed.
func (l *Link) Ended(conn int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.faults {
		if f.Conn != conn {
			continue
		}
		switch {
		case f.State == wire.Bound && f.Kind == wire.OnData:
			f.State, f.Note = wire.Missed, fmt.Sprintf("connection %d ended before its data #%d to %s", conn, f.Nth, f.To.Peer())
		case f.State == wire.Bound:
			f.State, f.Note = wire.Missed, fmt.Sprintf("connection %d ended after %d of this kind", conn, f.met)
		}
	}
}

// GaveUp tells the link that the packet which a swap holds went on alone.
func (l *Link) GaveUp(number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.faults {
		if f.Number == number && f.Note == "" {
			f.Note = fmt.Sprintf("data #%d did not come in time, so #%d went on alone", f.Other, f.Nth)
		}
	}
}
