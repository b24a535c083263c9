package api

import (
	"net/http"
	"time"

	kernel "netlab.example/services/wire/sockets"
)

// Sockets are the service's sockets.
type Sockets struct {
	Sockets []kernel.Socket `json:"sockets"`
	More    int             `json:"more"` // how many are not listed
}

// Counters are the kernel's counters that moved since wire began.
type Counters struct {
	Since    time.Time       `json:"since"`
	Counters []kernel.Change `json:"counters"`
}

func (s *Server) sockets(w http.ResponseWriter, _ *http.Request) {
	s.asking.Lock()
	defer s.asking.Unlock()
	all, more, err := kernel.List(s.Service.Proto, s.Service.Port)
	if err != nil {
		refuse(w, http.StatusNotImplemented, err)
		return
	}
	if all == nil {
		all = []kernel.Socket{}
	}
	answer(w, Sockets{all, more})
}

func (s *Server) counters(w http.ResponseWriter, _ *http.Request) {
	s.asking.Lock()
	defer s.asking.Unlock()
	now, err := kernel.ReadCounters()
	if err != nil {
		refuse(w, http.StatusNotImplemented, err)
		return
	}
	answer(w, Counters{s.started, now.Since(s.before)})
}
