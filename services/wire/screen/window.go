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

// Past returns records after the one with the number since, oldest first: as many as it likes, none if there are none.
type Past func(since int) []*wire.Record

// row is a record, and the one that was held until it passed.
type row struct {
	*wire.Record
	goesOn *wire.Record
}

// window is a part of the list.
type window struct {
	past   Past
	all    []row
	bytes  int
	holds  ladder.Holds
	newest int  // the number of the newest record that the feed has brought
	behind bool // newer records than the window's last have been left out
	asking bool // an answer is on its way
}

// size is what a record takes, about: its bytes, the struct and what it points to.
func size(r *wire.Record) int { return len(r.Raw) + 1000 }

// add takes what the feed brings, at the end. It reports whether older records had to go.
func (w *window) add(records []*wire.Record) (cut bool) {
	for _, r := range records {
		if w.newest = r.ID; !w.behind {
			w.all = append(w.all, row{r, w.holds.Passes(r)})
			w.bytes += size(r)
		}
	}
	if w.full(maxKept/10, maxBytes/10) { // a tenth at once: it costs a copy
		w.cutFront()
		return true
	}
	return false
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
	w.behind = w.behind || n < len(w.all)
	w.all = slices.Clone(w.all[:n])
}

// where says which records are asked for.
type where int

const (
	earlier where = iota
	later
	latest
)

// fetched are the records that were asked for.
type fetched struct {
	where   where
	records []*wire.Record
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
		for since := from; since < until; {
			some := past(since)
			if len(some) == 0 {
				break
			}
			for _, r := range some {
				if since = r.ID; r.ID <= until {
					f.records = append(f.records, short(r))
				}
			}
		}
		return f
	}
}

// take moves the window to what was fetched. It reports whether anything came.
func (w *window) take(f fetched) bool {
	w.asking = false
	if len(f.records) == 0 {
		return false
	}
	var rows []row
	var holds ladder.Holds
	for _, r := range f.records {
		rows = append(rows, row{r, holds.Passes(r)})
		w.bytes += size(r)
	}
	switch f.where {
	case earlier:
		w.all = append(rows, w.all...)
		w.cutBack()
	case later:
		w.all = append(w.all, rows...)
		w.cutFront()
	case latest:
		for _, r := range w.all {
			w.bytes -= size(r.Record)
		}
		w.all = rows
	}
	if f.where != earlier && w.all[len(w.all)-1].ID >= w.newest {
		w.behind = false
	}
	return true
}
