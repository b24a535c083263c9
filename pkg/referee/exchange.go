package referee

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"netlab.example/pkg/language"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/wire"
)

const (
	patience  = 5 * time.Second        // for what is due
	quietTime = 300 * time.Millisecond // for what must not come
	maxLine   = 64 << 10               // bytes of a line that are read
	maxEvent  = 2 << 10                // bytes of an event that are kept
	maxEvents = 40                     // of a conversation: the first half and the last
)

// An Exchange is what a check has with the server: one conversation or several at once. It is not for use by several
// goroutines, except through Together.
type Exchange struct {
	ctx      context.Context
	server   sockets.Address
	known    map[string]string
	replies  string
	operator Operator
	stop     func(context.Context) error
	wire     *wire.Client
	notes    *[]language.Both[string]

	mu     sync.Mutex
	opened []io.Closer
	peers  int
	events []Event
}

// Did is what happened in an Event.
type Did int

const (
	Connected Did = iota
	Sent
	Received
	HalfClosed
	Closed
	SentReset
	EndOfInput // the server has closed its direction
	Typed      // by the operator, at the server
)

var deeds = [...]language.Both[string]{
	{Zh: "连接", En: "connects"}, {Zh: "发送", En: "sends"}, {Zh: "收到", En: "receives"}, {Zh: "半关闭", En: "half-closes"},
	{Zh: "关闭", En: "closes"}, {Zh: "重置", En: "resets"}, {Zh: "收到结束 (FIN)", En: "receives the end (FIN)"},
	{Zh: "输入", En: "types"},
}

func (d Did) String() string            { return deeds[d].En }
func (d Did) In(l language.Lang) string { return deeds[d].In(l) }

// An Event is one step of the conversation, as the client has it.
type Event struct {
	Who   string // which client: "A", "B", ...
	Did   Did
	Bytes []byte
}

func (x *Exchange) happened(who string, did Did, b []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(b) > maxEvent {
		b = b[:maxEvent]
	}
	if n := len(x.events); did == Received && n > 0 && x.events[n-1].Who == who && x.events[n-1].Did == did && len(x.events[n-1].Bytes) < maxEvent {
		x.events[n-1].Bytes = append(x.events[n-1].Bytes, b...)
		return
	}
	if len(x.events) == maxEvents {
		x.events = append(x.events[:maxEvents/2], x.events[maxEvents/2+1:]...)
	}
	x.events = append(x.events, Event{who, did, bytes.Clone(b)})
}

// Learn keeps what one check finds out for those that need it, and Known is what was found out.
func (x *Exchange) Learn(key, value string) { x.known[key] = value }
func (x *Exchange) Known(key string) string { return x.known[key] }

func (x *Exchange) keep(c io.Closer) (who string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.opened = append(x.opened, c)
	x.peers++
	if x.peers <= 26 {
		return string(rune('A' + x.peers - 1))
	}
	return fmt.Sprintf("%d", x.peers)
}

// close ends all conversations, and gives the server a moment to notice: the next check begins with nobody there.
func (x *Exchange) close() {
	var all sync.WaitGroup
	for _, c := range x.opened {
		all.Go(func() {
			defer c.Close()
			half, ok := c.(interface {
				net.Conn
				CloseWrite() error
			})
			if !ok || half.CloseWrite() != nil {
				return
			}
			half.SetReadDeadline(time.Now().Add(leaveTime))
			io.CopyN(io.Discard, half, maxLeft)
		})
	}
	all.Wait()
}

const (
	leaveTime = 200 * time.Millisecond
	maxLeft   = 16 << 20 // bytes
)

// Together runs f n times at once, and fails if one of them does.
func (x *Exchange) Together(n int, f func(i int)) {
	failures := make([]any, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			defer func() { failures[i] = recover() }()
			f(i)
		})
	}
	all.Wait()
	for _, failure := range failures {
		if failure != nil {
			panic(failure)
		}
	}
}

// Pause lets time pass, as a peer that is slow does.
func (x *Exchange) Pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-x.ctx.Done():
	}
}

// A Peer is one connection to the server.
type Peer struct {
	x    *Exchange
	who  string
	conn net.Conn
	rest []byte // received, and not yet looked at
	end  error  // of the input, once it has come
}

// Dial connects to the server.
func (x *Exchange) Dial() *Peer { return x.dialWith(nil) }

// dialWith sets options on the socket before it connects.
func (x *Exchange) dialWith(control func(network, address string, c syscall.RawConn) error) *Peer {
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	d := net.Dialer{Control: control}
	conn, err := d.DialContext(ctx, x.server.Network, x.server.Addr)
	if err != nil {
		panic(&Failure{Cause: dialCause(err), Due: due("一个连接", "a connection"), Err: err})
	}
	p := &Peer{x: x, conn: conn}
	p.who = x.keep(conn)
	x.happened(p.who, Connected, nil)
	return p
}

func dialCause(err error) Cause {
	dns, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case isDNS && dns.IsNotFound:
		return NoSuchHost
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrNotExist):
		return Refused
	case errors.Is(err, syscall.ECONNRESET):
		return Reset
	}
	return Unreachable
}

// Send sends text as one segment, if the network lets it.
func (p *Peer) Send(text string) {
	if err := p.send([]byte(text)); err != nil {
		words := due("服务器读取所发送的内容", "the server reads what is sent")
		cause := NotRead
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			cause = Reset
			for p.fill(p.x.deadline(quietTime)) == nil { // what it said before it ended
			}
		}
		if len(p.rest) > 0 {
			cause, words = TooEarly, due("服务器先读完所发送的内容, 再回答", "the server reads what is sent before it answers")
		}
		panic(&Failure{Cause: cause, Got: cut(p.rest), Due: words, Err: err})
	}
}

// TrySend sends text whatever becomes of it: the server may have ended the conversation already, and rightly so.
func (p *Peer) TrySend(text string) { p.send([]byte(text)) }

func (p *Peer) send(b []byte) error {
	p.x.happened(p.who, Sent, b)
	p.conn.SetWriteDeadline(p.x.deadline(patience))
	_, err := p.conn.Write(b)
	return err
}

func (x *Exchange) deadline(d time.Duration) time.Time {
	t := time.Now().Add(d)
	if end, ok := x.ctx.Deadline(); ok && end.Before(t) {
		return end
	}
	return t
}

// HalfClose ends what this side sends: a FIN, and the other direction stays open.
func (p *Peer) HalfClose() {
	p.x.happened(p.who, HalfClosed, nil)
	if half, ok := p.conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
}

// Close closes both directions.
func (p *Peer) Close() {
	p.x.happened(p.who, Closed, nil)
	p.conn.Close()
}

// Reset ends the connection with a RST. A unix socket has none, and closes.
func (p *Peer) Reset() {
	p.x.happened(p.who, SentReset, nil)
	if tcp, ok := p.conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	p.conn.Close()
}

// fill waits for more input until t. What comes with the end counts first.
func (p *Peer) fill(t time.Time) error {
	if p.end != nil {
		return p.end
	}
	buf := make([]byte, 16<<10)
	p.conn.SetReadDeadline(t)
	n, err := p.conn.Read(buf)
	if n > 0 {
		p.x.happened(p.who, Received, buf[:n])
		p.rest = append(p.rest, buf[:n]...)
		return nil
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		p.end = err
		if errors.Is(err, io.EOF) {
			p.x.happened(p.who, EndOfInput, nil)
		}
	}
	return err
}

// causeOf is why no more came.
func causeOf(err error) Cause {
	switch {
	case errors.Is(err, io.EOF):
		return ClosedEarly
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Silent
	}
	return Reset
}

// Expect waits for exactly these bytes next.
func (p *Peer) Expect(want string) { p.ExpectWithin(patience, want) }

// ExpectWithin is Expect with a patience of its own.
func (p *Peer) ExpectWithin(d time.Duration, want string) {
	until := p.x.deadline(d)
	for {
		n := min(len(p.rest), len(want))
		if i := differ(p.rest[:n], want[:n]); i < n {
			panic(&Failure{Cause: WrongByte, Want: []byte(want), Got: cut(p.rest), Offset: i})
		}
		if n == len(want) {
			p.rest = p.rest[n:]
			return
		}
		if err := p.fill(until); err != nil {
			panic(&Failure{Cause: causeOf(err), Want: []byte(want), Got: cut(p.rest), Offset: len(p.rest), Err: err})
		}
	}
}

func differ(got []byte, want string) int {
	for i := range got {
		if got[i] != want[i] {
			return i
		}
	}
	return len(got)
}

func cut(b []byte) []byte { return bytes.Clone(b[:min(len(b), maxEvent)]) }

// ExpectEnd waits for the end of the server's direction, a FIN, and nothing before it.
func (p *Peer) ExpectEnd() { p.ExpectEndWithin(patience) }

// ExpectEndWithin is ExpectEnd with a patience of its own.
func (p *Peer) ExpectEndWithin(d time.Duration) {
	until := p.x.deadline(d)
	for {
		if len(p.rest) > 0 {
			panic(&Failure{Cause: Surplus, Got: cut(p.rest), Due: due("服务器关闭连接 (FIN), 不再发送", "the server closes (FIN) and sends no more")})
		}
		switch err := p.fill(until); {
		case err == nil:
		case errors.Is(err, io.EOF):
			return
		case errors.Is(err, os.ErrDeadlineExceeded):
			panic(&Failure{Cause: NotClosed, Due: due("服务器关闭连接 (FIN)", "the server closes (FIN)")})
		default:
			panic(&Failure{Cause: Reset, Due: due("服务器关闭连接 (FIN)", "the server closes (FIN)"), Err: err})
		}
	}
}

// ExpectGone waits for the end, be it a FIN or a RST, and does not mind what comes before it.
func (p *Peer) ExpectGone(d time.Duration) {
	until := p.x.deadline(d)
	for {
		p.rest = nil
		switch err := p.fill(until); {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			panic(&Failure{Cause: NotClosed, Due: due("服务器结束这个连接", "the server ends this connection")})
		default:
			return
		}
	}
}

// ExpectQuiet makes sure that nothing comes for a moment. why says why nothing may.
func (p *Peer) ExpectQuiet(why language.Both[string]) {
	err := error(nil)
	if len(p.rest) == 0 {
		err = p.fill(p.x.deadline(quietTime))
	}
	switch {
	case len(p.rest) > 0:
		panic(&Failure{Cause: TooEarly, Got: cut(p.rest), Due: why})
	case !errors.Is(err, os.ErrDeadlineExceeded):
		panic(&Failure{Cause: causeOf(err), Due: why, Err: err})
	}
}

// Line waits for the next line, without its newline. want says in words what is due.
func (p *Peer) Line(want language.Both[string]) string { return p.lineBy(p.x.deadline(patience), want) }

// lineBy is Line until a given time: a server that floods is not waited for line by line.
func (p *Peer) lineBy(until time.Time, want language.Both[string]) string {
	for {
		if time.Now().After(until) {
			panic(&Failure{Cause: Silent, Got: cut(p.rest), Due: want})
		}
		if i := bytes.IndexByte(p.rest, '\n'); i >= 0 {
			line := string(p.rest[:i])
			p.rest = p.rest[i+1:]
			return line
		}
		if len(p.rest) > maxLine {
			panic(&Failure{Cause: Unexpected, Got: cut(p.rest), Due: want})
		}
		if err := p.fill(until); err != nil {
			panic(&Failure{Cause: causeOf(err), Got: cut(p.rest), Due: want, Err: err})
		}
	}
}

// ExpectLine waits for a line, and passes over notices, which begin with "* ", until it comes. It fails at any other line.
func (p *Peer) ExpectLine(want string) { p.expectLine(want) }

// expectLine passes over lines with one of these beginnings, too.
func (p *Peer) expectLine(want string, passed ...string) {
	passed = append(passed, "* ")
	words := due(fmt.Sprintf("一行 %q", want), fmt.Sprintf("the line %q", want))
	until := p.x.deadline(patience)
	for {
		line := p.lineBy(until, words)
		if line == want {
			return
		}
		if !slices.ContainsFunc(passed, func(begin string) bool { return strings.HasPrefix(line, begin) }) {
			panic(&Failure{Cause: Unexpected, Want: []byte(want + "\n"), Got: []byte(line + "\n"), Offset: common(line, want), Due: words})
		}
	}
}

// ExpectNotice waits for a notice, a line that begins with "* ", for which ok holds, and passes over other notices.
func (p *Peer) ExpectNotice(words language.Both[string], ok func(string) bool) string {
	until := p.x.deadline(patience)
	for {
		line := p.lineBy(until, words)
		if !strings.HasPrefix(line, "* ") {
			panic(&Failure{Cause: Unexpected, Got: []byte(line + "\n"), Due: words})
		}
		if ok(line) {
			return line
		}
	}
}

func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// Fail ends the check for a reason that no other step tells.
func (x *Exchange) Fail(cause Cause, got string, words language.Both[string]) {
	panic(&Failure{Cause: cause, Got: []byte(got), Due: words})
}

func due(zh, en string) language.Both[string] { return language.Both[string]{Zh: zh, En: en} }
