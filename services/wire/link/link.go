package link

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"netlab.example/pkg/wire"
)

// longestQueue is how much may wait in front of a slow link (rate): a second's worth. What comes while
// the queue is full is dropped, as a router would.
const longestQueue = time.Second

// maxScopes bounds for how many connections and clients there are settings of their own.
const maxScopes = 64

// Link decides the fate of each packet. Its methods may be called from any goroutine.
type Link struct {
	// Tell is called with each change when it takes effect, in order: its kind, its line, and who asked for it.
	// It must not call Link.
	Tell func(kind wire.ChangeKind, line, by string)

	mu     sync.Mutex
	all    lane    // for all that no scope is about
	scoped []*lane // the first that a packet belongs to holds
	plan   []due   // what is to be set by itself, soonest first
	begun  map[int]int
	count  int // how many connections began while wire was here; begun has each one's number among them
	base   int // chance counts them from here, so that a scenario repeats on a wire that has run before
	strays int // packets that belong to no connection
	faults []*armed
	number int
}

// lane is the link of everybody, of one connection, or of some clients.
type lane struct {
	scope    wire.Scope
	settings wire.Settings
	busy     [2]time.Time // until when a slow link is sending what it already has: in, out
}

// due is a change that is to come.
type due struct {
	at time.Time
	by string
	do wire.Step // at its time
	// Or, if undo is set, the end of one: what it has changed goes back, unless somebody else has changed it since.
	undo            bool
	before, applied wire.Settings
}

func (d due) line() string {
	if d.undo {
		return "link " + d.do.Line + " ends"
	}
	return "link " + d.do.String()
}

// Decision is a fate, with what the engine has to do beside it.
type Decision struct {
	Fate wire.Fate
	// Release is the number of a fault whose held packet goes on right after this one; 0 for none.
	Release int
	// Reset asks for a RST to both sides in the packet's place.
	Reset bool
}

// State returns the link's settings, and what will be set by itself.
func (l *Link) State() wire.Link {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.advance(time.Now())
	s := wire.Link{Settings: l.all.settings, Scoped: []wire.Scoped{}, Next: []wire.Due{}}
	var lines []string
	if line := l.all.settings.String(); line != "" {
		lines = append(lines, line)
	}
	for _, x := range l.scoped {
		s.Scoped = append(s.Scoped, wire.Scoped{Scope: x.scope, Settings: x.settings})
		lines = append(lines, x.settings.String()+" "+x.scope.String())
	}
	s.Line = strings.Join(lines, "; ")
	for _, d := range l.plan {
		s.Next = append(s.Next, wire.Due{Time: d.at, Line: d.line()})
	}
	return s
}

// Do does what a scenario asks for, in the name of by: all of it, or nothing and an error. A line about the link
// ends what was planned before.
func (l *Link) Do(s wire.Scenario, by string) ([]wire.Fault, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.advance(now)
	if len(l.faults)+len(s.Faults) > maxFaults {
		l.faults = slices.DeleteFunc(l.faults, func(f *armed) bool { return f.State == wire.Fired || f.State == wire.Missed })
		if len(l.faults)+len(s.Faults) > maxFaults {
			return nil, fmt.Errorf("%d exact faults wait already: wire do clear forgets them", len(l.faults))
		}
	}
	for _, step := range s.Link { // before anything is changed
		if _, err := (wire.Settings{}).Parse(step.Line); err != nil {
			return nil, err
		}
	}
	if len(l.scoped)+len(s.Link) > maxScopes && slices.ContainsFunc(s.Link, func(s wire.Step) bool { return !s.Scope.All() }) {
		return nil, fmt.Errorf("%d connections and clients have a link of their own already: wire link clear ends them", len(l.scoped))
	}
	if len(s.Link) > 0 {
		l.plan = nil
	}
	for _, step := range s.Link {
		d := due{at: now.Add(time.Duration(step.After)), by: by, do: step}
		if step.After > 0 {
			l.schedule(d)
		} else {
			l.apply(d)
		}
	}
	added := make([]wire.Fault, 0, len(s.Faults))
	for _, f := range s.Faults {
		l.number++
		f.Number, f.State = l.number, wire.Waiting
		f.Line = f.String()
		if f.Scope.Conn > 0 {
			f.State, f.Conn = wire.Bound, f.Scope.Conn
		}
		added = append(added, f)
		l.faults = append(l.faults, &armed{Fault: f})
		l.tell(wire.ChangeFault, f.Line, by)
	}
	return added, nil
}

// maxFaults bounds the list; those that are done make room for new ones.
const maxFaults = 1000

func (l *Link) tell(kind wire.ChangeKind, line, by string) {
	if l.Tell != nil {
		l.Tell(kind, line, by)
	}
}

func (l *Link) schedule(d due) {
	i, _ := slices.BinarySearchFunc(l.plan, d, func(a, b due) int {
		if a.at.After(b.at) {
			return 1
		}
		return -1 // what was planned first comes first
	})
	l.plan = slices.Insert(l.plan, i, d)
}

// Advance does what is due, and returns when the next is: the zero time if nothing is planned.
func (l *Link) Advance(now time.Time) (next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.advance(now)
	if len(l.plan) > 0 {
		return l.plan[0].at
	}
	return time.Time{}
}

func (l *Link) advance(now time.Time) {
	for len(l.plan) > 0 && !l.plan[0].at.After(now) {
		d := l.plan[0]
		l.plan = l.plan[1:]
		l.apply(d)
	}
}

// apply sets what a step says, or ends it. Chance begins anew: the next connection to begin counts as the first.
func (l *Link) apply(d due) {
	x := l.lane(d.do.Scope)
	before := x.settings
	if d.undo {
		x.settings = back(x.settings, d.before, d.applied)
	} else {
		x.settings, _ = x.settings.Parse(d.do.Line)
	}
	x.busy = [2]time.Time{}
	l.base, l.strays = l.count, 0
	if !d.undo && d.do.Scope.All() && d.do.Clears() {
		l.scoped = nil
	}
	l.scoped = slices.DeleteFunc(l.scoped, func(x *lane) bool { return x.settings == wire.Settings{} })
	l.tell(wire.ChangeLink, d.line(), d.by)
	if d.do.For > 0 && !d.undo {
		l.schedule(due{at: d.at.Add(time.Duration(d.do.For)), by: d.by, do: d.do, undo: true, before: before, applied: x.settings})
	}
}

// lane finds the link of a scope, or makes one.
func (l *Link) lane(scope wire.Scope) *lane {
	if scope.All() {
		return &l.all
	}
	for _, x := range l.scoped {
		if x.scope == scope {
			return x
		}
	}
	x := &lane{scope: scope}
	l.scoped = append(l.scoped, x)
	return x
}

// of is the link that r takes.
func (l *Link) of(r *wire.Record) *lane {
	for _, x := range l.scoped {
		if x.scope.Of(r.Conn, r.Client.Addr()) {
			return x
		}
	}
	return &l.all
}

// back is now, with what a step changed as it was before; what has been changed since stays.
func back(now, before, applied wire.Settings) wire.Settings {
	undo(&now.Seed, before.Seed, applied.Seed)
	for _, w := range [][3]*wire.Way{{&now.In, &before.In, &applied.In}, {&now.Out, &before.Out, &applied.Out}} {
		undo(&w[0].Loss, w[1].Loss, w[2].Loss)
		undo(&w[0].Duplicate, w[1].Duplicate, w[2].Duplicate)
		undo(&w[0].Corrupt, w[1].Corrupt, w[2].Corrupt)
		undo(&w[0].Reorder, w[1].Reorder, w[2].Reorder)
		undo(&w[0].Delay, w[1].Delay, w[2].Delay)
		undo(&w[0].Jitter, w[1].Jitter, w[2].Jitter)
		undo(&w[0].Rate, w[1].Rate, w[2].Rate)
		undo(&w[0].Blackhole, w[1].Blackhole, w[2].Blackhole)
	}
	return now
}

func undo[T comparable](now *T, before, applied T) {
	if *now == applied {
		*now = before
	}
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

// ClearFaults forgets all faults. A packet that one of them holds goes on when its time is over.
func (l *Link) ClearFaults(by string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.faults) > 0 {
		l.faults = nil
		l.tell(wire.ChangeFault, "do clear", by)
	}
}

// Decide says what becomes of r, whose name (Conn, Class, Ordinal, Attempt) is known. It depends on
// nothing but the packets before, r and r.Time. The fate's word is left to its caller, who may find that not all
// of it can be done: see wire.Fate.Word.
//
// A packet that an exact fault meets is left alone by chance: a scenario's ladder is then the same each
// time. The link's delay and rate hold for it as for any other.
func (l *Link) Decide(r *wire.Record) Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.advance(r.Time)
	if r.Begins {
		l.begin(r.Conn)
		for _, f := range l.faults {
			if f.State == wire.Waiting && f.Scope.Of(r.Conn, r.Client.Addr()) {
				f.State, f.Conn = wire.Bound, r.Conn
			}
		}
	}
	if r.Class == wire.ClassFragment {
		return Decision{} // its datagram follows, and is judged
	}
	x, name := l.of(r), l.chanceName(r)
	d := Decision{Fate: chance(x.settings, r, name)}
	l.exact(r, x, name, &d)
	if d.Fate.What != wire.Dropped && d.Fate.What != wire.Held {
		x.slow(r, &d.Fate)
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
func (l *Link) exact(r *wire.Record, x *lane, name int, d *Decision) {
	delay := time.Duration(way(&x.settings, r.Dir).Delay)
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
			d.Fate = f.fate(damage(x.settings, r, name))
			d.Reset = f.Do == wire.Reset
			if d.Fate.What != wire.Dropped && d.Fate.What != wire.Held {
				d.Fate.Delay += delay
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
func (x *lane) slow(r *wire.Record, f *wire.Fate) {
	rate := way(&x.settings, r.Dir).Rate
	if rate == 0 {
		return
	}
	i := 0
	if r.Dir == wire.Out {
		i = 1
	}
	start := r.Time
	if x.busy[i].After(start) {
		start = x.busy[i]
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
	x.busy[i] = start.Add(time.Duration(bits / float64(rate) * 1e9))
	f.Delay += x.busy[i].Sub(r.Time)
	f.Cause = cause
}

// Ended tells the link that a connection is over: faults that still wait for a packet of it say that they missed.
func (l *Link) Ended(conn int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.scoped = slices.DeleteFunc(l.scoped, func(x *lane) bool { return x.scope.Conn == conn })
	for _, f := range l.faults {
		if f.Conn != conn {
			continue
		}
		switch {
		case f.State == wire.Bound && f.Nth == 0:
			f.State, f.Note = wire.Missed, fmt.Sprintf("connection %d ended before such a packet", conn)
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
