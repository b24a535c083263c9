package main

import (
	"fmt"
	"slices"
)

// What is said together is delivered together, up to maxRound and the one handover that goes beyond it.
const (
	maxRound    = 64 << 10 // bytes that wait to be delivered
	maxHandOver = 32 << 10 // bytes that a person's goroutine gathers, to which its last line is added
)

// tellAll says n lines to everyone but from, who may be nil.
func (r *room) tellAll(from *person, lines []byte, n int) {
	r.page.add(from, nil, lines)
	hearers := len(r.people)
	if from != nil && from.in {
		hearers--
	}
	r.counts.deliveries.Add(float64(n * hearers))
}

// notice says one line of the server's to everyone but p.
func (r *room) notice(p *person, format string, args ...any) {
	r.tellAll(p, fmt.Appendf(nil, format+"\n", args...), 1)
}

// tell says one line to p alone.
func (r *room) tell(p *person, format string, args ...any) {
	r.tellBytes(p, fmt.Appendf(nil, format+"\n", args...))
}

func (r *room) tellBytes(p *person, lines []byte) {
	r.page.add(nil, p, lines)
	r.counts.deliveries.Inc()
}

// deliver gives everyone the page. If somebody has to get it later, the next page follows it; otherwise
// nobody refers to it, and the next takes its place.
func (r *room) deliver() {
	if len(r.page.lines) > 0 {
		r.handOut()
	}
	r.leaving = append(r.leaving, r.left...)
	r.left = r.left[:0]
	r.leaving = slices.DeleteFunc(r.leaving, func(p *person) bool { return p.out.heard(r.backlog.head) })
	for _, done := range r.asked {
		close(done)
	}
	r.asked = r.asked[:0]
}

func (r *room) handOut() {
	pg, head := r.page, r.backlog.head+r.page.cost()
	if r.last != nil {
		r.last.next = pg
	}
	for _, p := range r.people {
		p.out.send(place{page: pg, at: p.came}, place{page: pg, at: len(pg.lines)}, head, &r.scratch)
		p.came = 0
	}
	for _, p := range r.left {
		p.out.send(place{page: pg, at: p.came}, place{page: pg, at: p.went}, head, &r.scratch)
	}
	if r.backlog.behind.Load() > 0 { // they refer to the page
		r.last, r.backlog.head, r.page = pg, head, &page{before: head}
		return
	}
	r.last = nil
	pg.empty(r.backlog.head)
}

// readers are all for whom something may wait.
func (r *room) readers(yield func(*outbox) bool) {
	for _, p := range r.people {
		if !yield(p.out) {
			return
		}
	}
	for _, p := range r.leaving {
		if !yield(p.out) {
			return
		}
	}
}
