package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
	smallRead = 512                   // a person types less than that
	bigRead   = 16 << 10              // if one read was full, more is likely to wait
	firstWait = 50 * time.Millisecond // a program speaks as soon as it is connected, a person does not
	knownWait = 2 * time.Second       // after that the others hear of somebody who has said nothing
	lastWait  = 150 * time.Millisecond
	lastBytes = 1 << 20 // what is read of one person at a stop
)

// A visitor is what a person's own goroutine knows of them.
type visitor struct {
	*person
	server *server
	in     splitter
	telnet telnet
	limit  limiter
	slowed bool      // they have been too fast, and the transcript says so
	joined time.Time // when they came
	heard  time.Time // when they were last heard
	known  bool      // the others have been told that they came
	spoke  bool      // something, and so is no other kind of program

	lines []byte // said, and not yet handed to the room
	n     int

	taken  int    // lines that were dealt with
	over   bool   // no more are
	lost   int    // lines that came after that
	answer string // to a program that takes this for another kind of server
}

var bigBuffers = sync.Pool{New: func() any { return new([bigRead]byte) }}

// begin reads what comes at once. It returns errForeign for what no person sends, and nil for nothing.
func (v *visitor) begin(ctx context.Context, buf []byte) (n int, err error) {
	v.conn.SetReadDeadline(time.Now().Add(firstWait))
	for n < len(buf) && err == nil && ctx.Err() == nil && !bytes.Contains(buf[:n], []byte{'\n'}) {
		var m int
		m, err = v.conn.Read(buf[n:])
		n += m
	}
	if answer, is := foreign(buf[:n], n == len(buf)); is {
		v.answer, err = answer, errForeign
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return n, err
}

// listen reads until the visit ends. n bytes are in buf already, and err came after them. A silent connection
// keeps no more than that buffer.
func (v *visitor) listen(ctx context.Context, buf []byte, n int, err error) *ending {
	v.joined, v.heard = time.Now(), time.Now()
	full := n == len(buf)
	if end := v.take(ctx, buf[:n]); end != nil {
		err = end
	}
	var late func() *ending
	for {
		switch {
		case err == nil:
		case errors.Is(err, errByebye):
			return saidByebye
		case errors.Is(err, errForeign):
			return noPerson
		case ctx.Err() != nil:
			return v.ended(ctx)
		case errors.Is(err, os.ErrDeadlineExceeded):
			if end := late(); end != nil {
				return end
			}
		case errors.Is(err, io.EOF): // they have said all they want to say
			return v.rest(ctx, v.in.end(), endOfInput)
		default: // a reset; the textbook's client says byebye, and closes with our lines unread
			return v.rest(ctx, v.in.pause(), reset)
		}
		var deadline time.Time
		deadline, late = v.deadline(ctx)
		v.conn.SetReadDeadline(deadline)
		if ctx.Err() != nil { // looked at after the deadline is set: see package tcpserver
			return v.ended(ctx)
		}
		if full && v.limit.rate == 0 { // else the limit lets no more pass than buf holds
			big := bigBuffers.Get().(*[bigRead]byte)
			full, err = v.read(ctx, big[:])
			bigBuffers.Put(big)
		} else {
			full, err = v.read(ctx, buf)
		}
	}
}

// deadline is until when something must come, and what is done if nothing does. Of four clocks it is the one
// that is due first; zero: none runs.
func (v *visitor) deadline(ctx context.Context) (first time.Time, late func() *ending) {
	clock := func(due time.Time, do func() *ending) {
		if first.IsZero() || due.Before(first) {
			first, late = due, do
		}
	}
	if v.in.pauseEnds() {
		clock(v.heard.Add(bareWait), func() *ending { return v.rest(ctx, v.in.pause(), nil) })
	} else if limit := v.server.cfg.IdleTimeout.D(); limit > 0 { // else: after the pause, or their words would be lost
		clock(v.heard.Add(limit), func() *ending { return idle })
	}
	if v.in.begun() { // bytes that dribble put off the two above, not this
		clock(v.in.began.Add(lineWait), func() *ending { return unfinished })
	}
	if !v.known {
		clock(v.joined.Add(knownWait), func() *ending { v.introduce(); return nil })
	}
	return first, late
}

// rest deals with what is left of a message, and returns how the visit ends after that.
func (v *visitor) rest(ctx context.Context, messages iter.Seq2[[]byte, error], end *ending) *ending {
	switch err := v.deal(ctx, messages); {
	case errors.Is(err, errByebye):
		return saidByebye
	case errors.Is(err, errForeign):
		return noPerson
	}
	return end
}

// ended is how the visit ends if it was not the visitor who ended it.
func (v *visitor) ended(ctx context.Context) *ending {
	switch context.Cause(ctx) {
	case errNotReading:
		return notReading
	case errDismissed:
		return dismissed
	}
	// The server stops. What has arrived by now the peer believes to be said, so it is, within a bound.
	until := v.server.room.stopBegan().Add(v.server.cfg.ShutdownTimeout.D() / 4)
	buf := make([]byte, 4<<10)
	for taken := 0; taken < lastBytes && v.server.room.lastBytes.Add(-int64(len(buf))) > 0; taken += len(buf) {
		v.conn.SetReadDeadline(time.Now().Add(min(lastWait, time.Until(until))))
		switch _, err := v.read(ctx, buf); {
		case errors.Is(err, errByebye):
			return saidByebye
		case err != nil && time.Now().Before(until): // nothing more has arrived: what has begun is all of it
			return v.rest(ctx, v.in.end(), stopped)
		case err != nil:
			return stopped
		}
	}
	return stopped
}

// lastWords listens on for what was sent before its sender could know that the visit is over. Nothing of it is
// said any more, and if there is anything, the sender is told how many lines were. byebye after the last line
// that was said is answered as ever.
func (v *visitor) lastWords(ctx context.Context, until time.Time) string {
	v.over = true
	buf := make([]byte, 4<<10)
	var err error
	for err == nil {
		patience := time.Until(until)
		if v.taken == 0 {
			patience = min(patience, lastWait)
		}
		v.conn.SetReadDeadline(time.Now().Add(patience))
		_, err = v.read(ctx, buf)
	}
	v.deal(ctx, v.in.end())
	if errors.Is(err, errByebye) {
		return v.lastWord(byebye)
	}
	return v.lastWord("")
}

// lastWord is the word, or, if not all lines were said, how many were.
func (v *visitor) lastWord(word string) string {
	late := 0
	v.server.room.ask(func() { late = v.late })
	if v.lost+late > 0 && v.in.lines {
		return fmt.Sprintf(v.server.wire.OnlySaid, v.taken-late)
	}
	return word
}

// read reads once, and deals with the messages that end there.
func (v *visitor) read(ctx context.Context, buf []byte) (full bool, err error) {
	n, err := v.conn.Read(buf)
	if n > 0 {
		if err := v.take(ctx, buf[:n]); err != nil {
			return false, err
		}
		v.heard = time.Now() // after take: while they had to wait they could not be heard
	}
	return n == len(buf), err
}

// take takes bytes from the network.
func (v *visitor) take(ctx context.Context, p []byte) error {
	if v.taken == 0 && !v.in.begun() {
		if answer, is := foreign(p, false); is { // it took its time
			v.answer = answer
			return errForeign
		}
	}
	p, refusals := v.telnet.skip(p)
	if len(refusals) > 0 && !v.over {
		v.wait(ctx)
		v.handOver()
		v.server.room.hear(func() { v.server.room.tellBytes(v.person, refusals) })
	}
	return v.deal(ctx, v.in.feed(p))
}

var (
	errByebye  = errors.New(byebye)
	errForeign = errors.New("no person")
)

// deal takes messages one by one, no faster than the limit allows. It returns an error for those that
// end a visit.
func (v *visitor) deal(ctx context.Context, messages iter.Seq2[[]byte, error]) error {
	defer v.handOver()
	for p, err := range messages {
		v.bare.Store(v.in.bare) // before the answer, which is in the form that they want
		if !v.over {
			v.wait(ctx)
		}
		if cause := context.Cause(ctx); cause == errNotReading || cause == errDismissed {
			v.over = true
		}
		said := plain(p)
		switch {
		case err == nil && strings.TrimSpace(said) == "":
			v.taken++
			v.introduce()
			continue
		case v.over && v.lost == 0 && saysByebye(said):
			return errByebye
		case v.over:
			v.lost++
			continue
		case !v.spoke:
			v.spoke = true
			if answer, is := foreign(p, err != nil); is {
				v.answer = answer
				return errForeign
			}
		}
		v.taken++
		v.introduce()
		switch {
		case err != nil:
			v.tell(v.server.wire.TooLong)
		case isUTF16(said):
			v.tell(v.server.wire.UTF16)
		case !utf8.ValidString(said):
			v.tell(v.server.wire.NotUTF8)
		case saysByebye(said):
			v.taken-- // it is the answer to it that counts
			return errByebye
		default:
			v.message(said)
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

func (v *visitor) introduce() {
	if !v.known {
		v.known = true
		v.server.room.introduce(v.person)
	}
}

// message is a command, or text for everybody.
func (v *visitor) message(said string) {
	name, rest, isCommand := command(said)
	if !isCommand {
		v.toAll(said)
		return
	}
	v.handOver() // what was said before comes before
	room := v.server.room
	switch name {
	case "nick":
		if old, renamed := room.rename(v.person, rest); renamed {
			v.server.story.Printf(v.server.say.Renamed, old.shown, v.name.shown)
		}
	case "who":
		room.ask(func() { room.tell(v.person, "%s", room.who()) })
	case "help":
		v.tell(v.server.wire.Help)
	default:
		v.tell(v.server.wire.NoCommand)
	}
}

// toAll puts the name before what is said, of which "//" is how it begins with "/".
func (v *visitor) toAll(said string) {
	if strings.HasPrefix(said, "//") {
		said = said[1:]
	}
	said = text.Escape(said)
	name := v.name.shown
	v.server.story.Tell(func() string { return fmt.Sprintf(v.server.say.Said, name, said) })
	v.lines = append(v.lines, name...)
	v.lines = append(v.lines, ": "...)
	v.lines = append(v.lines, said...)
	v.lines = append(v.lines, '\n')
	v.n++
	if len(v.lines) >= maxHandOver { // a read full of short lines, each with a long name before it, grows to a megabyte
		v.handOver()
	}
}

// handOver gives the room the lines of a read at once: one step of the room, one write for each person.
// While the backlog is full the room does not take them, and so the connection is not read.
func (v *visitor) handOver() {
	if v.n == 0 {
		return
	}
	p, lines, n, r := v.person, v.lines, v.n, v.server.room
	v.lines, v.n = nil, 0
	r.hear(func() {
		if r.isStopped() || !p.in { // the goodbye was faster
			p.late += n
			return
		}
		v.server.counts.messages.Add(float64(n))
		r.tellAll(p, lines, n)
	})
}

// tell says one line to this visitor alone.
func (v *visitor) tell(line string) {
	v.handOver()
	r, p := v.server.room, v.person
	r.hear(func() { r.tell(p, "%s", line) })
}
