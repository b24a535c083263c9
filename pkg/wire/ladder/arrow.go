package ladder

import (
	"fmt"
	"strings"

	"netlab.example/pkg/wire"
)

// arrow draws the packet's way, from its sender to wire and, unless it was dropped, on to the other side.
func (d *drawing) arrow(r *wire.Record) {
	note, causes := d.words.fate(r.Fate)
	left, right := d.wire-d.client-1, d.server-d.wire-1 // between the columns
	toServer := r.Dir == wire.In
	far := right
	if !toServer {
		far = left
	}
	if len(causes) > 0 && cells(note)+2+cells(strings.Join(causes, "; ")) <= far-5 {
		note, causes = note+": "+strings.Join(causes, "; "), nil
	}
	style := d.style(r)
	shaft, hub := "─", "┼"
	switch r.Fate.What {
	case wire.Corrupted:
		shaft = "~"
	case wire.Held:
		shaft = "┄"
	case wire.Seen:
		hub = "○"
	}
	row := d.whose(r)
	switch dropped := r.Fate.What == wire.Dropped; {
	case toServer && dropped:
		row.add(style, "├"+strings.Repeat("─", left-1)+"►✗")
		row.add(style, " "+clip(note, far-2))
		row.to(d.server)
		row.add(dim, "│")
	case toServer:
		row.add(style, "├"+strings.Repeat("─", left)+hub+inside(note, shaft, right-1)+"►")
		row.add(dim, "│")
	case dropped:
		row.add(dim, "│")
		row.add(style, padLeft(clip(note, far-2), left-1)+" ✗◄"+strings.Repeat("─", right-1)+"┤")
	default:
		row.add(dim, "│")
		row.add(style, "◄"+inside(note, shaft, left-1)+hub+strings.Repeat("─", right)+"┤")
	}
	d.emit(row)
	for _, cause := range causes {
		d.beside(toServer, style, cause)
	}
}

// beside writes a line of text between wire and the packet's destination.
func (d *drawing) beside(toServer bool, style style, text string) {
	row := d.lifeline(d.client)
	if toServer {
		row.to(d.wire)
		row.add(dim, "│")
		row.add(style, " "+clip(text, d.server-d.wire-3))
	} else {
		row.add(style, padLeft(clip(text, d.wire-d.client-3), d.wire-d.client-2)+" ")
		row.add(dim, "│")
	}
	row.to(d.server)
	row.add(dim, "│")
	d.emit(row)
}

// copies draws what the link sent once more: arrows that begin at wire.
func (d *drawing) copies(r *wire.Record) {
	if r.Fate.What == wire.Dropped {
		return
	}
	for range min(r.Fate.Copies, maxCopies) {
		row := d.lifeline(d.client)
		if r.Dir == wire.In {
			row.to(d.wire)
			row.add(d.style(r), "├"+strings.Repeat("─", d.server-d.wire-2)+"►")
		} else {
			row.add(d.style(r), "◄"+strings.Repeat("─", d.wire-d.client-2)+"┤")
			row.to(d.server)
		}
		row.add(dim, "│")
		d.emit(row)
	}
}

// made draws a packet that wire has sent itself: an arrow that begins there, and why it was sent.
func (d *drawing) made(r *wire.Record) {
	row := d.whose(r)
	style := d.style(r)
	note, causes := d.words.fate(r.Fate)
	if r.Dir == wire.In {
		row.add(dim, "│")
		row.to(d.wire)
		row.add(style, "├"+inside(note, "─", d.server-d.wire-2)+"►")
	} else {
		row.add(style, "│◄"+inside(note, "─", d.wire-d.client-2)+"┤")
		row.to(d.server)
	}
	row.add(dim, "│")
	d.emit(row)
	for _, cause := range causes {
		d.beside(r.Dir == wire.In, style, cause)
	}
}

// Arrival draws that a packet which was held goes on: an arrow that begins at wire. by is the packet that it
// waited for.
func (v View) Arrival(held, by *wire.Record) []string {
	d := v.drawing()
	row := d.margin(held.ID, by.Time)
	room := d.server - d.client - 3
	row.add(purple, clip(fmt.Sprintf(d.words.GoesOn, held.ID, by.ID), room))
	row.to(d.server)
	row.add(dim, "│")
	d.emit(row)
	row = d.whose(held)
	row.add(dim, "│")
	if held.Dir == wire.In {
		row.to(d.wire)
		row.add(purple, "├"+strings.Repeat("─", d.server-d.wire-2)+"►")
	} else {
		row.add(purple, "◄"+strings.Repeat("─", d.wire-d.client-2)+"┤")
		row.to(d.server)
	}
	row.add(dim, "│")
	d.emit(row)
	return d.lines
}

// Holds knows which packets are held, so that their arrival can be drawn.
type Holds struct{ held []*wire.Record }

// Passes returns the held packet that goes on behind r, or nil: that of the fault which exchanged the two.
func (h *Holds) Passes(r *wire.Record) *wire.Record {
	switch {
	case r.Fate.Fault == 0:
	case r.Fate.What == wire.Held:
		if h.held = append(h.held, r); len(h.held) > 64 {
			h.held = h.held[1:]
		}
	case r.Fate.What == wire.Reordered:
		for i, held := range h.held {
			if held.Fate.Fault == r.Fate.Fault && held.Conn == r.Conn {
				h.held = append(h.held[:i:i], h.held[i+1:]...)
				return held
			}
		}
	}
	return nil
}

// inside lays a note into a shaft of n cells: ─ delayed 50ms ─────.
func inside(note, shaft string, n int) string {
	if note == "" || n < 8 {
		return strings.Repeat(shaft, max(n, 0))
	}
	note = shaft + " " + clip(note, n-4) + " "
	return note + strings.Repeat(shaft, max(n-cells(note), 0))
}
