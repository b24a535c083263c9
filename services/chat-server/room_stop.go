package main

import "time"

// hush is where each person's goroutine comes at a stop, with all said that was read. When everybody
// is there, nothing more will be said, and everybody is told that the server stops. Without this
// meeting the first to leave would miss what the last has still to say.
func (r *room) hush(p *person, patience time.Duration) {
	r.do(func() { p.quiet = true; r.checkStopped() })
	select {
	case <-r.stopped:
	case <-time.After(patience): // somebody is held up
		r.ask(r.tellStopped)
	}
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
