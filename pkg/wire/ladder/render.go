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
//	label.go     what a packet is and what became of it, in words
//	phrases.go   the words, in two languages
//	cells.go     widths on a screen
//	fields.go    a packet taken apart
package ladder

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"netlab.example/pkg/language"
	"netlab.example/pkg/text"
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

// margin begins a packet's first row: its number, its time, and whether it is the marked one. A number that is too
// long for a small screen shows its end.
func (d *drawing) margin(id int, at time.Time) *row {
	row := newRow()
	number := fmt.Sprintf("#%d", id)
	most := 6
	if d.client == narrow {
		most = narrow - 1
	}
	if len(number) > most {
		number = number[1:]
	}
	if d.client > narrow {
		most = max(most, min(len(number), 10))
	} else if len(number) > most {
		number = "…" + number[len(number)-most+1:]
	}
	row.add(plain, padLeft(number, most))
	if d.client > narrow {
		row.add(dim, padLeft(d.clock(at), d.client-1-cells(row.text)))
	}
	if d.Mark {
		row.add(bold, "►")
	}
	row.to(d.client)
	row.add(dim, "│ ")
	return row
}

// clock gives a time since Start, or since the packet before, to a tenth of a millisecond: all digits stay until a
// day is over.
func (d *drawing) clock(t time.Time) string {
	if d.Start.IsZero() {
		return ""
	}
	since, sign := d.Start, ""
	if !d.Prev.IsZero() {
		since, sign = d.Prev, "+"
	}
	s := t.Sub(since).Seconds()
	for places := 4; places > 0; places-- {
		if text := fmt.Sprintf("%s%.*f", sign, places, s); len(text) <= 10 {
			return text
		}
	}
	return clip(fmt.Sprintf("%s%.0f", sign, s), 10)
}

// whose begins a packet's second row: its connection, and which client that is: the container's name, if it is
// known, else the port.
func (d *drawing) whose(r *wire.Record) *row {
	row := &row{}
	if r.Conn > 0 {
		conn := fmt.Sprintf("c%d", r.Conn)
		switch name := d.name(r.Client.Addr()); {
		case d.client == narrow:
			row.add(dim, padLeft(conn, narrow-1))
		case name != "":
			row.add(dim, padLeft(conn, 4)+" ")
			row.add(dim, clip(name, d.client-1-cells(row.text)))
		default:
			row.add(dim, padLeft(conn, 6))
			row.add(dim, clip(fmt.Sprintf(" :%d", r.Client.Port()), d.client-1-cells(row.text)))
		}
	}
	row.to(d.client)
	return row
}

// ofCompose is a container's name as Compose makes it: project, service, number.
var ofCompose = regexp.MustCompile(`^[a-z0-9][a-z0-9_]*-(.+)-[0-9]+$`)

// unnamed is a container's number: Docker calls it that if it has no other name.
var unnamed = regexp.MustCompile(`^[0-9a-f]{12}$`)

// name is what the container at an address is called, without what Compose puts around it; "" if that is unknown.
func (v View) name(addr netip.Addr) string {
	name := v.Names[addr.Unmap().String()]
	if unnamed.MatchString(name) {
		return ""
	}
	if m := ofCompose.FindStringSubmatch(name); m != nil {
		name = m[1]
	}
	return text.Escape(name)
}

// lifeline begins a row with spaces and a vertical line in column at.
func (d *drawing) lifeline(at int) *row {
	row := &row{}
	row.to(at)
	row.add(dim, "│")
	return row
}

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

// Change draws what was changed between the packets: what was asked for, and by whom.
func (v View) Change(c *wire.Change) string {
	d := v.drawing()
	line := text.Escape(c.Line)
	if c.Kind == wire.ChangeGap {
		line = fmt.Sprintf(d.words.Gap, line)
	}
	if c.By != "" {
		line += " · " + text.Escape(c.By)
	}
	row := newRow()
	if d.client > narrow {
		row.add(dim, padLeft(d.clock(c.Time), d.client-1))
		row.to(d.client)
	}
	row.add(purple, "── "+clip(line, d.Width-cells(row.text)-6)+" ")
	row.add(purple, strings.Repeat("─", max(d.Width-cells(row.text), 0)))
	return row.String(v)
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

// Title, Warning and Note are lines around a ladder; Forgotten stands for n packets that wire no longer
// has, and Scope says which layers are seen here and which are not.
func (v View) Title(text string) string   { return v.line(bold, text) }
func (v View) Warning(text string) string { return v.line(red, text) }
func (v View) Note(text string) string    { return v.line(dim, text) }
func (v View) Forgotten(n int) string     { return v.Note(fmt.Sprintf(words.In(v.Lang).Forgotten, n)) }
func (v View) Scope() string              { return v.Note(words.In(v.Lang).LinkLayer) }

func (v View) line(s style, line string) string {
	row := newRow()
	row.add(s, clip(text.Escape(line), max(v.Width, MinWidth)))
	return row.String(v)
}

// Head names the two ends of r's connection, above the columns.
func (v View) Head(r *wire.Record) []string {
	d := v.drawing()
	d.ends(r)
	return append(d.lines, v.Columns())
}

// Columns names the columns alone, for rows of several connections.
func (v View) Columns() string {
	d := v.drawing()
	row := newRow()
	middle := v.Middle
	if middle == "" {
		middle = "wire"
	}
	for _, n := range []struct {
		text string
		at   int
	}{{d.words.Client, d.client}, {middle, d.wire - cells(middle)/2}, {d.words.Server, d.server + 1 - cells(d.words.Server)}} {
		row.to(n.at)
		row.add(bold, n.text)
	}
	return row.String(v)
}

// Ends names the two ends of r's connection in a line of text: connection 3 · TCP client 10.0.0.1:5000 → server ….
func (v View) Ends(r *wire.Record) string {
	d := v.drawing()
	what, client, server := d.names(r)
	return what + " " + d.words.Client + " " + client + " → " + d.words.Server + " " + server
}

// names are the names of r's connection and of its ends.
func (d *drawing) names(r *wire.Record) (what, client, server string) {
	what = strings.ToUpper(text.Escape(string(r.Packet.Proto)))
	if r.Conn > 0 {
		what = fmt.Sprintf(d.words.Conn, r.Conn) + " · " + what
	}
	end := func(at netip.AddrPort) string {
		return strings.TrimSpace(d.name(at.Addr()) + " " + text.Escape(at.String()))
	}
	return what, end(r.Client), end(r.Server)
}

// ends writes connection, protocol and addresses, on two lines if one is too short.
func (d *drawing) ends(r *wire.Record) {
	what, client, server := d.names(r)
	row := &row{}
	row.add(bold, "── "+clip(what, d.Width-6)+" ")
	line := fmt.Sprintf("%s %s → %s %s ", d.words.Client, client, d.words.Server, server)
	if cells(row.text)+cells(line) > d.Width {
		row.fill(d.Width)
		d.emit(row)
		row = newRow()
		for _, end := range []string{d.words.Client + " " + client, d.words.Server + " " + server} {
			row.add(plain, "   "+clip(end, d.Width-3))
			row.to(d.Width)
			d.emit(row)
			row = newRow()
		}
		return
	}
	row.add(plain, line)
	row.fill(d.Width)
	d.emit(row)
}
