package ladder

import (
	"fmt"
	"slices"
	"strings"

	"netlab.example/pkg/text"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/packet"
)

// maxDump is how many bytes of data are shown of an opened packet; a capture has them all.
const maxDump = 4096

// Open takes a packet apart: each header with its fields, their values and their bytes, then the data.
// The lines have at most v.Width cells.
func (v View) Open(r *wire.Record) []string {
	d := v.drawing()
	d.client = 0
	row := newRow()
	row.add(bold, clip(fmt.Sprintf("#%d  %s  %s", r.ID, r.Time.Format("2006-01-02 15:04:05.000000 MST"), d.words.label(r)), d.Width))
	d.emit(row)
	note, causes := d.words.fate(r.Fate)
	if r.Fate.What == wire.Seen {
		note = d.words.Seen
	}
	if note != "" || len(causes) > 0 {
		d.text(d.style(r), strings.Join(append([]string{note}, causes...), " · "))
	}
	if m := r.Fate.Damage; m != nil && m.Offset >= 0 && m.Offset < len(r.Raw) {
		d.text(red, fmt.Sprintf("[%d] %02x → %02x", m.Offset, r.Raw[m.Offset], r.Raw[m.Offset]^m.Mask))
	}
	d.fields(r.Raw, d.withWindow(r, packet.Fields(r.Packet, r.Raw)), 0)
	d.dump(r)
	return d.lines
}

// withWindow puts what the window is in bytes behind its field: the factor stands in the SYNs, and here.
func (d *drawing) withWindow(r *wire.Record, fs []wire.Field) []wire.Field {
	for i := range fs {
		for j, f := range fs[i].Fields {
			if f.Name != "tcp.window_size_value" {
				continue
			}
			value := d.words.NoFactor
			if r.Scale != nil {
				value = fmt.Sprintf(d.words.Factor, r.Window, 1<<min(*r.Scale, 14))
			} else if r.Packet.TCP != nil && r.Packet.TCP.Flags.Has(wire.SYN) {
				value = fmt.Sprintf(d.words.Factor, r.Window, 1)
			}
			fs[i].Fields = slices.Insert(fs[i].Fields, j+1, wire.Field{Name: "tcp.window_size", Value: value})
			return fs
		}
	}
	return fs
}

func (d *drawing) text(s style, text string) {
	row := newRow()
	row.add(s, clip(text, d.Width))
	d.emit(row)
}

// fields writes a tree: name, value, and on the right the bytes.
func (d *drawing) fields(raw []byte, fs []wire.Field, depth int) {
	nameWidth := min(30, d.Width/2)
	for _, f := range fs {
		if depth == 0 {
			d.text(bold, "▸ "+d.words.Value.Replace(text.Escape(f.Value))+"  ("+text.Escape(f.Name)+")")
		} else {
			hex := hexBytes(wire.Span{At: f.At, Len: f.Len}.Of(raw))
			room := d.Width - nameWidth - 1
			value := d.words.Value.Replace(text.Escape(f.Value))
			row := newRow()
			row.add(plain, pad(strings.Repeat("  ", min(depth, 5))+text.Escape(f.Name), nameWidth))
			row.add(bright, " "+clip(value, room-1))
			if left := d.Width - cells(row.text) - 2; left >= 2 && f.Fields == nil {
				hex = clip(hex, left)
				row.to(d.Width - cells(hex))
				row.add(dim, hex)
			}
			d.emit(row)
		}
		if depth < 8 { // trees are shallow; one that is not came from nobody's packet
			d.fields(raw, f.Fields, depth+1)
		}
	}
}

func hexBytes(b []byte) string {
	if len(b) > 64 {
		return fmt.Sprintf("% x", b[:64]) + "…"
	}
	return fmt.Sprintf("% x", b)
}

// dump writes the data as bytes, and as text beside them if a byte is a plain letter.
func (d *drawing) dump(r *wire.Record) {
	data := r.Payload()
	each := 16
	if d.Width < 76 {
		each = 8
	}
	for at := 0; at < min(len(data), maxDump); at += each {
		b := data[at:min(at+each, len(data), maxDump)]
		row := newRow()
		row.add(dim, fmt.Sprintf(" %04x  ", at))
		row.add(plain, pad(fmt.Sprintf("% x", b), 3*each))
		letters := strings.Map(func(c rune) rune {
			if c < ' ' || c > '~' {
				return '.'
			}
			return c
		}, latin(b))
		row.add(bright, " "+letters)
		d.emit(row)
	}
	if left := r.Packet.Data.Len - min(len(data), maxDump); left > 0 {
		d.text(dim, fmt.Sprintf("  … +%d", left))
	}
	if len(data) > 0 {
		d.text(bright, "  "+quoted(r))
	}
}

// latin makes one rune of each byte.
func latin(b []byte) string {
	rs := make([]rune, len(b))
	for i, c := range b {
		rs[i] = rune(c)
	}
	return string(rs)
}
