package main

import (
	"context"
	"io"
	"net"
	"time"

	"netlab.example/pkg/sockets"
)

// visit is the lesson: come in, say what there is to say, leave. Each way to leave has its last word.
func (s *server) visit(ctx context.Context, conn net.Conn) error {
	visiting, leave := context.WithCancelCause(ctx) // ctx ends at a stop only, this one also where the room ends the visit
	defer leave(nil)
	p := &person{conn: conn, addr: sockets.Peer(conn.RemoteAddr()), end: leave}
	p.out = newOutbox(conn, &s.room.behind, p.drop)
	if refusal := s.room.join(p); refusal != "" {
		s.counts.visits.WithLabelValues("refused").Inc()
		p.send([]byte(refusal + "\n"))
		s.hangUp(ctx, p)
		return nil
	}
	s.story.Notef(s.say.Joined, p.addr, p.name.shown)

	v := visitor{person: p, server: s, limit: newLimiter(s.cfg.Rate), in: splitter{max: maxText}, heard: time.Now()}
	end := v.listen(visiting)
	s.counts.visits.WithLabelValues(end.label).Inc()
	s.story.Notef(s.say.Left, p.name.shown, end.why(s.say))

	switch end {
	case saidByebye:
		s.room.leave(p, byebye, s.wire.Left)
	case idle:
		s.room.leave(p, s.wire.Idle, s.wire.Left)
	case unfinished:
		s.room.leave(p, s.wire.Unfinished, s.wire.Left)
	case notReading:
		s.room.leave(p, "", s.wire.Dropped)
		return errNotReading
	case stopped:
		s.room.hush(p, s.cfg.ShutdownTimeout.D()/4)
		s.room.leave(p, "", s.wire.Left)
	default:
		s.room.leave(p, "", s.wire.Left)
	}
	s.hangUp(ctx, p)
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
)

const (
	byebye = "byebye" // ends a visit, from either side

	drainTime  = time.Second // how long, and how much, an ended conversation is still listened to
	drainBytes = 16 << 20
)

// hangUp ends a connection one direction at a time: what is queued is written, then our side is closed,
// then what the peer still sends is read and thrown away. To close while bytes are unread would send a
// reset, which may overtake the last words and destroy them (RFC 2525, section 2.17).
//
// ctx is the server's: a person whom the operator dismisses may take their time, at a stop there is little.
func (s *server) hangUp(ctx context.Context, p *person) {
	flush, drain := takeTimeout, drainTime
	if ctx.Err() != nil {
		flush, drain = s.cfg.ShutdownTimeout.D()/4, min(drain, s.cfg.ShutdownTimeout.D()/4)
	}
	p.out.close(flush)
	drainConn(p.conn, drain)
}

func drainConn(conn net.Conn, patience time.Duration) {
	if sockets.CloseWrite(conn) != nil {
		return
	}
	conn.SetReadDeadline(time.Now().Add(patience))
	io.CopyN(io.Discard, conn, drainBytes)
}
