package api

import (
	"net/http"

	"netlab.example/pkg/wire"
	"netlab.example/services/wire/netstat"
)

func (s *Server) sockets(w http.ResponseWriter, _ *http.Request) {
	s.asking.Lock()
	defer s.asking.Unlock()
	all, more, err := netstat.List(s.Service.Proto, s.Service.Port)
	if err != nil {
		refuse(w, http.StatusNotImplemented, err)
		return
	}
	if all == nil {
		all = []wire.Socket{}
	}
	answer(w, wire.Sockets{Sockets: all, More: more})
}

func (s *Server) counters(w http.ResponseWriter, _ *http.Request) {
	s.asking.Lock()
	defer s.asking.Unlock()
	now, err := netstat.ReadCounters()
	if err != nil {
		refuse(w, http.StatusNotImplemented, err)
		return
	}
	answer(w, wire.Counters{Since: s.started, Counters: now.Since(s.before)})
}
