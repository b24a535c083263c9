//go:build !linux

package main

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// sendWait bounds the wait for room. On AF_UNIX a client that does not read could make it endless.
const sendWait = 10 * time.Millisecond

// A batch is one datagram where the system has no call for many. The lab's servers run in Linux
// containers; elsewhere this does, and the system chooses the address that an answer comes from.
type batch struct {
	conn   net.PacketConn
	from   net.Addr
	data   [maxDatagram + 1]byte // one more, to see that there was more
	answer [maxAnswer]byte
	one    [1]datagram
}

func newBatch(conn net.PacketConn) (*batch, error) { return &batch{conn: conn}, nil }

func (b *batch) receive() ([]datagram, error) {
	n, from, err := b.conn.ReadFrom(b.data[:])
	if err != nil {
		return nil, err
	}
	b.from = from
	d := &b.one[0]
	*d = datagram{data: b.data[:min(n, maxDatagram)], cut: n > maxDatagram, answer: b.answer[:0]}
	switch a := from.(type) {
	case *net.UDPAddr:
		d.from.udp = plain(a.AddrPort())
	case *net.UnixAddr:
		if a != nil {
			d.from.path = []byte(a.Name)
		}
	}
	return b.one[:], nil
}

func (b *batch) send(received []datagram, lost func(*datagram, error)) {
	d := &received[0]
	if len(d.answer) == 0 {
		return
	}
	if !d.from.udp.IsValid() && len(d.from.path) == 0 {
		lost(d, syscall.ENOTCONN) // an AF_UNIX socket without a name
		return
	}
	b.conn.SetWriteDeadline(time.Now().Add(sendWait))
	if _, err := b.conn.WriteTo(d.answer, b.from); err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err // without the client's path, which may hold anything
		}
		lost(d, err)
	}
}
