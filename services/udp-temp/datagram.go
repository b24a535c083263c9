package main

import (
	"net/netip"
	"strconv"

	"netlab.example/pkg/text"
)

const (
	batchSize  = 64  // datagrams that one system call may receive, or send
	maxAnswer  = 128 // bytes; more than any answer has
	shownBytes = 100 // of a datagram, in the transcript
)

// A datagram is what arrived and what is answered. Its memory is the batch's, and used again for the
// next one: at 200,000 a second there is no time to ask for new memory, nor to collect the old.
type datagram struct {
	from   address
	data   []byte
	cut    bool   // more than maxDatagram bytes were sent: data is their beginning
	answer []byte // nothing is sent where it is empty
}

// An address is the sender's: for UDP host and port, on an AF_UNIX socket a path, empty where the sender has none.
type address struct {
	udp  netip.AddrPort
	path []byte
}

// What the transcript says is worked out only if it is said, and from pointers, which cost nothing to
// hand over: under a flood its budget is soon spent.
type (
	host    address
	port    address
	excerpt []byte
)

func (h *host) String() string {
	switch a := h.udp.Addr(); {
	case !a.IsValid():
		return "unix"
	case a.Is6():
		return "[" + text.Escape(a.String()) + "]"
	default:
		return a.String()
	}
}

func (p *port) String() string {
	if p.udp.IsValid() {
		return strconv.Itoa(int(p.udp.Port()))
	}
	return text.Escape(string(p.path)) // whoever binds a name may put anything into it
}

func (e *excerpt) String() string { return text.Line([]byte(*e), shownBytes) }
