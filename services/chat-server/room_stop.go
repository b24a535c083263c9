package main

import "time"

// A stop. Each person's goroutine says what was read and comes here. When everybody is here, nothing more
// will be said, and everybody is told that the server stops. Without this meeting the first to leave would
// miss what the last has still to say.
func (r *room) hush(p *person) {
	r.hear(func() { p.quiet = true; r.checkStopped() })
	select {
	case <-r.stopped:
	case <-r.closed:
	}
}

// stop is the beginning: nobody comes in, and whatever waits to be said is said now, however full the backlog is. If
// somebody is held up, or more waits than can be said in time, everybody is told all the same.
func (r *room) stop(patience time.Duration) {
	r.stopBegan()
	r.do(func() { r.stopping = true })
	select {
	case <-r.stopped:
	case <-r.closed:
	case <-time.After(patience):
		r.do(r.tellStopped) // ahead of what waits
	}
}

// stopBegan is when the first who asks found that the server stops.
func (r *room) stopBegan() time.Time {
	now := time.Now()
	r.stopAt.CompareAndSwap(nil, &now)
	return *r.stopAt.Load()
}

func (r *room) checkStopped() {
	anyQuiet := false
	for _, p := range r.people {
		if !p.quiet {
			return
		}
		anyQuiet = true
	}
	if anyQuiet {
		r.tellStopped()
	}
}

func (r *room) tellStopped() {
	if !r.isStopped() {
		r.notice(nil, r.say.Stopping)
		r.deliver()
		close(r.stopped)
	}
}

func (r *room) isStopped() bool {
	select {
	case <-r.stopped:
		return true
	default:
		return false
	}
}
