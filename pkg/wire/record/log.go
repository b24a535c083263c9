// Package record holds the one truth of a wire: an ordered list of packets, each with its fate, and of what was
// changed between them. The ladder in the terminal, the HTTP API, the capture file and the referee are views of it.
package record

import (
	"context"
	"sync"
	"time"

	"netlab.example/pkg/wire"
)

// Log is the ordered list of records, within a bound. When it is full it forgets the oldest, and says so.
//
// One writer appends. Readers hold no place in it: each remembers the last ID that it saw and asks for
// what came since. So a slow reader, or one that is gone, costs the writer nothing; it learns how many
// records it has missed.
type Log struct {
	maxRecords, maxBytes int

	mu      sync.Mutex
	kept    []*wire.Record
	last    int // ID of the newest record, 0 before the first
	bytes   int
	changes []wire.Change
	number  int           // of the newest change
	wake    chan struct{} // closed when something is added; nil while nobody waits
}

// maxChanges bounds what is remembered of changes; each is a line that somebody wrote.
const maxChanges = 1000

// NewLog makes a log that keeps at most so many records, in at most so many bytes of memory.
func NewLog(maxRecords, maxBytes int) *Log {
	return &Log{maxRecords: max(maxRecords, 1), maxBytes: maxBytes}
}

// Next is the ID that the next record will get. Only the writer can rely on it.
func (l *Log) Next() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last + 1
}

// Append gives r its ID and adds it. From now on r belongs to the readers and must not change.
func (l *Log) Append(r *wire.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	r.ID = l.last
	l.kept = append(l.kept, r)
	l.bytes += size(r)
	l.forget(l.maxRecords, l.maxBytes)
	l.woken()
}

// forget drops the oldest records until so many are left in so many bytes; the newest is kept, however long.
func (l *Log) forget(records, bytes int) {
	for len(l.kept) > records || l.bytes > bytes && len(l.kept) > 1 {
		l.bytes -= size(l.kept[0])
		l.kept[0] = nil // the array behind the slice lives on for a while; the record must not
		l.kept = l.kept[1:]
	}
}

// Shrink forgets the older half of what is kept, because memory is short.
func (l *Log) Shrink() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(l.maxRecords, l.bytes/2)
	l.kept = append(make([]*wire.Record, 0, len(l.kept)), l.kept...)
}

// Tell adds a change, which stands after the records so far.
func (l *Log) Tell(kind wire.ChangeKind, line, by string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.number++
	if len(l.changes) >= maxChanges {
		l.changes = append([]wire.Change(nil), l.changes[len(l.changes)/2:]...)
	}
	l.changes = append(l.changes, wire.Change{Number: l.number, Time: time.Now(), After: l.last, Kind: kind, Line: line, By: by})
	l.woken()
}

// Forget forgets all records and changes. Numbers go on, so that no follower takes a new packet for an old one.
func (l *Log) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept, l.bytes, l.changes = nil, 0, nil
}

func (l *Log) woken() {
	if l.wake != nil {
		close(l.wake)
		l.wake = nil
	}
}

// Since returns the records after ID since, at most limit of them, oldest first. missed is how many
// more there were between since and the first one returned, which the log has forgotten.
func (l *Log) Since(since, limit int) (records []*wire.Record, missed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since(since, limit)
}

func (l *Log) since(since, limit int) (records []*wire.Record, missed int) {
	since = min(max(since, 0), l.last)
	forgotten := l.last - len(l.kept)
	missed = max(forgotten-since, 0)
	records = l.kept[max(since-forgotten, 0):]
	return append([]*wire.Record(nil), records[:min(max(limit, 0), len(records))]...), missed
}

// Place is how far a reader has come: the last record and the last change that it was told.
type Place struct{ Record, Change int }

// After is the place of a reader that has seen the record since, and wants all that came after it.
func (l *Log) After(since int) Place {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.changes {
		if c.After >= since {
			return Place{since, c.Number - 1}
		}
	}
	return Place{since, l.number}
}

// Events returns what came after a place, at most limit records of it, and the place behind. Each change stands
// after the last record that was there before it.
func (l *Log) Events(p Place, limit int) ([]wire.Event, Place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events(p, limit)
}

func (l *Log) events(p Place, limit int) (events []wire.Event, next Place) {
	records, missed := l.since(p.Record, limit)
	next = Place{min(max(p.Record, 0), l.last) + missed, p.Change}
	changes := l.changes
	for len(changes) > 0 && changes[0].Number <= p.Change {
		changes = changes[1:]
	}
	told := func(before int) { // the changes that came before this record
		for ; len(changes) > 0 && changes[0].After < before; changes = changes[1:] {
			c := changes[0]
			events = append(events, wire.Event{Change: &c})
			next.Change = c.Number
		}
	}
	if missed > 0 {
		events = append(events, wire.Event{Missed: missed})
	}
	for _, r := range records {
		told(r.ID)
		events = append(events, wire.Event{Record: r})
		next.Record = r.ID
	}
	if next.Record == l.last {
		told(l.last + 1)
	}
	return events, next
}

// Follow is Events that waits until there is something to return, or ctx ends, which is its only error.
func (l *Log) Follow(ctx context.Context, p Place, limit int) ([]wire.Event, Place, error) {
	for {
		l.mu.Lock()
		if events, next := l.events(p, max(limit, 1)); len(events) > 0 {
			l.mu.Unlock()
			return events, next, nil
		}
		if l.wake == nil {
			l.wake = make(chan struct{})
		}
		wake := l.wake
		l.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, p, ctx.Err()
		case <-wake:
		}
	}
}

// Memory returns the log's state.
func (l *Log) Memory() wire.Memory {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := wire.Memory{Last: l.last, Forgotten: l.last - len(l.kept), Bytes: l.bytes, Most: l.maxBytes}
	if len(l.kept) > 0 {
		m.First = m.Forgotten + 1
	}
	return m
}
