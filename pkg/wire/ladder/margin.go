package ladder

import (
	"fmt"
	"net/netip"
	"regexp"
	"time"

	"netlab.example/pkg/text"
	"netlab.example/pkg/wire"
)

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

// ofCompose is a container's name as Compose makes it: project, service, number; or of "run", something random.
var ofCompose = regexp.MustCompile(`^[a-z0-9][a-z0-9_]*-(.+?)-(?:[0-9]+|run-[0-9a-f]{12})$`)

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
