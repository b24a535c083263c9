package main

import (
	"bytes"
	"unsafe"
)

// A page is what was said in one round of the room. It exists once, however many people have still to get
// it: each of them has a place in it, and goes on to the next page from there.
//
//	page 1 ──> page 2 ──> page 3 ──> page 4
//	  Ben        Cai                   everybody else
//
// When the last reader has passed a page, nothing refers to it any more, and the garbage collector takes
// it. So what waits for a thousand people who do not read costs no more than what waits for one of them.
type page struct {
	lines  []byte
	parts  []part // of lines, one after the other
	before int64  // what all pages before it cost
	next   *page  // set before anybody is told that there is one
}

// A part of a page is lines for everyone but from, or for to alone. Both may be nil.
type part struct {
	from, to *person
	end      int // in the page's lines
}

func (t *part) isFor(p *person) bool { return t.from != p && (t.to == nil || t.to == p) }

// add puts lines at the end of a page. Nobody may have been given the page yet.
func (pg *page) add(from, to *person, lines []byte) {
	pg.lines = append(pg.lines, lines...)
	pg.parts = append(pg.parts, part{from, to, len(pg.lines)})
}

// cost is how much memory a page takes.
func (pg *page) cost() int64 {
	return int64(unsafe.Sizeof(page{})) + int64(cap(pg.lines)) + int64(cap(pg.parts))*int64(unsafe.Sizeof(part{}))
}

// empty makes a page, which nobody refers to, a new one. Its memory is used again, unless it is much.
func (pg *page) empty(before int64) {
	if cap(pg.lines) > 2*maxRound {
		pg.lines = nil
	}
	clear(pg.parts)
	*pg = page{lines: pg.lines[:0], parts: pg.parts[:0], before: before}
}

// A place is how far somebody has got: bytes of a page.
type place struct {
	page *page
	at   int
	part int // the one in which at is, or an earlier one
}

// read returns what is next for p before end, as much as lies in a row, and moves to where it begins. It
// returns nil at end. Bare people get a line at a time, without its newline.
func (pl *place) read(p *person, end place) []byte {
	for {
		pg, stop := pl.page, end.at
		if pg != end.page {
			stop = len(pg.lines)
		}
		if pl.at >= stop {
			if pg == end.page {
				return nil
			}
			*pl = place{page: pg.next}
			continue
		}
		for pg.parts[pl.part].end <= pl.at {
			pl.part++
		}
		to := pl.at
		for i := pl.part; to < stop && pg.parts[i].isFor(p); i++ {
			to = pg.parts[i].end
		}
		switch lines := pg.lines[pl.at:to]; {
		case len(lines) == 0: // not for p
			pl.at = pg.parts[pl.part].end
		case !p.bare.Load():
			return lines
		case lines[0] == '\n':
			pl.at++
		default:
			line, _, _ := bytes.Cut(lines, []byte{'\n'})
			return line
		}
	}
}

// skip moves past n bytes of what there is for p before end.
func (pl *place) skip(p *person, end place, n int) {
	for n > 0 {
		m := min(n, len(pl.read(p, end)))
		pl.at += m
		n -= m
	}
}
