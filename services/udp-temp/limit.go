package main

import (
	"hash/maphash"
	"sync"
	"time"

	"netlab.example/services/udp-temp/batch"
)

const (
	refusalsPerSecond = 10
	limitPlaces       = 1024
)

// A limiter lets through at most 10 refusals in any second for each address. The sender of a datagram
// may be forged: without a limit, anybody could have us flood somebody else, by sending nonsense in their name.
//
// Its memory is bounded, and cannot be filled up by many forged senders: an address has no entry of its
// own but shares one of 1,024 places with others, chosen by a hash that nobody outside can predict.
// Two that share are told less than they might be, never more.
type limiter struct {
	seed  maphash.Seed
	start time.Time

	mu     sync.Mutex
	places [limitPlaces]recent
}

// recent are the times of the last refusals, since the limiter's start; next is where the oldest is.
type recent struct {
	times [refusalsPerSecond]time.Duration
	next  int
}

func newLimiter() *limiter {
	return &limiter{seed: maphash.MakeSeed(), start: time.Now().Add(-time.Second)} // zero times are a second old
}

// allow reports whether a refusal may be sent to a, and counts it as sent.
func (l *limiter) allow(a batch.Address) bool {
	hash := maphash.Bytes(l.seed, a.Path)
	if a.UDP.IsValid() {
		ip := a.UDP.Addr().As16() // without the port: that costs a sender nothing to change
		hash = maphash.Bytes(l.seed, ip[:])
	}
	now := time.Since(l.start)
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &l.places[hash%limitPlaces]
	if now-r.times[r.next] < time.Second {
		return false
	}
	r.times[r.next] = now
	r.next = (r.next + 1) % refusalsPerSecond
	return true
}
