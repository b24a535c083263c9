package record

import (
	"unsafe"

	"netlab.example/pkg/wire"
)

// size is what a record takes of memory: the struct, its bytes, and all that it points to, each as long as Go's
// allocator makes it, and its place in the list.
func size(r *wire.Record) int {
	n := recordSize + cap(r.Raw) + text(r.Fate.Cause) + text(r.Packet.Problem) + inList
	if t := r.Packet.TCP; t != nil {
		n += tcpSize + cap(t.SACK)*int(unsafe.Sizeof(wire.SeqRange{}))
		if t.Timestamp != nil {
			n += timestampSize
		}
		if t.WindowScale != nil {
			n += smallest
		}
	}
	if m := r.Packet.ICMP; m != nil {
		n += icmpSize
		if m.Quote != nil {
			n += quoteSize
		}
	}
	if r.Packet.Fragment != nil {
		n += fragmentSize
	}
	if r.Fate.Damage != nil {
		n += damageSize
	}
	return n
}

const (
	inList   = 16 // a pointer, in a slice that grows to at most twice as many
	smallest = 8
)

var (
	recordSize    = allocated(unsafe.Sizeof(wire.Record{}))
	tcpSize       = allocated(unsafe.Sizeof(wire.TCP{}))
	timestampSize = allocated(unsafe.Sizeof(wire.Timestamp{}))
	icmpSize      = allocated(unsafe.Sizeof(wire.ICMP{}))
	quoteSize     = allocated(unsafe.Sizeof(wire.Quote{}))
	fragmentSize  = allocated(unsafe.Sizeof(wire.Fragment{}))
	damageSize    = allocated(unsafe.Sizeof(wire.Damage{}))
)

// allocated is how many bytes the allocator takes for so many: it rounds up to the sizes that it has.
func allocated(n uintptr) int {
	if n > 512 { // beyond this it keeps a word of its own before what has pointers
		n += 8
	}
	return cap(append([]byte(nil), make([]byte, n)...))
}

func text(s string) int {
	if s == "" {
		return 0
	}
	return len(s) + len(s)/8 + smallest
}
