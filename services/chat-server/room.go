package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Why a person's visit was ended from outside. At a stop the cause is context.Canceled.
var (
	errNotReading = errors.New("does not take in messages")
	errDismissed  = errors.New("the operator said goodbye")
)

// A person is one connection in the room.
type person struct {
	conn net.Conn
	addr string
	out  *outbox
	bare atomic.Bool             // gets lines without newlines
	end  context.CancelCauseFunc // ends the visit

	// The room's. A person's own goroutine may read name: it only changes while that goroutine waits for the room.
	name  name
	in    bool // in the room
	known bool // the others have been told that they joined
	quiet bool // has said all, at a stop
	late  int  // lines that came after the goodbye, and were not said
	came  int  // on the page that is being written: where they came in ...
	went  int  // ... and where they left
}

func newPerson(r *room, conn net.Conn, addr string, end context.CancelCauseFunc) *person {
	p := &person{conn: conn, addr: addr, end: end}
	p.out = newOutbox(conn, p, &r.backlog, func() {
		r.do(func() { r.remove(p, r.say.Dropped) })
		p.drop()
	})
	return p
}

// A room is the state that all connections share, and one goroutine owns it: run. The others hand it
// functions, and it calls one after the other. So there are no locks, no two things happen at once,
// and the order in which the room takes them is the one order that everybody sees:
//
//	Ann reads ──┐                              ┌──> Ann's outbox ──> kernel
//	Ben reads ──┼─> talk ─> run ─> deliver ────┼──> Ben's outbox ──> kernel
//	operator ───┘                              └──> Cai's outbox ──> kernel, or later
//
// run waits for nobody: an outbox never does. But everybody who talks waits for run. So if people talk
// faster than the room can deliver, or than the slowest of those who read can read, they are read from
// more slowly, and nothing is lost. Only people who take in nothing, or next to nothing, are disconnected.
type room struct {
	say    notices
	max    int
	counts counts

	talk   chan func() // what people say and ask for, in order; waits while the backlog is full
	todo   chan func() // what may not wait for that
	quit   chan struct{}
	closed chan struct{} // run has returned

	people  map[string]*person // by key of their name
	guests  int                // numbers given; in an empty room they begin again
	left    []*person          // since the last delivery
	leaving []*person          // before it: something may still wait for them

	page    *page // that is being written
	last    *page // the one before, for which somebody may wait
	backlog backlog
	asked   []chan struct{} // to be closed when the page is delivered
	scratch []byte

	stopping  bool
	stopped   chan struct{}             // closed when everybody has been told of the stop
	stopAt    atomic.Pointer[time.Time] // when the stop began: the same for all
	lastBytes atomic.Int64              // how much may still be read at a stop, of all together
}

func newRoom(cfg Config, say notices, counts counts) *room {
	r := &room{
		say: say, max: int(cfg.MaxConns), counts: counts,
		talk: make(chan func(), 256), todo: make(chan func()), quit: make(chan struct{}), closed: make(chan struct{}),
		people: make(map[string]*person), page: new(page), backlog: backlog{moved: make(chan struct{}, 1)},
		stopped: make(chan struct{}),
	}
	r.lastBytes.Store(maxBacklog)
	return r
}

// run owns the room until close.
func (r *room) run() {
	defer close(r.closed)
	for {
		talk := r.talk
		if !r.stopping && r.backlog.isFull(r.readers) {
			talk = nil
		}
		select {
		case f := <-talk:
			f()
			// What else has arrived by now shares the same writes: the busier the room, the fewer for each line.
			for n := len(r.talk); n > 0 && len(r.page.lines) < maxRound; n-- {
				(<-r.talk)()
			}
		case f := <-r.todo:
			f()
		case <-r.backlog.moved:
		case <-r.quit:
			return
		}
		r.deliver()
	}
}

// close ends run.
func (r *room) close() {
	close(r.quit)
	<-r.closed
}

// do hands the room something to do at once.
func (r *room) do(f func()) { r.hand(r.todo, f) }

// hear hands the room something that a person says, when there is room for it.
func (r *room) hear(f func()) { r.hand(r.talk, f) }

// ask is hear, and returns when it is done and delivered.
func (r *room) ask(f func()) { r.await(r.talk, f) }

// hand gives run something to do. A closed room does nothing.
func (r *room) hand(to chan<- func(), f func()) {
	select {
	case to <- f:
	case <-r.closed:
	}
}

func (r *room) await(to chan<- func(), f func()) {
	done := make(chan struct{})
	r.hand(to, func() { f(); r.asked = append(r.asked, done) })
	select {
	case <-done:
	case <-r.closed:
	}
}

// join brings a person in, under a name that nobody has. It returns the line that refuses them, or "".
func (r *room) join(p *person) (refusal string) {
	r.ask(func() {
		switch {
		case r.stopping:
			refusal = r.say.Stopping
			return
		case len(r.people) >= r.max:
			refusal = fmt.Sprintf(r.say.Full, r.max)
			return
		}
		for p.name.key == "" || r.people[p.name.key] != nil {
			r.guests++
			p.name = guest(r.guests)
		}
		p.in, p.came = true, len(r.page.lines)
		r.people[p.name.key] = p
		r.counts.people.Inc()
		r.tell(p, r.say.Welcome, p.name.shown, len(r.people))
	})
	return refusal
}

func guest(n int) name {
	s := fmt.Sprintf("guest-%d", n)
	return name{s, s}
}

// introduce tells the others that a person has joined. Nobody hears of people who leave without a word.
func (r *room) introduce(p *person) {
	r.hear(func() {
		if p.in && !p.known {
			p.known = true
			r.notice(p, r.say.Joined, p.name.shown)
		}
	})
}

// leave takes a person out, who has been given, or will be, all that was said before.
func (r *room) leave(p *person, news string) {
	r.ask(func() {
		r.remove(p, news)
		r.checkStopped()
	})
}

// remove takes a person out of the room and tells the others.
func (r *room) remove(p *person, news string) {
	if !p.in {
		return
	}
	p.in, p.went = false, len(r.page.lines)
	r.left = append(r.left, p)
	delete(r.people, p.name.key)
	if len(r.people) == 0 {
		r.guests = 0
	}
	r.counts.people.Dec()
	if p.known && !r.isStopped() {
		r.notice(p, news, p.name.shown)
	}
}

// rename gives a person the name they ask for, if they may have it.
func (r *room) rename(p *person, asked string) (old name, renamed bool) {
	wish, rule := parseName(asked)
	r.ask(func() {
		old = p.name
		switch owner := r.people[wish.key]; {
		case rule == nameLength:
			r.tell(p, r.say.NameLength)
		case rule == nameCharacters:
			r.tell(p, r.say.NameChars)
		case rule == nameReserved:
			r.tell(p, r.say.NameKept)
		case owner != nil && owner != p:
			r.tell(p, r.say.NameTaken, wish.shown)
		case wish == old:
			r.tell(p, r.say.You, wish.shown)
		case p.in:
			delete(r.people, old.key)
			p.name = wish
			r.people[wish.key] = p
			r.notice(nil, r.say.Renamed, old.shown, wish.shown)
			renamed = true
		}
	})
	return old, renamed
}

// who is the line that says who is here: as many names as fit a message.
func (r *room) who() (line string) {
	names := make([]string, 0, len(r.people))
	for _, p := range r.people {
		names = append(names, p.name.shown)
	}
	slices.Sort(names)
	size := 0
	for i, n := range names {
		if size += len(n) + len(", "); size > maxText-len(r.say.More) {
			return fmt.Sprintf(r.say.More, len(names), strings.Join(names[:i], ", "), len(names)-i)
		}
	}
	return fmt.Sprintf(r.say.Who, len(names), strings.Join(names, ", "))
}

// dismiss says goodbye to everyone: the word that ends a visit, and nothing else. The room stays open.
func (r *room) dismiss() (n int) {
	r.await(r.todo, func() {
		for len(r.talk) > 0 { // what was said before comes before, though the backlog be full
			(<-r.talk)()
		}
		n = len(r.people)
		r.tellAll(nil, []byte(byebye+"\n"), 1)
		for _, p := range r.people {
			p.in, p.went = false, len(r.page.lines)
			r.left = append(r.left, p)
			p.dismiss()
		}
		clear(r.people)
		r.guests = 0
		r.counts.people.Set(0)
	})
	return n
}

// drop disconnects a person at once. What the kernel still holds for them is thrown away too: it would
// go on trying to deliver megabytes to somebody who does not take them.
func (p *person) drop() {
	p.end(errNotReading)
	if tcp, ok := p.conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	p.conn.Close()
}

// dismiss ends a visit in order: the goroutine that reads finds its context ended.
func (p *person) dismiss() {
	p.end(errDismissed)
	p.conn.SetReadDeadline(time.Unix(1, 0))
}
