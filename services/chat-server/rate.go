package main

import (
	"time"

	"netlab.example/pkg/app"
)

// A limiter lets so many lines a second pass, and a second's worth at once. It never refuses a line,
// it returns how long to wait. A connection that waits is not read, so the peer's window fills (TCP's own
// way to say "slowly, please"), and nothing is lost.
type limiter struct {
	rate  float64 // lines a second; 0: any number
	saved float64 // lines that may pass now; below zero: somebody waits
	last  time.Time
}

func newLimiter(r app.Limit) limiter { return limiter{rate: float64(r), saved: float64(r)} }

// take counts one line and returns how long to wait before it may pass.
func (l *limiter) take(now time.Time) time.Duration {
	if l.rate == 0 {
		return 0
	}
	if !l.last.IsZero() {
		l.saved = min(l.rate, l.saved+now.Sub(l.last).Seconds()*l.rate)
	}
	l.last = now
	l.saved--
	if l.saved >= 0 {
		return 0
	}
	return time.Duration(-l.saved / l.rate * float64(time.Second))
}
