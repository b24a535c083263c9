package engine

import (
	"cmp"
	"container/heap"
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"netlab.example/pkg/wire"
)

// later does things at their time, in order of time, and things of the same time in the order in which
// they were asked for. It is bounded: the caller asks first if there is room.
type later struct {
	mu    sync.Mutex
	heap  tasks
	order uint64
	bytes int
	wake  chan struct{} // an earlier task has come
}

const (
	maxLater      = 4096     // packets kept back, of both directions
	maxLaterBytes = 32 << 20 // and their bytes
)

type task struct {
	due    time.Time
	order  uint64
	size   int
	conn   int // whose packet it is about
	client netip.Addr
	do     func()
}

func newLater() *later { return &later{wake: make(chan struct{}, 1)} }

// room reports whether a packet of so many bytes may still be kept back.
func (l *later) room(size int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.heap) < maxLater && l.bytes+size <= maxLaterBytes
}

func (l *later) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.heap)
}

// at has do called at a time, on later's own goroutine; it is about r, so many bytes of which are kept back.
func (l *later) at(due time.Time, size int, r *wire.Record, do func()) {
	l.mu.Lock()
	l.order++
	heap.Push(&l.heap, task{due, l.order, size, r.Conn, r.Client.Addr(), do})
	l.bytes += size
	first := l.heap[0].order == l.order
	l.mu.Unlock()
	if first {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// release makes all that waits and is of the scope due at once; the order stays.
func (l *later) release(of wire.Scope) {
	l.mu.Lock()
	now := time.Now()
	slices.SortFunc(l.heap, func(a, b task) int { return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.order, b.order)) })
	for i, t := range l.heap {
		if of.Of(t.conn, t.client) {
			l.order++
			l.heap[i].due, l.heap[i].order = now, l.order
		}
	}
	heap.Init(&l.heap)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run calls what is due until ctx ends; then it calls all that is left, at once and in order.
func (l *later) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		rest := l.due(time.Now())
		if rest >= 0 {
			timer.Reset(rest)
		}
		select {
		case <-ctx.Done():
			l.due(time.Now().Add(100 * 365 * 24 * time.Hour))
			return
		case <-l.wake:
		case <-timer.C:
		}
	}
}

// due calls what is due at a time and returns how long it is until the next; -1 if there is none.
func (l *later) due(now time.Time) time.Duration {
	for {
		l.mu.Lock()
		if len(l.heap) == 0 {
			l.mu.Unlock()
			return -1
		}
		if wait := l.heap[0].due.Sub(now); wait > 0 {
			l.mu.Unlock()
			return wait
		}
		t := heap.Pop(&l.heap).(task)
		l.bytes -= t.size
		l.mu.Unlock()
		t.do()
	}
}

// tasks is a heap by time.
type tasks []task

func (t tasks) Len() int { return len(t) }
func (t tasks) Less(i, j int) bool {
	if !t[i].due.Equal(t[j].due) {
		return t[i].due.Before(t[j].due)
	}
	return t[i].order < t[j].order
}
func (t tasks) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t *tasks) Push(x any)   { *t = append(*t, x.(task)) }
func (t *tasks) Pop() any {
	old := *t
	last := old[len(old)-1]
	old[len(old)-1] = task{}
	*t = old[:len(old)-1]
	return last
}
