package main

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"netlab.example/pkg/text"
)

const (
	smallRead = 512                    // a person types less than that
	bigRead   = 16 << 10               // where one read was full, more is likely to wait
	lastWait  = 150 * time.Millisecond // at a stop: for what has arrived and was not read
	lastBytes = 64 << 10
)

// A visitor is what a person's own goroutine knows of them.
type visitor struct {
	*person
	server *server
	in     splitter
	limit  limiter
	slowed bool      // they have been too fast, and the transcript says so
	heard  time.Time // when they were last heard

	lines []byte // said, and not yet handed to the room
	n     int
}

var bigBuffers = sync.Pool{New: func() any { return new([bigRead]byte) }}

// listen reads until the visit ends. A silent connection keeps no more than a small buffer.
func (v *visitor) listen(ctx context.Context) *ending {
	small := make([]byte, smallRead)
	full := false // the last read filled its buffer
	for {
		deadline, late := v.deadline()
		v.conn.SetReadDeadline(deadline)
		if ctx.Err() != nil { // looked at after the deadline is set: see package tcpserver
			return v.ended(ctx)
		}
		var err error
		if full && v.limit.rate == 0 { // else the limit lets no more pass than small holds
			big := bigBuffers.Get().(*[bigRead]byte)
			full, err = v.read(ctx, big[:])
			bigBuffers.Put(big)
		} else {
			full, err = v.read(ctx, small)
		}
		switch {
		case err == nil:
		case errors.Is(err, errByebye):
			return saidByebye
		case errors.Is(err, io.EOF): // they have said all they want to say
			if errors.Is(v.take(ctx, v.in.end()), errByebye) {
				return saidByebye
			}
			return endOfInput
		case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil:
			if late != nil {
				return late
			}
			if errors.Is(v.take(ctx, v.in.pause()), errByebye) {
				return saidByebye
			}
		case ctx.Err() == nil: // a reset; the textbook's client says byebye, and closes with our lines unread
			if errors.Is(v.take(ctx, v.in.pause()), errByebye) {
				return saidByebye
			}
			return reset
		}
	}
}

// deadline is until when something must come, and how the visit ends where nothing does: nil where the
// silence is what ends a message. Of three clocks it is the one that is due first; zero: none runs.
func (v *visitor) deadline() (first time.Time, late *ending) {
	clock := func(due time.Time, end *ending) {
		if first.IsZero() || due.Before(first) {
			first, late = due, end
		}
	}
	if v.in.pauseEnds() {
		clock(v.heard.Add(bareWait), nil)
	} else if limit := v.server.cfg.IdleTimeout.D(); limit > 0 { // else: after the pause, or their words would be lost
		clock(v.heard.Add(limit), idle)
	}
	if v.in.begun() { // bytes that dribble put off the two above, not this
		clock(v.in.began.Add(lineWait), unfinished)
	}
	return first, late
}

// ended is how the visit ends, where it was not the visitor who ended it.
func (v *visitor) ended(ctx context.Context) *ending {
	switch context.Cause(ctx) {
	case errNotReading:
		return notReading
	case errDismissed:
		return dismissed
	}
	// The server stops. What has arrived by now the peer believes to be said, so it is.
	buf := make([]byte, 4<<10)
	var err error
	for taken := 0; taken < lastBytes && err == nil; taken += len(buf) {
		v.conn.SetReadDeadline(time.Now().Add(lastWait))
		_, err = v.read(ctx, buf)
	}
	if errors.Is(err, errByebye) || errors.Is(v.take(ctx, v.in.end()), errByebye) {
		return saidByebye
	}
	return stopped
}

// read reads once, and takes the messages that end there.
func (v *visitor) read(ctx context.Context, buf []byte) (full bool, err error) {
	n, err := v.conn.Read(buf)
	if n > 0 {
		if err := v.take(ctx, v.in.feed(buf[:n])); err != nil {
			return false, err
		}
		v.heard = time.Now() // after take: while the limit made them wait they could not be heard
	}
	return n == len(buf), err
}

var errByebye = errors.New(byebye)

// take deals with messages one by one, no faster than the limit allows. It returns errByebye for the word that ends a visit.
func (v *visitor) take(ctx context.Context, messages iter.Seq2[[]byte, error]) error {
	defer v.handOver()
	for text, err := range messages {
		v.bare.Store(v.in.bare) // before the answer, which is in the form that they want
		v.wait(ctx)
		if cause := context.Cause(ctx); cause == errNotReading || cause == errDismissed {
			return nil
		}
		switch {
		case err != nil:
			v.answer(v.server.wire.TooLong)
		case !utf8.Valid(text):
			v.answer(v.server.wire.NotUTF8)
		default:
			if err := v.message(string(text)); err != nil {
				return err
			}
		}
	}
	v.bare.Store(v.in.bare) // the end of a message that was refused shows it too, and yields nothing
	return nil
}

// wait lets the limit's time pass. At a stop there is no time: what has been read is said.
func (v *visitor) wait(ctx context.Context) {
	pause := v.limit.take(time.Now())
	if pause == 0 || ctx.Err() != nil {
		return
	}
	v.handOver()
	if !v.slowed {
		v.slowed = true
		v.server.story.Notef(v.server.say.Slowed, v.name.shown, v.server.cfg.Rate)
	}
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}

// message is one message: the word that ends a visit, a command, or text for everybody.
func (v *visitor) message(text string) error {
	command, isCommand := strings.CutPrefix(text, "/")
	switch {
	case strings.TrimSpace(text) == "":
	case strings.TrimSpace(text) == byebye:
		return errByebye
	case isCommand && !strings.HasPrefix(command, "/"):
		v.command(command)
	case isCommand:
		v.toAll(command) // "//" is how a message begins with "/"
	default:
		v.toAll(text)
	}
	return nil
}

func (v *visitor) command(line string) {
	name, rest, _ := strings.Cut(line, " ")
	v.handOver() // what was said before comes before
	switch name {
	case "nick":
		if old, renamed := v.server.room.rename(v.person, rest); renamed {
			v.server.story.Printf(v.server.say.Renamed, old.shown, v.name.shown)
		}
	case "who":
		v.server.room.ask(func() { v.server.room.tell(v.person, "%s", v.server.room.who()) })
	case "help":
		v.answer(v.server.wire.Help)
	default:
		v.answer(v.server.wire.NoCommand)
	}
}

// toAll makes text harmless and puts the name before it.
func (v *visitor) toAll(said string) {
	said = text.Escape(said)
	v.server.story.Printf(v.server.say.Said, v.name.shown, said)
	v.lines = append(v.lines, v.name.shown...)
	v.lines = append(v.lines, ": "...)
	v.lines = append(v.lines, said...)
	v.lines = append(v.lines, '\n')
	v.n++
	if len(v.lines) >= maxHandOver { // a read full of short lines, each with a long name before it, grows to a megabyte
		v.handOver()
	}
}

// handOver gives the room the lines of a read at once: one step of the room, one write for each person.
func (v *visitor) handOver() {
	if v.n == 0 {
		return
	}
	p, lines, n, r := v.person, v.lines, v.n, v.server.room
	v.lines, v.n = nil, 0
	v.server.counts.messages.Add(float64(n))
	r.do(func() { r.tellAll(p, lines, n) })
}

// answer says one line to this visitor alone.
func (v *visitor) answer(line string) {
	v.handOver()
	r, p := v.server.room, v.person
	r.do(func() { r.tell(p, "%s", line) })
}
