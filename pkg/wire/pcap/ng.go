package pcap

import (
	"encoding/binary"
	"io"
	"math/bits"
	"time"
)

// pcapng is a list of blocks, each of which says how long it is, twice:
//
//	| type | length | body ... | length |
//
// A section begins with a block that gives the byte order; then come descriptions of interfaces, and packets.
// What else may stand there (names, statistics, keys) is skipped.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockOldPacket = 2
	blockSimple    = 3
	blockPacket    = 6
)

const (
	maxInterfaces = 4096
	maxOptions    = 64 << 10 // bytes of options that are read of one block
)

// ngInterface is what packets refer to by number.
type ngInterface struct {
	link   Link
	name   string
	snap   uint32
	unit   uint64 // of time: so many in a second
	offset int64  // seconds
}

// block reads blocks up to the next packet.
func (f *File) block() (Frame, error) {
	for {
		var h [8]byte
		if err := f.fill(h[:]); err != nil {
			return Frame{}, err
		}
		if binary.BigEndian.Uint32(h[:]) == blockSection {
			if err := f.section(h[4:]); err != nil {
				return Frame{}, err
			}
			continue
		}
		if f.order == nil {
			return Frame{}, ErrNoCapture
		}
		kind, size := f.order.Uint32(h[:]), f.order.Uint32(h[4:])
		if size < 12 || size%4 != 0 {
			return Frame{}, errDamaged
		}
		frame, is, err := f.body(kind, size-12)
		if err == nil {
			err = f.skip(4) // the length once more
		}
		switch {
		case err == io.EOF:
			return Frame{}, ErrCut
		case err != nil || is:
			return frame, err
		}
	}
}

// section begins a section: other interfaces, perhaps another byte order.
func (f *File) section(size []byte) error {
	var magic [4]byte
	if err := f.fill(magic[:]); err != nil {
		return ErrCut
	}
	switch binary.BigEndian.Uint32(magic[:]) {
	case 0x1a2b3c4d:
		f.order = binary.BigEndian
	case 0x4d3c2b1a:
		f.order = binary.LittleEndian
	default:
		return errDamaged
	}
	f.interfaces = nil
	n := f.order.Uint32(size)
	if n < 28 || n%4 != 0 {
		return errDamaged
	}
	return f.skip(n - 12)
}

// body reads a block's body of size bytes; is says that it was a packet.
func (f *File) body(kind, size uint32) (frame Frame, is bool, err error) {
	switch kind {
	case blockInterface:
		return frame, false, f.describe(size)
	case blockPacket, blockOldPacket:
		frame, err = f.packet(kind, size)
		return frame, true, err
	case blockSimple:
		frame, err = f.simple(size)
		return frame, true, err
	}
	return frame, false, f.skip(size)
}

// describe reads an interface's description.
func (f *File) describe(size uint32) error {
	if size < 8 || len(f.interfaces) == maxInterfaces {
		return errDamaged
	}
	var h [8]byte
	if err := f.fill(h[:]); err != nil {
		return err
	}
	i := ngInterface{link: Link(f.order.Uint16(h[:])), snap: f.order.Uint32(h[4:]), unit: 1e6}
	err := f.options(size-8, func(code uint16, value []byte) {
		switch {
		case code == 2:
			i.name = string(value[:min(len(value), 256)])
		case code == 9 && len(value) > 0:
			i.unit = unitOf(value[0])
		case code == 14 && len(value) == 8:
			i.offset = int64(f.order.Uint64(value))
		}
	})
	f.interfaces = append(f.interfaces, i)
	return err
}

// unitOf says how many units of time make a second: a power of 10, or with the highest bit set of 2. What does
// not fit into 64 bits counts as the default, microseconds.
func unitOf(resolution byte) uint64 {
	exponent, base := resolution&0x7f, uint64(10)
	if resolution&0x80 != 0 {
		base = 2
	}
	unit := uint64(1)
	for range exponent {
		high, low := bits.Mul64(unit, base)
		if high != 0 {
			return 1e6
		}
		unit = low
	}
	return unit
}

// time is a packet's time. One that no calendar has counts as none.
func (i *ngInterface) time(high, low uint32) time.Time {
	at := uint64(high)<<32 | uint64(low)
	h, l := bits.Mul64(at%i.unit, 1e9)
	nanos, _ := bits.Div64(h, l, i.unit)
	seconds := int64(at/i.unit) + i.offset
	if t := time.Unix(seconds, int64(nanos)).UTC(); seconds >= 0 && seconds < 253402300800 { // the year 10000
		return t
	}
	return time.Unix(0, 0).UTC()
}

// packet reads a packet with its options.
func (f *File) packet(kind, size uint32) (frame Frame, err error) {
	var h [20]byte
	if size < 20 {
		return frame, errDamaged
	}
	if err := f.fill(h[:]); err != nil {
		return frame, err
	}
	number := f.order.Uint32(h[:])
	if kind == blockOldPacket { // 16 bits, and 16 more for how many were dropped
		number = uint32(f.order.Uint16(h[:]))
	}
	here, there := f.order.Uint32(h[12:]), f.order.Uint32(h[16:])
	size -= 20
	padded := (uint64(here) + 3) &^ 3
	if uint64(number) >= uint64(len(f.interfaces)) || padded > uint64(size) {
		return frame, errDamaged
	}
	i := &f.interfaces[number]
	frame = Frame{Time: i.time(f.order.Uint32(h[4:]), f.order.Uint32(h[8:])), Link: i.link, Length: length(here, there), Interface: i.name}
	if frame.Data, err = f.bytes(here); err != nil {
		return frame, err
	}
	if err := f.skip(uint32(padded) - here); err != nil {
		return frame, err
	}
	return frame, f.options(size-uint32(padded), func(code uint16, value []byte) {
		if code == 1 && frame.Comment == "" {
			frame.Comment = string(value[:min(len(value), 1024)])
		}
	})
}

// simple reads a packet that has neither time nor options, of the first interface.
func (f *File) simple(size uint32) (frame Frame, err error) {
	var h [4]byte
	if size < 4 || len(f.interfaces) == 0 {
		return frame, errDamaged
	}
	if err := f.fill(h[:]); err != nil {
		return frame, err
	}
	size -= 4
	there, i := f.order.Uint32(h[:]), &f.interfaces[0]
	here := min(there, size)
	if i.snap > 0 {
		here = min(here, i.snap)
	}
	frame = Frame{Time: time.Unix(0, 0).UTC(), Link: i.link, Length: length(here, there), Interface: i.name}
	if frame.Data, err = f.bytes(here); err != nil {
		return frame, err
	}
	return frame, f.skip(size - here)
}

// options calls each with the options in the next size bytes: code, length, value, each filled up to 4 bytes.
func (f *File) options(size uint32, each func(code uint16, value []byte)) error {
	text := make([]byte, min(size, maxOptions))
	if err := f.fill(text); err != nil && len(text) > 0 {
		return ErrCut
	}
	size -= uint32(len(text))
	for len(text) >= 4 {
		code, n := f.order.Uint16(text), int(f.order.Uint16(text[2:]))
		if text = text[4:]; code == 0 || n > len(text) {
			break
		}
		each(code, text[:n])
		text = text[min((n+3)&^3, len(text)):]
	}
	return f.skip(size)
}
