package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"netlab.example/pkg/wire"
)

func linkOf(s wire.Settings) wire.Link { return wire.Link{Settings: s, Line: s.String()} }

func (s *Server) showLink(w http.ResponseWriter, _ *http.Request) {
	answer(w, linkOf(s.Link.Settings()))
}

// change has the engine change the link as a line says.
func (s *Server) change(w http.ResponseWriter, line string) {
	settings, err := s.Wire.Change(line)
	if err != nil {
		refuseChange(w, err)
		return
	}
	answer(w, linkOf(settings))
}

// setLink replaces all settings by those of a JSON object; what it does not name is off.
func (s *Server) setLink(w http.ResponseWriter, r *http.Request) {
	in := json.NewDecoder(r.Body)
	in.DisallowUnknownFields()
	var settings wire.Settings
	if err := in.Decode(&settings); err != nil {
		refuseBody(w, err)
		return
	}
	if _, err := in.Token(); err != io.EOF {
		refuse(w, http.StatusBadRequest, errors.New("want one JSON object, and nothing after it"))
		return
	}
	s.change(w, "clear "+settings.String())
}

// changeLink changes what a line names: out.loss=30% out.delay=50ms.
func (s *Server) changeLink(w http.ResponseWriter, r *http.Request) {
	line, err := io.ReadAll(r.Body)
	if err != nil {
		refuseBody(w, err)
		return
	}
	s.change(w, string(line))
}

func (s *Server) clearLink(w http.ResponseWriter, _ *http.Request) { s.change(w, "clear") }

func (s *Server) showFaults(w http.ResponseWriter, _ *http.Request) {
	answer(w, wire.Faults{Faults: s.Link.Faults()})
}

// addFaults does what a scenario says: all of it or nothing.
func (s *Server) addFaults(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		refuseBody(w, err)
		return
	}
	scenario, err := wire.ParseScenario(string(text))
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	added, err := s.Wire.Do(scenario)
	if err != nil {
		refuseChange(w, err)
		return
	}
	answer(w, wire.Faults{Faults: added})
}

func (s *Server) clearFaults(w http.ResponseWriter, _ *http.Request) {
	s.Link.Clear()
	answer(w, wire.Faults{Faults: []wire.Fault{}})
}

func refuseBody(w http.ResponseWriter, err error) {
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		refuse(w, http.StatusRequestEntityTooLarge, errors.New("the request is longer than 64 KiB"))
		return
	}
	refuse(w, http.StatusBadRequest, err)
}
