package wire

import (
	"net/netip"
	"time"
)

// Direction is the way a packet goes, as the service sees it.
type Direction string

const (
	In  Direction = "in"  // to the server
	Out Direction = "out" // to the client
)

// Peer is who the packet goes to, as a fault's cause says it: "server" or "client".
func (d Direction) Peer() string {
	if d == In {
		return "server"
	}
	return "client"
}

// Back is the opposite direction.
func (d Direction) Back() Direction {
	if d == In {
		return Out
	}
	return In
}

// Record is one packet and what became of it. It is written before the packet goes on, so the order of
// the list is the order in which packets came to wire; and it is never changed afterwards.
//
// Who fills what, in this order: the engine (Time, Dir, Raw, Packet), the tracker's Identify (the
// connection, the relative numbers, the class and its ordinals), the link (Fate), the tracker's Label
// (Label, Ends), the log (ID).
type Record struct {
	ID   int       `json:"id"` // 1, 2, 3 …, without a gap
	Time time.Time `json:"time"`
	Dir  Direction `json:"dir"`

	Conn   int            `json:"conn"` // the connection's ordinal from 1; 0 if the packet belongs to none
	Client netip.AddrPort `json:"client"`
	Server netip.AddrPort `json:"server"`
	Begins bool           `json:"begins,omitempty"` // the connection's first packet
	Ends   bool           `json:"ends,omitempty"`   // with this packet the connection is over

	Seq uint32 `json:"seq"` // TCP, relative: 0 is the SYN's number
	Ack uint32 `json:"ack"` // TCP, relative to the other direction; 0 without the ACK flag

	// TCP: how many bytes the sender still takes. Scale is by how many bits the header's field was shifted for that; nil if
	// it is unknown, because the SYNs were not seen. Window is then the field itself.
	Window uint32 `json:"window,omitempty"`
	Scale  *uint8 `json:"scale,omitempty"`

	// Class, Ordinal and Attempt name a packet by what it is, not by when it came: "data #2 to the client,
	// sent for the third time". Exact faults and chance go by this name, therefore both repeat.
	//
	// The ordinal counts from 1 in each class, connection and direction, and a retransmission has its original's;
	// an ACK's is the number that it acknowledges. It is 0 if there is none: for fragments, for what is other,
	// for ICMP about no known connection, and for a retransmission whose original is forgotten.
	Class   Class `json:"class"`
	Ordinal int   `json:"ordinal"`
	Attempt int   `json:"attempt"` // 0 is the first transmission

	Fate  Fate  `json:"fate"`
	Label Label `json:"label"`

	Packet Packet `json:"packet"`
	Raw    []byte `json:"raw,omitempty"` // as it came to wire, from the IP header on; at most as many bytes as wire is told to keep
}

// Payload returns the application's bytes, as many as were kept.
func (r *Record) Payload() []byte { return r.Packet.Data.Of(r.Raw) }

// Class is what a packet mainly is; each class is counted apart.
type Class string

const (
	ClassSYN      Class = "syn" // and SYN ACK
	ClassData     Class = "data"
	ClassAck      Class = "ack" // TCP without data, SYN, FIN, RST; and the single byte of a probe
	ClassFIN      Class = "fin" // without data
	ClassRST      Class = "rst"
	ClassICMP     Class = "icmp"
	ClassFragment Class = "fragment" // one piece of a datagram; the datagram itself follows, whole
	ClassOther    Class = "other"
)

// Fate is what became of a packet.
type Fate struct {
	What   What          `json:"what"`               // in one word; the fields below say more
	Cause  string        `json:"cause,omitempty"`    // "loss 30 %", "drop data #1 to client", or both, with "; " between
	Delay  time.Duration `json:"delay_ns,omitempty"` // how long it was kept back; unknown (0) while it is Held
	Copies int           `json:"copies,omitempty"`   // how many more of it were sent
	Damage *Damage       `json:"damage,omitempty"`   // what was changed in it
	Fault  int           `json:"fault,omitempty"`    // the number of the exact fault that met it
}

// What is a fate in one word. Where several hold, the first of this order is said: dropped, corrupted,
// held, reordered, duplicated, delayed, delivered.
type What string

const (
	Delivered  What = "delivered"
	Dropped    What = "dropped"
	Delayed    What = "delayed"
	Duplicated What = "duplicated"
	Reordered  What = "reordered" // it overtook others, or was overtaken
	Corrupted  What = "corrupted" // its checksum was not mended, so the receiver will throw it away
	Held       What = "held"      // kept back until another packet has passed
	Made       What = "made"      // wire sent it itself: the RST of a connection that it was told to end
	Seen       What = "seen"      // wire only watches: what became of it is not known here
)

// Word is the one word for a fate, by its fields; Dropped, Held, Reordered, Made and Seen are in none of them
// and must be in What already.
func (f Fate) Word() What {
	switch {
	case f.What == Dropped || f.What == Seen || f.What == Made:
		return f.What
	case f.Damage != nil:
		return Corrupted
	case f.What == Held || f.What == Reordered:
		return f.What
	case f.Copies > 0:
		return Duplicated
	case f.Delay > 0:
		return Delayed
	}
	return Delivered
}

// Damage says which bits were flipped: byte Offset of the packet became itself XOR Mask.
type Damage struct {
	Offset int   `json:"offset"`
	Mask   uint8 `json:"mask"`
}

// Sent returns the bytes that went on: Raw, or a damaged copy of it.
func (r *Record) Sent() []byte { return r.Fate.Damage.Apply(r.Raw) }

// Apply returns raw with the damage done, in a copy. No damage (nil) returns raw itself.
func (d *Damage) Apply(raw []byte) []byte {
	if d == nil || d.Offset < 0 || d.Offset >= len(raw) {
		return raw
	}
	raw = append([]byte(nil), raw...)
	raw[d.Offset] ^= d.Mask
	return raw
}
