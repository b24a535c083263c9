package main

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"netlab.example/pkg/sockets"
)

// visit is the lesson: come in, say what there is to say, leave. Each way to leave has its last word.
func (s *server) visit(ctx context.Context, conn net.Conn) error {
	visiting, leave := context.WithCancelCause(ctx) // ctx ends at a stop only, this one also if the room ends the visit
	defer leave(nil)
	sockets.KeepAliveUnderway(conn)
	p := newPerson(s.room, conn, sockets.Peer(conn.RemoteAddr()), leave)
	v := visitor{person: p, server: s, limit: newLimiter(s.cfg.Rate), in: splitter{max: maxText}}
	buf := make([]byte, smallRead)
	n, err := v.begin(visiting, buf)
	switch {
	case errors.Is(err, errForeign):
		s.count(noPerson)
		s.hangUp(ctx, p, v.answer)
		return nil
	case n == 0 && err != nil: // they have gone without a word, and nobody hears of them
		s.count(endOfInput)
		return nil
	}
	if refusal := s.room.join(p); refusal != "" {
		s.count(refused)
		s.hangUp(ctx, p, refusal+"\n")
		return nil
	}
	s.story.Notef(s.say.Joined, p.addr, p.name.shown)
	end := v.listen(visiting, buf, n, err)
	s.count(end)
	s.story.Notef(s.say.Left, p.name.shown, end.why(s.say))

	last, news := "", s.wire.Left
	switch end {
	case saidByebye:
		last = v.lastWord(byebye)
	case idle:
		last = s.wire.Idle
	case unfinished:
		last = s.wire.Unfinished
	case notReading:
		s.room.leave(p, s.wire.Dropped)
		return errNotReading
	case stopped:
		s.room.hush(p)
		last = v.lastWords(visiting, s.room.stopBegan().Add(s.cfg.ShutdownTimeout.D()*5/8))
	}
	s.room.leave(p, news)
	if end == dismissed {
		last = v.lastWords(visiting, time.Now().Add(lastWait))
	}
	if last != "" && !p.bare.Load() {
		last += "\n"
	}
	s.hangUp(ctx, p, v.answer+last)
	return nil
}

// An ending is how a visit ended: as the metrics and the transcript tell it.
type ending struct {
	label string
	why   func(phrases) string
}

var (
	saidByebye = &ending{"byebye", func(p phrases) string { return p.ByeBye }}
	endOfInput = &ending{"end_of_input", func(p phrases) string { return p.EndOfInput }}
	reset      = &ending{"reset", func(p phrases) string { return p.Reset }}
	idle       = &ending{"idle", func(p phrases) string { return p.Silent }}
	unfinished = &ending{"unfinished", func(p phrases) string { return p.NoEnd }}
	notReading = &ending{"not_reading", func(p phrases) string { return p.NotReading }}
	dismissed  = &ending{"dismissed", func(p phrases) string { return p.Dismissed }}
	stopped    = &ending{"stopped", func(p phrases) string { return p.Stopped }}
	noPerson   = &ending{"no_person", func(p phrases) string { return p.NoPerson }}
	refused    = &ending{"refused", nil} // nobody is told
)

const (
	byebye = "byebye" // ends a visit, from either side

	drainTime  = time.Second // how long, and how much, an ended conversation is still listened to
	drainBytes = 16 << 20
)

func (s *server) count(end *ending) { s.counts.visits.WithLabelValues(end.label).Inc() }

// hangUp ends a connection one direction at a time: what is left for the person and the last words are written,
// then our side is closed, then what the peer still sends is read and thrown away. To close while bytes are
// unread would send a reset, which may overtake the last words and destroy them (RFC 2525, section 2.17).
//
// ctx is the server's: at a stop there is little time.
func (s *server) hangUp(ctx context.Context, p *person, last string) {
	var until time.Time
	drain := drainTime
	if ctx.Err() != nil {
		until, drain = s.room.stopBegan().Add(s.cfg.ShutdownTimeout.D()*7/8), min(drain, s.cfg.ShutdownTimeout.D()/8)
	}
	p.out.close([]byte(last), until)
	drainConn(p.conn, drain)
}

func drainConn(conn net.Conn, patience time.Duration) {
	if sockets.CloseWrite(conn) != nil {
		return
	}
	conn.SetReadDeadline(time.Now().Add(patience))
	io.CopyN(io.Discard, conn, drainBytes)
}
