package main

import (
	"flag"
	"fmt"
	"time"

	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/ladder"
)

// look is how a ladder is asked for: the flags that watch, read and picture share.
type look struct {
	width                  *int
	light, delta, hideACKs *bool
}

func looks(f *flag.FlagSet, width int) look {
	return look{f.Int("width", width, ""), f.Bool("light", false, ""), f.Bool("delta", false, ""), f.Bool("no-acks", false, "")}
}

// drawer draws records as lines, one after the other.
type drawer struct {
	ladder.View
	delta, hideACKs bool
	eachChange      bool // name the ends whenever the connection changes, and not once only

	names func() map[string]string // asks what the containers are called; nil: nobody knows
	asked time.Time

	holds    ladder.Holds
	told     map[int]bool // connections whose ends were named
	conn     int          // of the row before
	previous time.Time
	hidden   int
}

func (a *asker) drawer(l look) *drawer {
	v := a.view(*l.width)
	v.Light = *l.light
	return &drawer{View: v, delta: *l.delta, hideACKs: *l.hideACKs, told: map[int]bool{}}
}

// record draws one packet.
func (d *drawer) record(r *wire.Record) []string {
	if d.Start.IsZero() {
		d.Start, d.previous = r.Time, r.Time
	}
	held := d.holds.Passes(r)
	if d.hideACKs && ladder.Bare(r) {
		d.hidden++
		return nil
	}
	var lines []string
	if !d.told[r.Conn] || d.eachChange && d.conn != r.Conn {
		if len(d.told) > 10_000 {
			clear(d.told)
		}
		d.told[r.Conn] = true
		if d.names != nil && d.Names[r.Client.Addr().Unmap().String()] == "" && time.Since(d.asked) > time.Second {
			d.Names, d.asked = d.names(), time.Now()
		}
		lines = d.Head(r)
	}
	d.conn = r.Conn
	v := d.View
	if d.delta {
		v.Prev = d.previous
	}
	d.previous = r.Time
	lines = append(lines, v.Render(r)...)
	if held != nil {
		lines = append(lines, v.Arrival(held, r)...)
	}
	return lines
}

// rest is what is to be said when nothing more comes.
func (d *drawer) rest(w *phrases) []string {
	if d.hidden == 0 {
		return nil
	}
	return []string{d.Note(fmt.Sprintf(w.Hidden, d.hidden))}
}
