// Package ladder draws packets the way networking books do: time runs down, and each packet is an arrow
// between the client and the server.
//
//	              client                      wire                        server
//	#7     0.2130 │ data #1 «HTTP/1.1 200 OK\r\n…»     PSH ACK seq=1 ack=7 len=44 │
//	c1 :51234     │     dropped here: loss 30 % ✗◄────────────────────────────────┤
//
// The middle column is wire itself, the place where a packet meets its fate: an arrow that ends there
// went no further. Everything that came from the network is escaped before it is drawn.
//
//	render.go    a record to lines; a pure function
//	margin.go    left of them: number, time, and whose packet it is
//	arrow.go     the packet's way, and what became of it
//	head.go      the lines around a ladder, and between its packets
//	label.go     what a packet is and what became of it, in words
//	phrases.go   the words, in two languages
//	cells.go     widths on a screen
//	fields.go    a packet taken apart
package ladder

import (
	"strings"
	"time"

	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
)

// MinWidth is the narrowest ladder that is drawn, also if less is asked for.
const MinWidth = 40

// maxCopies is how many copies of a packet are drawn. The note says how many there were.
const maxCopies = 3

// View is how a ladder is to look.
type View struct {
	Width  int // in cells
	Lang   language.Lang
	Colour bool
	Light  bool      // in colours for a white ground
	Start  time.Time // counts as 0.0000 in the margin; the zero Time leaves the time out
	Prev   time.Time // if set, the margin shows how long after it a packet came
	Mark   bool      // point at this packet, in the margin
	Middle string    // what the middle column is called; empty: wire

	Names map[string]string // what Docker calls the containers, by address
}

// Render draws one packet: lines of exactly v.Width cells, without line feeds.
func (v View) Render(r *wire.Record) []string {
	d := v.drawing()
	d.about(r)
	if r.Fate.What == wire.Made {
		d.made(r)
	} else {
		d.arrow(r)
		d.copies(r)
	}
	return d.lines
}

// The margin's widths: with a number, a time and a name, or on a small screen a number alone.
const (
	wide   = 18
	narrow = 6
)

// drawing collects the lines of one packet. The columns are those of the three vertical lines:
//
//	#7 0.213 |              |              |
//	         client         wire           server
type drawing struct {
	View
	words                phrases
	client, wire, server int
	lines                []string
}

func (v View) drawing() *drawing {
	v.Width = max(v.Width, MinWidth)
	d := &drawing{View: v, words: words.In(v.Lang), client: narrow, server: v.Width - 1}
	if v.Width >= 60 {
		d.client = wide
	}
	d.wire = (d.client + d.server) / 2
	return d
}

// emit ends a row.
func (d *drawing) emit(r *row) { d.lines = append(d.lines, r.String(d.View)) }

// about writes what the packet is, above its arrow: label and data, and on the right the header's numbers.
func (d *drawing) about(r *wire.Record) {
	room := d.server - d.client - 3 // a space on either side
	label, numbers := d.words.label(r), header(r)
	data := quoted(r)
	side := room - cells(numbers) - 2 // beside the numbers
	row := d.margin(r.ID, r.Time)
	switch enough := min(cells(data), 16); {
	case cells(label)+enough <= side:
		row.add(d.style(r), label)
		row.add(bright, fit(data, side-cells(label)))
		row.to(d.server - 1 - cells(numbers))
		row.add(dim, numbers)
	default:
		row.add(d.style(r), clip(label, room))
		row.add(bright, fit(data, room-cells(clip(label, room))))
		row.to(d.server)
		row.add(dim, "│")
		d.emit(row)
		row = d.lifeline(d.client)
		row.add(dim, " "+clip(numbers, room))
	}
	row.to(d.server)
	row.add(dim, "│")
	d.emit(row)
}

// fit clips quoted data to n cells with its closing quote kept, and puts a space before it.
func fit(data string, n int) string {
	if data == "" || n < 6 {
		return ""
	}
	if data = " " + data; cells(data) <= n {
		return data
	}
	return clip(strings.TrimSuffix(data, "»"), n-1) + "»"
}
