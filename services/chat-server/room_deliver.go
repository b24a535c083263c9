package main

import (
	"bytes"
	"fmt"
	"slices"
)

// What is said together is delivered together, up to maxRound and the one handover that goes beyond it:
// 100 KiB. An outbox holds ten times as much, unless 330 people or more are behind, who share maxQueues:
// then one full round may be too much for the next who falls behind.
const (
	maxRound    = 64 << 10 // bytes that wait to be delivered
	maxHandOver = 32 << 10 // bytes that a person's goroutine gathers, to which its last line is added
)

// A saying is lines for everyone except the person from whom they come, or for one person alone.
type saying struct {
	from, to *person // may be nil
	lines    []byte
}

// deliver gives everyone what has been said, all in one write. Almost everyone gets the same bytes.
func (r *room) deliver() {
	for len(r.said) > 0 { // who is dropped below is news, and to be delivered too
		said := r.said
		r.said, r.bytes = nil, 0
		same := part(said, nil)
		for _, p := range r.people {
			lines := same
			if p.apart {
				lines = part(said[p.since:], p)
				p.apart, p.since = false, 0
			}
			r.give(p, lines)
		}
	}
}

// part is what one person gets of what was said, or, for nil, what everyone gets.
func part(said []saying, p *person) (lines []byte) {
	for _, s := range said {
		switch {
		case p != nil && s.from == p: // nobody gets their own lines
		case s.to != nil && s.to != p:
		case lines == nil:
			lines = slices.Clip(s.lines) // mostly there is no more than this, and no copy
		default:
			lines = append(lines, s.lines...)
		}
	}
	return lines
}

// give puts lines into a person's outbox. Where it is full, the person is disconnected.
func (r *room) give(p *person, lines []byte) {
	if len(lines) > 0 && !p.send(lines) {
		r.remove(p, r.say.Dropped)
		p.drop()
	}
}

// tellAll says n lines to everyone but from, who may be nil. Nobody changes lines after.
func (r *room) tellAll(from *person, lines []byte, n int) {
	r.said = append(r.said, saying{from: from, lines: lines})
	r.bytes += len(lines)
	hearers := len(r.people)
	if from != nil && from.in {
		from.apart = true
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
	p.apart = true
	r.said = append(r.said, saying{to: p, lines: fmt.Appendf(nil, format+"\n", args...)})
	r.counts.deliveries.Inc()
}

// send puts lines into a person's outbox, in the form that they want. It is false where that is full.
func (p *person) send(lines []byte) bool {
	if !p.bare.Load() {
		return p.out.send(lines)
	}
	for line := range bytes.SplitSeq(bytes.TrimSuffix(lines, []byte{'\n'}), []byte{'\n'}) {
		if !p.out.send(line) {
			return false
		}
	}
	return true
}
