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
	quiet bool // has said all, at a stop

	// Between two deliveries: apart is true where what is in the room's said is not for this person as it is for
	// all, because they said some of it, were told some of it alone, or came when since sayings were in it already.
	// deliver empties said, and so sets both back. leave only reads them: it gives the person their part early,
	// for nothing is delivered to whoever is out of the room.
	apart bool
	since int
}

// A room is the state that all connections share, and one goroutine owns it: run. The others hand it
// functions, and it calls one after the other. So there are no locks, no two things happen at once,
// and the order in which the room takes them is the one order that everybody sees:
//
//	Ann reads ──┐                              ┌──> Ann's outbox ──> kernel
//	Ben reads ──┼──> do ──> run ──> deliver ───┼──> Ben's outbox ──> kernel
//	operator ───┘                              └──> Cai's outbox ──> kernel, or queue
//
// run waits for nobody (an outbox never does), while anybody waits for run: whoever talks faster than
// the room can deliver is read more slowly, and nothing is lost. A person whose outbox is full does
// not read. They are disconnected; to wait for them would make everyone as slow as the slowest.
type room struct {
	say    notices
	max    int
	counts counts

	todo   chan func()
	quit   chan struct{} // close has been called
	closed chan struct{} // run has returned

	behind atomic.Int64 // people for whom something waits

	people map[string]*person // by key of their name
	guests int                // numbers given; in an empty room they begin again
	said   []saying           // to be delivered ...
	bytes  int                // ... and how much that is

	stopped chan struct{} // closed when everybody has been told of the stop
}

func newRoom(cfg Config, say notices, counts counts) *room {
	return &room{
		say: say, max: int(cfg.MaxConns), counts: counts,
		todo: make(chan func(), 256), quit: make(chan struct{}), closed: make(chan struct{}),
		people: make(map[string]*person), stopped: make(chan struct{}),
	}
}

// run owns the room until close.
func (r *room) run() {
	defer close(r.closed)
	for {
		select {
		case f := <-r.todo:
			f()
			// What else has arrived by now shares the same writes: the busier the room, the fewer for each line.
			for n := len(r.todo); n > 0 && r.bytes < maxRound; n-- {
				(<-r.todo)()
			}
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

// do hands the room something to do, and ask waits until it is done. A closed room does nothing.
func (r *room) do(f func()) {
	select {
	case r.todo <- f:
	case <-r.closed:
	}
}

func (r *room) ask(f func()) {
	done := make(chan struct{})
	r.do(func() { f(); close(done) })
	select {
	case <-done:
	case <-r.closed:
	}
}

// join brings a person in, under a name that nobody has. It returns the line that refuses them, or "".
func (r *room) join(p *person) (refusal string) {
	r.ask(func() {
		switch {
		case r.isStopped():
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
		p.in, p.apart, p.since = true, true, len(r.said)
		r.people[p.name.key] = p
		r.counts.people.Inc()
		r.notice(p, r.say.Joined, p.name.shown)
		r.tell(p, r.say.Welcome, p.name.shown, len(r.people))
	})
	return refusal
}

func guest(n int) name {
	s := fmt.Sprintf("guest-%d", n)
	return name{s, s}
}

// leave takes a person out, who gets all that was said before and then last, which may be "".
func (r *room) leave(p *person, last, news string) {
	r.ask(func() {
		if p.in {
			r.give(p, part(r.said[p.since:], p))
		}
		if p.in && last != "" {
			r.give(p, []byte(last+"\n"))
		}
		r.remove(p, news)
		r.checkStopped()
	})
}

// remove takes a person out of the room and tells the others.
func (r *room) remove(p *person, news string) {
	if !p.in {
		return
	}
	p.in = false
	delete(r.people, p.name.key)
	if len(r.people) == 0 {
		r.guests = 0
	}
	r.counts.people.Dec()
	if !r.isStopped() {
		r.notice(p, news, p.name.shown)
	}
}

// rename gives a person the name they ask for, where they may have it.
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
	r.ask(func() {
		r.deliver()
		n = len(r.people)
		for _, p := range r.people {
			p.send([]byte(byebye + "\n"))
			p.in = false
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
