package wire

import (
	"net/netip"
	"time"
)

// Socket is one socket of the service.
type Socket struct {
	Proto  Proto          `json:"proto"`
	State  SocketState    `json:"state"`
	Local  netip.AddrPort `json:"local"`
	Remote netip.AddrPort `json:"remote"` // unspecified for a listening or an unconnected one

	// Of a listening socket: how many connections wait for accept(2), and how many may. Of any other: bytes
	// that the program has not read, and bytes that the other side has not acknowledged.
	RecvQ uint32 `json:"recv_q"`
	SendQ uint32 `json:"send_q"`

	Timer   Timer         `json:"timer,omitempty"` // what the kernel waits for
	Expires time.Duration `json:"expires_ns,omitempty"`
	TCP     *TCPInfo      `json:"tcp,omitempty"` // of a connection
}

// TCPInfo is what the kernel's TCP knows of a connection.
type TCPInfo struct {
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

// SocketState is a socket's state, as people and ss(8) write it.
type SocketState string

// Timer is what a socket waits for.
type Timer string

// Counter is a counter that moved.
type Counter struct {
	Name  string `json:"name"`
	Delta int64  `json:"delta"`
	Total int64  `json:"total"`

	Shared bool `json:"shared,omitempty"` // health checks and wire's own API move it, too
}
