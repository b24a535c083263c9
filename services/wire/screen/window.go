package screen

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/ladder"
)

// The window's size: so many records, and so many bytes. Wire itself remembers all; the screen shares its container's
// memory, and asks for what lies before and behind when somebody scrolls there.
const (
	maxKept  = 2000
	maxBytes = 4 << 20
	step     = 200 // records that are asked for at a time
)

// Past returns what came after the record with the number since, oldest first: as much as it likes, and no record if
// there are none.
type Past func(since int) []wire.Event

// row is a record, what was changed before it, and the one that was held until it passed.
type row struct {
	*wire.Record
	before []*wire.Change
	goesOn *wire.Record
}

// window is a part of the list.
type window struct {
	past   Past
	all    []row
	tail   []*wire.Change // behind the last row
	bytes  int
	holds  ladder.Holds
	newest int  // the number of the newest record that the feed has brought
	behind bool // newer records than the window's last have been left out
	asking bool // an answer is on its way
}

// size is what a record takes, about: its bytes, the struct and what it points to.
func size(r *wire.Record) int { return len(r.Raw) + 1000 }

// maxChanges is how many changes may stand between two rows; the latest count.
const maxChanges = 8

// add takes what the feed brings, at the end. It returns how many rows that made, and whether older ones had to go.
func (w *window) add(events []wire.Event) (rows int, cut bool) {
	for _, e := range events {
		if e.Record != nil {
			w.newest = e.Record.ID
		}
		if w.behind {
			continue
		}
		if e.Change != nil {
			w.tail = append(w.tail, e.Change)
			w.tail = w.tail[max(len(w.tail)-maxChanges, 0):]
			continue
		}
		w.all = append(w.all, row{e.Record, w.tail, w.holds.Passes(e.Record)})
		w.tail = nil
		w.bytes += size(e.Record)
		rows++
	}
	if w.full(maxKept/10, maxBytes/10) { // a tenth at once: it costs a copy
		w.cutFront()
		return rows, true
	}
	return rows, false
}

// full reports whether the window is too large by more than a margin.
func (w *window) full(records, bytes int) bool {
	return len(w.all) > maxKept+records || w.bytes > maxBytes+bytes
}

func (w *window) cutFront() {
	n := 0
	for ; n < len(w.all)-1 && (len(w.all)-n > maxKept || w.bytes > maxBytes); n++ {
		w.bytes -= size(w.all[n].Record)
	}
	w.all = slices.Clone(w.all[n:])
}

func (w *window) cutBack() {
	n := len(w.all)
	for ; n > 1 && (n > maxKept || w.bytes > maxBytes); n-- {
		w.bytes -= size(w.all[n-1].Record)
	}
	if n < len(w.all) {
		w.behind, w.tail = true, nil
	}
	w.all = slices.Clone(w.all[:n])
}

// where says which records are asked for.
type where int

const (
	earlier where = iota
	later
	latest
)

// fetched is what was asked for.
type fetched struct {
	where where
	rows  []row
	tail  []*wire.Change
}

// fetch asks for records beyond the window's ends, in the background.
func (w *window) fetch(to where) tea.Cmd {
	if w.past == nil || w.asking || len(w.all) == 0 {
		return nil
	}
	from, until := 0, w.newest
	switch to {
	case earlier:
		until = w.all[0].ID - 1
		from = max(until-step, 0)
	case later:
		from = w.all[len(w.all)-1].ID
		until = min(from+step, w.newest)
	case latest:
		from = max(until-step, 0)
	}
	if from >= until {
		return nil
	}
	w.asking = true
	past := w.past
	return func() tea.Msg {
		f := fetched{where: to}
		var holds ladder.Holds
		for since := from; since < until; {
			last := since
			for _, e := range past(since) {
				switch r := e.Record; {
				case e.Change != nil:
					f.tail = append(f.tail, e.Change)
				case r != nil && r.ID <= until:
					f.rows = append(f.rows, row{short(r), f.tail, holds.Passes(r)})
					f.tail = nil
					since = r.ID
				case r != nil:
					since = until
				}
			}
			if since == last {
				break
			}
		}
		return f
	}
}

// take moves the window to what was fetched. It reports whether anything came.
func (w *window) take(f fetched) bool {
	w.asking = false
	if len(f.rows) == 0 {
		return false
	}
	for _, r := range f.rows {
		w.bytes += size(r.Record)
	}
	switch f.where {
	case earlier:
		w.all = append(f.rows, w.all...)
		w.cutBack()
	case later:
		w.all, w.tail = append(w.all, f.rows...), f.tail
		w.cutFront()
	case latest:
		for _, r := range w.all {
			w.bytes -= size(r.Record)
		}
		w.all, w.tail = f.rows, f.tail
	}
	if f.where != earlier && w.all[len(w.all)-1].ID >= w.newest {
		w.behind = false
	}
	return true
}
