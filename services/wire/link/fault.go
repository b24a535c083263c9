package link

import (
	"time"

	"netlab.example/pkg/wire"
)

// armed is a fault that waits for its packet, or has met it.
type armed struct {
	wire.Fault
	met int // packets of its kind so far
}

// meets reports whether r is the packet that the fault waits for, and counts it if it is of that kind.
// The fault is bound to r's connection.
func (f *armed) meets(r *wire.Record) bool {
	if f.To != "" && f.To != r.Dir || f.Do == wire.Reset && r.Packet.TCP == nil { // an ICMP error about it has no numbers to reset it with
		return false
	}
	if f.Kind == wire.OnData { // has a number of its own already
		return r.Class == wire.ClassData && r.Attempt == 0 && (r.Ordinal == f.Nth || f.Nth == 0)
	}
	if !is(f.Kind, r) {
		return false
	}
	f.met++
	return f.met == f.Nth || f.Nth == 0
}

func is(k wire.FaultKind, r *wire.Record) bool {
	var flags wire.Flags
	if r.Packet.TCP != nil {
		flags = r.Packet.TCP.Flags
	}
	switch k {
	case wire.OnPacket:
		return true
	case wire.OnSYN:
		return flags.Has(wire.SYN) && !flags.Has(wire.ACK)
	case wire.OnSYNACK:
		return flags.Has(wire.SYN | wire.ACK)
	case wire.OnACK:
		return r.Class == wire.ClassAck
	case wire.OnFIN:
		return flags.Has(wire.FIN)
	case wire.OnRST:
		return flags.Has(wire.RST)
	case wire.OnICMP:
		return r.Class == wire.ClassICMP
	case wire.OnRetransmission:
		return r.Attempt > 0 && (r.Class == wire.ClassData || r.Class == wire.ClassSYN || r.Class == wire.ClassFIN)
	}
	return false
}

// fate is what the fault does to the packet it met.
func (f *armed) fate(damage *wire.Damage) wire.Fate {
	fate := wire.Fate{Cause: f.String(), Fault: f.Number}
	switch f.Do {
	case wire.Drop, wire.Reset: // a RST takes its place
		fate.What = wire.Dropped
	case wire.Hold:
		fate.Delay = time.Duration(f.Delay)
	case wire.Duplicate:
		fate.Copies = 1
	case wire.Corrupt:
		fate.Damage = damage
	case wire.Swap:
		fate.What = wire.Held
	}
	return fate
}
