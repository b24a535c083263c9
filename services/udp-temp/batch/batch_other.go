//go:build !linux

package batch

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// sendWait bounds the wait for room. On AF_UNIX a client that does not read could make it endless.
const sendWait = 10 * time.Millisecond

// A Batch is one datagram on systems that have no call for many. The lab's servers run in Linux containers;
// here this does, and the system chooses the address that an answer comes from.
type Batch struct {
	conn   net.PacketConn
	from   net.Addr
	data   [MaxData + 1]byte // one more, to see that there was more
	answer [MaxAnswer]byte
	one    [1]Datagram
}

func New(conn net.PacketConn) (*Batch, error) { return &Batch{conn: conn}, nil }

func (b *Batch) Receive() ([]Datagram, error) {
	n, from, err := b.conn.ReadFrom(b.data[:])
	if err != nil {
		return nil, err
	}
	b.from = from
	d := &b.one[0]
	*d = Datagram{Data: b.data[:min(n, MaxData)], Cut: n > MaxData, Answer: b.answer[:0]}
	switch a := from.(type) {
	case *net.UDPAddr:
		d.From.UDP = netip.AddrPortFrom(a.AddrPort().Addr().Unmap(), a.AddrPort().Port()) // ::ffff:127.0.0.1
	case *net.UnixAddr:
		if a != nil {
			d.From.Path = []byte(a.Name)
		}
	}
	return b.one[:], nil
}

func (b *Batch) Send(received []Datagram, lost func(*Datagram, error)) {
	d := &received[0]
	if len(d.Answer) == 0 {
		return
	}
	if !d.From.UDP.IsValid() && len(d.From.Path) == 0 {
		lost(d, syscall.ENOTCONN) // an AF_UNIX socket without a name
		return
	}
	b.conn.SetWriteDeadline(time.Now().Add(sendWait))
	if _, err := b.conn.WriteTo(d.Answer, b.from); err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err // without the client's path, which may hold anything
		}
		lost(d, err)
	}
}
