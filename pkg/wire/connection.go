package wire

import (
	"net/netip"
	"time"
)

// Connection is what the tracker knows about one connection, or one flow of datagrams.
type Connection struct {
	Ordinal  int            `json:"conn"`
	Proto    Proto          `json:"proto"`
	Client   netip.AddrPort `json:"client"`
	Server   netip.AddrPort `json:"server"`
	Midway   bool           `json:"midway,omitempty"` // it was there before wire, so its beginning was not seen
	Began    time.Time      `json:"began"`
	Last     time.Time      `json:"last"` // its last packet
	State    ConnState      `json:"state"`
	ToServer Amount         `json:"to_server"`
	ToClient Amount         `json:"to_client"`
}

// Amount counts one direction of a connection.
type Amount struct {
	Packets int    `json:"packets"`
	Data    int    `json:"data"`  // first transmissions of data: the highest #k
	Bytes   uint64 `json:"bytes"` // of data, each sent for the first time
}

// ConnState is how far a connection has come, by what was seen of it.
type ConnState string

const (
	ConnOpening    ConnState = "opening"
	ConnOpen       ConnState = "open"
	ConnHalfClosed ConnState = "half-closed" // one direction has ended
	ConnClosed     ConnState = "closed"
	ConnReset      ConnState = "reset"
)
