package main

import (
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	now := time.Unix(1000, 0)
	pass := func(l *limiter, lines int) (waited time.Duration) {
		for range lines {
			d := l.take(now)
			now = now.Add(d)
			waited += d
		}
		return waited.Round(time.Millisecond)
	}
	l := newLimiter(20)
	for _, step := range []struct {
		pause time.Duration
		lines int
		want  time.Duration
	}{
		{0, 20, 0},                         // a second's worth at once
		{0, 1, 50 * time.Millisecond},      // and then 20 a second
		{0, 40, 2 * time.Second},           //
		{time.Hour, 20, 0},                 // a long silence saves no more than a second's worth
		{0, 20, time.Second},               //
		{500 * time.Millisecond, 10, 0},    //
		{time.Second, 30, time.Second / 2}, //
	} {
		now = now.Add(step.pause)
		if got := pass(&l, step.lines); got != step.want {
			t.Errorf("%d lines after %v: waited %v, want %v", step.lines, step.pause, got, step.want)
		}
	}
	if any := newLimiter(0); pass(&any, 100_000) != 0 {
		t.Error("a rate of 0 waits")
	}
}
