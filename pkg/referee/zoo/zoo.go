// Package zoo keeps servers that are wrong in exactly one way each, so that the referee itself can be checked: every
// wrong server must fail the checks named for it, and every other check must pass or not be judged because of one of those.
//
// One server of each protocol is right: it is the cage's control. A wrong one is the same code with one deviation, by
// name, at the line where it goes wrong.
package zoo

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"netlab.example/pkg/language"
	"netlab.example/pkg/referee"
	"netlab.example/pkg/sockets"
)

// A Specimen is one server of the zoo.
type Specimen struct {
	Name     string
	Protocol string // of package referee
	Wrong    language.Both[string]
	Fails    []string // the checks that find it out; none: it is right
	MayFail  []string // those that it fails or not, by how its segments happen to come together
}

// Specimens are all servers of the zoo, those of a protocol together, the right one first.
func Specimens() []Specimen {
	var all []Specimen
	for _, house := range [][]Specimen{hellos, rooms, turns, temps} {
		all = append(all, house...)
	}
	return all
}

// Serve runs a specimen at an address until ctx ends, and returns where it listens, host:port. An operator answers at
// the terminal of one that takes turns; others have none, and it may be nil.
func (s Specimen) Serve(ctx context.Context, addr string, terminal io.ReadWriter) (string, error) {
	if s.Protocol == "udp-temp" {
		conn, err := net.ListenPacket("udp4", addr)
		if err != nil {
			return "", err
		}
		context.AfterFunc(ctx, func() { conn.Close() })
		go (&temp{wrong: s.Name}).serve(conn)
		return conn.LocalAddr().String(), nil
	}
	ln, err := net.Listen("tcp4", addr)
	if err != nil {
		return "", err
	}
	if s.Protocol == referee.Turns.Name {
		go newDialogue(ctx, s.Name, terminal).serve(ctx, ln)
		return ln.Addr().String(), nil
	}
	z := &keeper{conns: map[net.Conn]bool{}}
	dies := func() { ln.Close(); z.closeAll(s.Name == "resets-at-its-stop") }
	context.AfterFunc(ctx, dies)
	handle := (&hello{wrong: s.Name, dies: dies}).handle
	if s.Protocol == "chat-server" {
		r := newRoom(s.Name)
		r.dies = dies
		handle = r.visit
	}
	go z.accept(ln, handle, s.Name)
	return ln.Addr().String(), nil
}

// Judge serves a specimen while it is judged.
func (s Specimen) Judge(ctx context.Context, p *referee.Protocol) (*referee.Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	serving, stop := context.WithCancel(ctx)
	o := referee.Options{Longest: longest, Stop: func(context.Context) error { stop(); return nil }}
	var addr string
	var err error
	if s.Protocol == referee.Turns.Name {
		o.Operator, addr, err = s.Operate(ctx, "127.0.0.1:0")
	} else {
		addr, err = s.Serve(serving, "127.0.0.1:0", nil)
	}
	if err != nil {
		return nil, err
	}
	return p.Judge(ctx, sockets.Address{Network: p.Networks[0], Addr: addr}, o)
}

const longest = 3 * time.Minute // many are judged at once

// A keeper knows the open connections, to close them in the end.
type keeper struct {
	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
}

func (z *keeper) closeAll(reset bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.closed = true
	for c := range z.conns {
		if tcp, ok := c.(*net.TCPConn); ok && reset {
			tcp.SetLinger(0)
		}
		c.Close()
	}
}

func (z *keeper) accept(ln net.Listener, handle func(net.Conn), name string) {
	for n := 0; ; n++ {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		z.mu.Lock()
		if z.closed {
			conn.Close()
		}
		z.conns[conn] = true
		z.mu.Unlock()
		socket := conn
		done := func() {
			handle(conn)
			conn.Close()
			z.mu.Lock()
			delete(z.conns, socket)
			z.mu.Unlock()
		}
		switch name {
		case "one-peer-at-a-time": // a silent one blocks all
			done()
		case "waits-in-its-accept-loop":
			first := make([]byte, 1)
			n, _ := conn.Read(first)
			conn = &begun{conn, first[:n]}
			go done()
		case "answers-only-the-first":
			done()
			ln.Close()
			return
		case "ends-after-some-hundred":
			go done()
			if n == 500 {
				ln.Close()
				return
			}
		default:
			go done()
		}
	}
}

// begun is a connection of which a byte has been read already.
type begun struct {
	net.Conn
	first []byte
}

func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.Conn.Read(p)
}

func both(zh, en string) language.Both[string] { return language.Both[string]{Zh: zh, En: en} }
