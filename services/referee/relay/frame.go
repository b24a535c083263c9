// Package relay puts a program of the host into a server's place in the lab. Two relays stand between a client and the
// program, since nobody in the lab's network reaches 127.0.0.1 of the host:
//
//	client ── TCP, UDP ──► Inside ── frames over a unix socket ──► Outside ── TCP, UDP ──► your program
//	          the lab's network        a volume that both have        the host's network
//
// Each TCP connection has a link of its own, a connection to the unix socket; all datagrams share one. AF_UNIX knows
// neither a reset nor a sender, so what a link carries is frames:
//
//	+------+------------------------+---------+
//	| kind | length, big-endian (4) | payload |
//	+------+------------------------+---------+
//
//	o open       inside: a client has connected; outside: the program has accepted
//	f refused    outside: the program did not, and why. The inside can only reset: its own handshake is long over.
//	             Of datagrams: this sender's was refused
//	d data       some of the stream
//	e end        this side sends no more (FIN)
//	r reset      this side was reset (RST); so says a link that ends without an end
//	g datagram   its sender, a byte for the length and then text, and the data; back to that sender on the way back
package relay

import (
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
)

// A kind says what a frame is.
type kind byte

const (
	open     kind = 'o'
	refused  kind = 'f'
	data     kind = 'd'
	end      kind = 'e'
	reset    kind = 'r'
	datagram kind = 'g'
)

const (
	header      = 5
	maxData     = 32 << 10
	maxReason   = 512
	maxSender   = 63        // an IPv6 address, its zone and a port
	maxDatagram = 65535 - 8 // UDP's length counts its own header
	maxFrame    = header + 1 + maxSender + maxDatagram
)

var errFrame = errors.New("not a frame")

// longest is the longest payload of each kind; what is not in it is no kind.
var longest = map[kind]int{open: 0, refused: maxReason, data: maxData, end: 0, reset: 0, datagram: 1 + maxSender + maxDatagram}

// appendFrame appends a frame to b.
func appendFrame(b []byte, k kind, payload []byte) []byte {
	b = append(b, byte(k))
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	return append(b, payload...)
}

// readFrame reads one frame into buf, which has room for maxFrame bytes. io.EOF: the link has ended between two frames.
func readFrame(r io.Reader, buf []byte) (kind, []byte, error) {
	if _, err := io.ReadFull(r, buf[:header]); err != nil {
		return 0, nil, err
	}
	k, n := kind(buf[0]), binary.BigEndian.Uint32(buf[1:header])
	limit, known := longest[k]
	if !known || n > uint32(limit) {
		return 0, nil, errFrame
	}
	payload := buf[header : header+n]
	if _, err := io.ReadFull(r, payload); err != nil {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return k, payload, nil
}

// appendDatagram appends the payload of a datagram's frame, or of a refused one's, to b.
func appendDatagram(b []byte, sender netip.AddrPort, content []byte) []byte {
	name := sender.String()
	b = append(b, byte(len(name)))
	return append(append(b, name...), content...)
}

// parseDatagram takes such a payload apart.
func parseDatagram(payload []byte) (sender netip.AddrPort, content []byte, err error) {
	if len(payload) == 0 || int(payload[0]) > min(maxSender, len(payload)-1) {
		return sender, nil, errFrame
	}
	name, content := payload[1:1+payload[0]], payload[1+payload[0]:]
	sender, err = netip.ParseAddrPort(string(name))
	if err != nil || len(content) > maxDatagram || len(sender.Addr().Zone()) > 15 { // IFNAMSIZ, without its NUL
		return sender, nil, errFrame
	}
	return sender, content, nil
}
