package link

import (
	"fmt"
	"sync"
	"time"

	"netlab.example/services/wire/record"
)

// maxFaults bounds the list, done ones included; Clear empties it.
const maxFaults = 1000

// longestQueue is how much may wait in front of a slow link (rate): a second's worth. What comes while
// the queue is full is dropped, as a router would.
const longestQueue = time.Second

// Link decides the fate of each packet. Its methods may be called from any goroutine.
type Link struct {
	mu       sync.Mutex
	settings Settings
	base     int // the connections of chance are counted from here, so that a scenario repeats on a wire that has run before
	last     int // the connection that began last
	faults   []*Fault
	number   int
	busy     [2]time.Time // until when a slow link is sending what it already has: in, out
}

// Decision is a fate, with what the engine has to do beside it.
type Decision struct {
	Fate record.Fate
	// Release is the number of a fault whose held packet goes on right after this one; 0 for none.
	Release int
}

// Settings returns the link's settings.
func (l *Link) Settings() Settings {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.settings
}

// Set replaces the settings. Chance begins anew: the next connection to begin counts as the first.
func (l *Link) Set(s Settings) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set(s)
}

func (l *Link) set(s Settings) { l.settings, l.base, l.busy = s, l.last, [2]time.Time{} }

// Change is Set with a line that names what is to change, see Settings.Parse.
func (l *Link) Change(line string) (Settings, error) {
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
func (l *Link) Run(s Scenario) ([]Fault, error) {
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
func (l *Link) Add(faults ...Fault) ([]Fault, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.add(faults)
}

func (l *Link) add(faults []Fault) ([]Fault, error) {
	if len(l.faults)+len(faults) > maxFaults {
		return nil, fmt.Errorf("more than %d faults: clear the old ones first", maxFaults)
	}
	added := make([]Fault, 0, len(faults))
	for _, f := range faults {
		l.number++
		f.Number, f.State = l.number, Waiting
		added = append(added, f)
		l.faults = append(l.faults, &f)
	}
	return added, nil
}

// Faults lists the faults, done ones included, in the order in which they were added.
func (l *Link) Faults() []Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]Fault, len(l.faults))
	for i, f := range l.faults {
		all[i] = *f
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
func (l *Link) Decide(r *record.Record) Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Begins {
		l.last = max(l.last, r.Conn)
		for _, f := range l.faults {
			if f.State == Waiting {
				f.State, f.Conn = Bound, r.Conn
			}
		}
	}
	if r.Class == record.ClassFragment {
		return Decision{Fate: record.Fate{What: record.Delivered}} // its datagram follows, and is judged
	}
	d := Decision{Fate: l.settings.chance(r, r.Conn-l.base)}
	l.exact(r, &d)
	if d.Fate.What != record.Dropped && d.Fate.What != record.Held {
		l.slow(r, &d.Fate)
	}
	return d
}

// exact lets the faults look at r.
func (l *Link) exact(r *record.Record, d *Decision) {
	for _, f := range l.faults {
		if f.Conn != r.Conn || r.Conn == 0 {
			continue
		}
		switch {
		case f.State == Bound && f.meets(r) && d.Fate.Fault == 0:
			delay := l.settings.way(r.Dir).Delay
			f.State, f.Packet = Fired, r.ID
			d.Fate = f.fate(l.settings.damage(r, r.Conn-l.base))
			if d.Fate.What != record.Dropped && d.Fate.What != record.Held && delay > 0 {
				d.Fate.Delay += time.Duration(delay)
				d.Fate.What = d.Fate.Word()
			}
		case f.Do == Swap && f.State == Fired && f.Note == "" && f.To == r.Dir && r.Class == record.ClassData && r.Attempt == 0 && r.Ordinal == f.Other:
			// The two are exchanged: this one passes, and the one that waited follows.
			f.Note = "done"
			d.Release = f.Number
			if d.Fate.Fault == 0 {
				d.Fate = record.Fate{What: record.Reordered, Cause: f.String(), Fault: f.Number}
			}
		}
	}
}

// slow adds the time that r has to wait because the link is slow, or drops it where the queue is full.
func (l *Link) slow(r *record.Record, f *record.Fate) {
	rate := l.settings.way(r.Dir).Rate
	if rate == 0 {
		return
	}
	i := 0
	if r.Dir == record.Out {
		i = 1
	}
	start := r.Time
	if l.busy[i].After(start) {
		start = l.busy[i]
	}
	cause := rate.words()
	if start.Sub(r.Time) > longestQueue {
		*f = record.Fate{What: record.Dropped, Cause: cause + ", its queue is full"}
		return
	}
	l.busy[i] = start.Add(time.Duration(float64(r.Packet.Length) * 8 / float64(rate) * 1e9))
	f.Delay += l.busy[i].Sub(r.Time)
	if f.Cause != "" {
		cause = f.Cause + "; " + cause
	}
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
		case f.State == Bound && f.Kind == Data:
			f.State, f.Note = Missed, fmt.Sprintf("connection %d ended before its data #%d to %s", conn, f.Nth, f.To.Peer())
		case f.State == Bound:
			f.State, f.Note = Missed, fmt.Sprintf("connection %d ended after %d of this kind", conn, f.met)
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
