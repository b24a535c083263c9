package ladder

import (
	"fmt"
	"net/netip"
	"strings"

	"netlab.example/pkg/text"
	"netlab.example/pkg/wire"
)

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
