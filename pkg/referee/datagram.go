package referee

import (
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path"
	"strings"
	"syscall"
	"time"
)

const (
	tries      = 3 // datagrams get lost: a question is asked again
	firstWait  = 700 * time.Millisecond
	maxReceive = 64 << 10
)

// An Asker is one client of a datagram server, with a port or a name of its own. Its socket is not connected: so it
// sees an answer from another address than the one that was asked, and can say so.
type Asker struct {
	x    *Exchange
	who  string
	conn net.PacketConn
	to   net.Addr
}

// Asker opens a client's socket.
func (x *Exchange) Asker() *Asker {
	a := &Asker{x: x}
	var err error
	if x.server.Network == "unixgram" {
		name := path.Join(x.replies, "referee-"+rand.Text()[:12]+".sock")
		a.to = &net.UnixAddr{Net: "unixgram", Name: x.server.Addr}
		a.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: name})
		if err == nil {
			a.conn = removed{a.conn, name}
		}
	} else {
		var to *net.UDPAddr
		if to, err = net.ResolveUDPAddr(x.server.Network, x.server.Addr); err == nil {
			a.to = to
			network := "udp4"
			if to.IP.To4() == nil && to.IP != nil {
				network = "udp6"
			}
			a.conn, err = net.ListenUDP(network, nil)
		}
	}
	if err != nil {
		panic(&Failure{Cause: dialCause(err), Due: due("一个套接字", "a socket"), Err: err})
	}
	a.who = x.keep(a.conn)
	return a
}

// removed removes its socket's file at the end.
type removed struct {
	net.PacketConn
	name string
}

func (r removed) Close() error {
	os.Remove(r.name)
	return r.PacketConn.Close()
}

// Send sends one datagram.
func (a *Asker) Send(text string) {
	a.x.happened(a.who, Sent, []byte(text))
	if _, err := a.conn.WriteTo([]byte(text), a.to); err != nil && !errors.Is(err, syscall.EMSGSIZE) {
		cause := NotRead
		if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, os.ErrNotExist) {
			cause = Refused
		}
		panic(&Failure{Cause: cause, Due: due("服务器接收数据报", "the server receives datagrams"), Err: err})
	}
}

// Receive waits for one datagram. It fails if that comes from another address than the one that was asked.
func (a *Asker) Receive(wait time.Duration) (text string, came bool) {
	buf := make([]byte, maxReceive)
	a.conn.SetReadDeadline(a.x.deadline(wait))
	n, from, err := a.conn.ReadFrom(buf)
	if err != nil {
		return "", false
	}
	a.x.happened(a.who, Received, buf[:n])
	if !sameAddr(from, a.to) {
		panic(&Failure{Cause: WrongAddress, Got: cut(buf[:n]), Due: due("来自 "+a.to.String()+" 的回答", "an answer from "+a.to.String())})
	}
	return string(buf[:n]), true
}

func sameAddr(from, to net.Addr) bool {
	f, ok := from.(*net.UDPAddr)
	t, ok2 := to.(*net.UDPAddr)
	if !ok || !ok2 {
		return from != nil && from.String() == to.String()
	}
	return f.Port == t.Port && (t.IP == nil || t.IP.IsUnspecified() || f.IP.Equal(t.IP))
}

// Asks asks a question until it is answered, three times at most, and returns the answer. Each question has a socket of
// its own, so that a second answer to it is never taken for the answer to the next.
func (x *Exchange) Asks(question string) string {
	a := x.Asker()
	defer a.conn.Close()
	wait := firstWait
	for range tries {
		a.Send(question)
		if text, came := a.Receive(wait); came {
			return text
		}
		wait *= 2
	}
	if a.nobodyReceives() {
		panic(&Failure{Cause: Refused, Due: due("一个回答", "an answer")})
	}
	panic(&Failure{Cause: Silent, Due: due("一个回答 (问了三次)", "an answer (asked three times)")})
}

// nobodyReceives reports whether the network says that nobody receives there. Only a connected socket is told of
// ICMP's "port unreachable" (udp(7)).
func (a *Asker) nobodyReceives() bool {
	to, ok := a.to.(*net.UDPAddr)
	if !ok {
		return false
	}
	conn, err := net.DialUDP("udp", nil, to)
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.Write([]byte("0"))
	conn.SetReadDeadline(time.Now().Add(quietTime))
	_, err = conn.Read(make([]byte, 1))
	return errors.Is(err, syscall.ECONNREFUSED)
}

// Quiet makes sure that a question gets no answer. Then a number is asked, and answered: it was not that the server is gone.
func (x *Exchange) Quiet(question string) {
	a := x.Asker()
	a.Send(question)
	if text, came := a.Receive(quietTime); came {
		panic(&Failure{Cause: Surplus, Got: []byte(text), Due: due("这样的数据报不回答", "no answer to such a datagram")})
	}
	x.Answers("20", "68")
}

// Answers asks for a number, and expects exactly the words of the first answer and this number.
func (x *Exchange) Answers(celsius, fahrenheit string) {
	want := x.Known("words") + fahrenheit
	got := x.Asks(celsius)
	if got != want {
		panic(&Failure{Cause: WrongByte, Want: []byte(want), Got: []byte(got), Offset: common(got, want), Due: due(celsius+" 是 "+fahrenheit, celsius+" is "+fahrenheit)})
	}
}

// Refuses asks something that is no temperature, and expects one line that says so.
func (x *Exchange) Refuses(question string) {
	words := due("一行简短的文字, 说明为什么不能转换", "one short line of text that says why it cannot be converted")
	got := x.Asks(question)
	if strings.HasPrefix(got, x.Known("words")) || len(got) == 0 || len(got) > maxRefusal || strings.ContainsAny(strings.TrimRight(got, "\n"), "\x00\n\r\x1b") {
		panic(&Failure{Cause: Unexpected, Got: []byte(got), Due: words})
	}
}

const maxRefusal = 200 // bytes: an answer is never much larger than its question warrants

// localAddr is the address that this machine has for the server.
func (x *Exchange) localAddr() net.Addr {
	conn, err := net.Dial(x.server.Network, x.server.Addr)
	if err != nil {
		panic(&Failure{Cause: dialCause(err), Due: due("一个套接字", "a socket"), Err: err})
	}
	defer conn.Close()
	return conn.LocalAddr()
}
