// Package record holds the one truth of a wire: an ordered list of packets, each with its fate. The
// ladder in the terminal, the HTTP API, the capture file and the referee are views of it.
package record

import (
	"context"
	"sync"

	"netlab.example/pkg/wire"
)

// Log is the ordered list of records, within a bound. When it is full it forgets the oldest, and says so.
//
// One writer appends. Readers hold no place in it: each remembers the last ID that it saw and asks for
// what came since. So a slow reader, or one that is gone, costs the writer nothing; it learns how many
// records it has missed.
type Log struct {
	maxRecords, maxBytes int

	mu    sync.Mutex
	kept  []*wire.Record
	last  int // ID of the newest record, 0 before the first
	bytes int
	wake  chan struct{} // closed at the next Append; nil while nobody waits
}

// overhead is what a record takes beside its bytes, about: the struct and what it points to.
const overhead = 700

// NewLog makes a log that keeps at most so many records, and about so many bytes of memory.
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
	l.bytes += overhead + len(r.Raw)
	for len(l.kept) > l.maxRecords || l.bytes > l.maxBytes && len(l.kept) > 1 {
		l.bytes -= overhead + len(l.kept[0].Raw)
		l.kept[0] = nil // the array behind the slice lives on for a while; the record must not
		l.kept = l.kept[1:]
	}
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

// Follow is Since that waits until there is something to return, or ctx ends, which is its only error.
func (l *Log) Follow(ctx context.Context, since, limit int) (records []*wire.Record, missed int, err error) {
	for {
		l.mu.Lock()
		if l.last > since {
			defer l.mu.Unlock()
			records, missed = l.since(since, max(limit, 1))
			return records, missed, nil
		}
		if l.wake == nil {
			l.wake = make(chan struct{})
		}
		wake := l.wake
		l.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-wake:
		}
	}
}

// Memory returns the log's state.
func (l *Log) Memory() wire.Memory {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := wire.Memory{Last: l.last, Forgotten: l.last - len(l.kept), Bytes: l.bytes}
	if len(l.kept) > 0 {
		m.First = m.Forgotten + 1
	}
	return m
}
