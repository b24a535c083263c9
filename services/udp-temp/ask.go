package main

import (
	"context"
	"errors"
	"net"
	"os"
	"time"
)

const maxAnswer = 1024 // bytes of an answer that are looked at

// waits are how long each try waits for an answer. They grow: what is lost because a network is full
// is not helped by asking more often.
var waits = [...]time.Duration{1 * time.Second, 2 * time.Second, 4 * time.Second}

// errNoAnswer is what remains to say when all tries are spent. Nobody can tell a lost question from a
// lost answer, or either from a server that is not there.
var errNoAnswer = errors.New("no answer")

// An asker asks one question at a time. Each question goes out from a local port of its own, and its
// tries share that port: so whatever arrives there is an answer to it, be it to the first try or the
// last. A late answer to an earlier question comes to an earlier port, where nobody looks.
type asker struct {
	dial  func(ctx context.Context) (net.Conn, error) // connected: the system keeps out all senders but the one asked
	again func(waited time.Duration, try int)         // is called at each new try
	last  net.Conn
}

// ask returns the answer to a question.
func (a *asker) ask(ctx context.Context, question string) (string, error) {
	conn, err := a.dial(ctx)
	if err != nil {
		return "", err
	}
	a.close() // not before: the system might have given us the same port again
	a.last = conn
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	buf := make([]byte, maxAnswer)
	for i, wait := range waits {
		if i > 0 {
			a.again(waits[i-1], i+1)
		}
		conn.SetDeadline(time.Now().Add(wait))
		_, err := conn.Write([]byte(question))
		n := 0
		if err == nil {
			// If nobody receives at that port, the answer is an ICMP message, and the next call on the
			// socket, here mostly this one, returns it as "connection refused".
			n, err = conn.Read(buf)
		}
		switch {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case err == nil:
			return string(buf[:n]), nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return "", err
		}
	}
	return "", errNoAnswer
}

// close lets go of the last question's port.
func (a *asker) close() {
	if a.last != nil {
		a.last.Close()
	}
}
