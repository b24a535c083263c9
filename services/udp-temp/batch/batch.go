// Package batch receives and sends many datagrams with one system call. With a call for each, the calls would cost more
// than all else that the server does. It is what makes udp-temp fast, and no part of its lesson.
package batch

import "net/netip"

const (
	size      = 64   // datagrams that one system call may receive, or send
	MaxData   = 1024 // bytes of a datagram that are looked at
	MaxAnswer = 128  // bytes that Answer has room for
)

// A Datagram is what arrived and what is answered. Its memory is the Batch's, and used again for the next one.
type Datagram struct {
	From   Address
	Data   []byte
	Cut    bool   // more than MaxData bytes were sent: Data is their beginning
	Answer []byte // nothing is sent if it is empty
}

// An Address is the sender's: for UDP host and port, on an AF_UNIX socket a path, empty if the sender has none.
type Address struct {
	UDP  netip.AddrPort
	Path []byte
}
