package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"netlab.example/pkg/text"
	"netlab.example/pkg/wire"
)

func (d *door) showLink(w http.ResponseWriter, _ *http.Request) { answer(w, d.Link.State()) }

// setLink replaces all settings by those of a JSON object; what it does not name is off.
func (d *door) setLink(w http.ResponseWriter, r *http.Request) {
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
	d.change(w, r, "clear "+settings.String())
}

// changeLink changes what a line names: out.loss=30% out.delay=50ms on c12 for 10s.
func (d *door) changeLink(w http.ResponseWriter, r *http.Request) {
	line, err := io.ReadAll(r.Body)
	if err != nil {
		refuseBody(w, err)
		return
	}
	d.change(w, r, string(line))
}

func (d *door) clearLink(w http.ResponseWriter, r *http.Request) { d.change(w, r, "clear") }

// change has the link changed as a line says.
func (d *door) change(w http.ResponseWriter, r *http.Request, line string) {
	step, err := wire.ParseStep(line)
	if err == nil {
		_, err = d.Wire.Do(wire.Scenario{Link: []wire.Step{step}}, by(r))
	}
	if err != nil {
		refuseChange(w, err)
		return
	}
	answer(w, d.Link.State())
}

func (d *door) showFaults(w http.ResponseWriter, _ *http.Request) {
	answer(w, wire.Faults{Faults: d.Link.Faults()})
}

// doScenario does what a scenario says: all of it or nothing.
func (d *door) doScenario(w http.ResponseWriter, r *http.Request) {
	lines, err := io.ReadAll(r.Body)
	if err != nil {
		refuseBody(w, err)
		return
	}
	scenario, err := wire.ParseScenario(string(lines))
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	added, err := d.Wire.Do(scenario, by(r))
	if err != nil {
		refuseChange(w, err)
		return
	}
	answer(w, wire.Faults{Faults: added})
}

func (d *door) clearFaults(w http.ResponseWriter, r *http.Request) {
	d.Wire.ClearFaults(by(r))
	answer(w, wire.Faults{Faults: []wire.Fault{}})
}

func (d *door) reset(w http.ResponseWriter, r *http.Request) {
	if err := d.Wire.Reset(by(r)); err != nil {
		refuseChange(w, err)
		return
	}
	answer(w, d.Wire.Status())
}

// by is who asks for a change, as the header says.
func by(r *http.Request) string {
	who := r.Header.Get(wire.Header)
	if who == "1" {
		return "the API"
	}
	return text.Cut(text.Escape(who), 40)
}

func refuseBody(w http.ResponseWriter, err error) {
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		refuse(w, http.StatusRequestEntityTooLarge, errors.New("the request is longer than 64 KiB"))
		return
	}
	refuse(w, http.StatusBadRequest, err)
}
