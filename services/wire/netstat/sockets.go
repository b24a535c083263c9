// Package netstat asks the kernel what it knows of a service's sockets (sock_diag(7)), and what it has
// counted (/proc/net/snmp and netstat). Both are of the network namespace that wire shares with the
// service, and neither needs a capability.
package netstat

import (
	"errors"

	"netlab.example/pkg/wire"
)

// ErrNotHere means that this system is no Linux.
var ErrNotHere = errors.New("the state of sockets can only be read on Linux")

// Most is how many sockets List returns; after a flood there may be tens of thousands in TIME-WAIT.
const Most = 1000

// states are those of the kernel's enum, in its order.
var states = [...]wire.SocketState{1: "ESTABLISHED", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED", "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECV"}

func state(number uint8, proto wire.Proto) wire.SocketState {
	switch {
	case proto == wire.ProtoUDP && number == 7:
		return "UNCONNECTED"
	case int(number) < len(states) && number > 0:
		return states[number]
	}
	return "UNKNOWN"
}

var timers = [...]wire.Timer{"", "retransmit", "keep-alive", "time-wait", "window-probe"}

func timer(number uint8) wire.Timer {
	if int(number) < len(timers) {
		return timers[number]
	}
	return "other"
}

// order puts a listening socket first, then by state and remote address: a list that does not jump about.
func order(a, b wire.Socket) int {
	rank := func(s wire.Socket) int {
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
