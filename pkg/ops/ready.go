package ops

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// MaxWait is how long a check may wait for news.
	MaxWait = 55 * time.Second

	maxWaiting = 4 // checks that may wait at a time; more are answered at once
)

// readiness is whether the protocol is served, for those who ask and for those who wait for news.
//
// Each check starts a process, and one a second costs a laptop its battery. So a check may wait. The first is
// answered at once, because a person who starts a server waits for it; each later one when its answer
// would differ from the last.
type readiness struct {
	begun chan struct{} // closed when the server is ready. It is so until the context of all requests ends

	mu      sync.Mutex
	told    bool // a check that may wait has been told ...
	last    bool // ... this
	waiting int
}

func (r *readiness) now(ctx context.Context) bool {
	select {
	case <-r.begun:
		return ctx.Err() == nil
	default:
		return false
	}
}

// wait returns when there is news, after the longest time, or when ctx ends: the check is gone, or the server stops.
func (r *readiness) wait(ctx context.Context, longest time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told && r.last == r.now(ctx) && r.waiting < maxWaiting {
		begun := r.begun
		if r.last {
			begun = nil // that is no news
		}
		r.waiting++
		r.mu.Unlock()
		select {
		case <-begun:
		case <-time.After(longest):
		case <-ctx.Done():
		}
		r.mu.Lock()
		r.waiting--
	}
	r.told, r.last = true, r.now(ctx)
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if wait, _ := time.ParseDuration(r.FormValue("wait")); wait > 0 {
		wait = min(wait, MaxWait)
		conn := http.NewResponseController(w)
		conn.SetReadDeadline(time.Time{}) // an error would only end the wait sooner
		conn.SetWriteDeadline(time.Now().Add(wait + patience))
		s.ready.wait(r.Context(), wait)
	}
	if !s.ready.now(r.Context()) {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	io.WriteString(w, "ready\n")
}
