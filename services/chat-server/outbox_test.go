package main

import (
	"net"
	"sync/atomic"
	"testing"
)

// Many who do not read: what waits for all of them is bounded, though each has less than may wait for one.
func TestTogetherTheyMayHaveSoMuchWaiting(t *testing.T) {
	const n = 200
	var behind atomic.Int64
	type reader struct {
		*outbox
		gone bool
	}
	var readers []*reader
	for range n {
		here, there := net.Pipe() // nobody reads from there
		defer there.Close()
		readers = append(readers, &reader{outbox: newOutbox(here, &behind, nil)})
	}
	line := make([]byte, 1024)
	most, left := 0, n
	for left > 0 {
		all := 0
		for _, r := range readers {
			if r.gone {
				continue
			}
			if !r.send(line) {
				r.gone = true
				left--
				r.conn.Close() // as the room does
				r.flushers.Wait()
				continue
			}
			r.mu.Lock()
			all += r.size
			r.mu.Unlock()
		}
		most = max(most, all)
	}
	if most > maxQueues || most < maxQueues/2 {
		t.Errorf("%d bytes waited for all of them, want up to %d", most, maxQueues)
	}
	if got := behind.Load(); got != 0 {
		t.Errorf("%d are behind, though all are gone", got)
	}
}
