//go:build linux

package load

import (
	"math/bits"
	"time"
)

// A Histogram counts times in buckets that grow with them: 16 for each doubling, so that a quantile
// is at most 6 % too large. A million times a second fit into a few kilobytes.
type Histogram struct {
	buckets [64 * 16]int
	n       int
}

// Add counts d, n times.
func (h *Histogram) Add(d time.Duration, n int) {
	h.buckets[bucket(d)] += n
	h.n += n
}

func (h *Histogram) add(other *Histogram) {
	for i, n := range other.buckets {
		h.buckets[i] += n
	}
	h.n += other.n
}

// Quantile is the time that the share q of all times does not exceed.
func (h *Histogram) Quantile(q float64) time.Duration {
	left := int(q * float64(h.n))
	for i, n := range h.buckets {
		if left -= n; left < 0 {
			return upper(i)
		}
	}
	return 0
}

// bucket keeps the five highest bits of d: where the first is, and the four that follow.
func bucket(d time.Duration) int {
	v := uint64(max(d, 16))
	shift := bits.Len64(v) - 5
	return shift<<4 + int(v>>shift)&15
}

func upper(bucket int) time.Duration {
	return time.Duration((uint64(bucket&15|16) + 1) << (bucket >> 4))
}
