// Package sockets asks the kernel what it knows of a service's sockets (sock_diag(7)), and what it has
// counted (/proc/net/snmp and netstat). Both are of the network namespace that wire shares with the
// service, and neither needs a capability.
package sockets

import (
	"errors"
	"net/netip"
	"time"

	"netlab.example/pkg/wire/packet"
)

// ErrNotHere means that this system is no Linux.
var ErrNotHere = errors.New("the state of sockets can only be read on Linux")

// Most is how many sockets List returns; after a flood there may be tens of thousands in TIME-WAIT.
const Most = 1000

// Socket is one socket of the service.
type Socket struct {
	Proto  packet.Proto   `json:"proto"`
	State  State          `json:"state"`
	Local  netip.AddrPort `json:"local"`
	Remote netip.AddrPort `json:"remote"` // unspecified for a listening or an unconnected one

	// Of a listening socket: how many connections wait for accept(2), and how many may. Of any other: bytes
	// that the program has not read, and bytes that the other side has not acknowledged.
	RecvQ uint32 `json:"recv_q"`
	SendQ uint32 `json:"send_q"`

	Timer   Timer         `json:"timer,omitempty"` // what the kernel waits for
	Expires time.Duration `json:"expires_ns,omitempty"`
	TCP     *TCP          `json:"tcp,omitempty"` // of a connection
}

// TCP is what the kernel's TCP knows of a connection.
type TCP struct {
	RTT        time.Duration `json:"rtt_ns"`
	RTO        time.Duration `json:"rto_ns"`  // after so long without an ACK it sends again
	Cwnd       uint32        `json:"cwnd"`    // segments that may be on their way
	Unacked    uint32        `json:"unacked"` // segments that are
	Lost       uint32        `json:"lost"`    // of these, thought lost
	Retries    uint8         `json:"retries"` // timeouts in a row, at this moment
	Resent     uint32        `json:"resent"`  // segments, ever
	MSS        uint32        `json:"mss"`
	PeerWindow uint32        `json:"peer_window"` // bytes
	BytesAcked uint64        `json:"bytes_acked"`
	BytesRead  uint64        `json:"bytes_received"`
}

// State is a socket's state, as people and ss(8) write it.
type State string

// states are those of the kernel's enum, in its order.
var states = [...]State{1: "ESTABLISHED", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED", "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECV"}

func state(number uint8, proto packet.Proto) State {
	switch {
	case proto == packet.ProtoUDP && number == 7:
		return "UNCONNECTED"
	case int(number) < len(states) && number > 0:
		return states[number]
	}
	return "UNKNOWN"
}

// Timer is what a socket waits for.
type Timer string

var timers = [...]Timer{"", "retransmit", "keep-alive", "time-wait", "window-probe"}

func timer(number uint8) Timer {
	if int(number) < len(timers) {
		return timers[number]
	}
	return "other"
}

// order puts a listening socket first, then by state and remote address: a list that does not jump about.
func order(a, b Socket) int {
	rank := func(s Socket) int {
		switch s.State {
		case "LISTEN", "UNCONNECTED":
			return 0
		case "TIME-WAIT":
			return 2
		}
		return 1
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	if d := a.Remote.Compare(b.Remote); d != 0 {
		return d
	}
	return a.Local.Compare(b.Local)
}
