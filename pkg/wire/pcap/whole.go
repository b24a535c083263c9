package pcap

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"netlab.example/pkg/wire"
)

const (
	maxDatagrams = 64    // that are put together at a time; the oldest makes room
	maxPieces    = 2048  // of one
	maxDatagram  = 65535 // bytes
)

// whole puts datagrams together that came in fragments.
type whole struct{ waiting []*datagram }

type datagram struct {
	src, dst netip.Addr
	proto    wire.Proto
	id       uint32
	header   []byte // the first fragment's, up to its data
	data     []byte
	pieces   [][2]int // from, to: what has come
	end      int      // where it ends; 0 until that is known
}

// add takes a fragment, and returns the datagram as one IP packet when this was the last piece missing, else nil.
// Of pieces that overlap the later one is kept.
func (w *whole) add(p *wire.Packet, raw []byte) []byte {
	f := p.Fragment
	at := p.Data.At
	if f.Offset == 0 && p.Header.Len > 0 {
		at = p.Header.At // its header is the beginning of what was cut
	}
	if len(raw) < p.Length || at <= 0 || at > p.Length { // the capture has no more than a part of it
		return nil
	}
	piece := raw[at:p.Length]
	end := f.Offset + len(piece)
	if len(piece) == 0 || end > maxDatagram {
		return nil
	}
	d := w.find(p)
	if d.data == nil {
		d.data = make([]byte, 0, max(end, 4096))
	}
	d.data = append(d.data, make([]byte, max(end-len(d.data), 0))...)
	copy(d.data[f.Offset:], piece)
	d.pieces = append(d.pieces, [2]int{f.Offset, end})
	if f.Offset == 0 {
		d.header = slices.Clone(raw[:at])
	}
	if !f.More {
		d.end = end
	}
	if !d.complete() {
		if len(d.pieces) >= maxPieces {
			w.forget(d)
		}
		return nil
	}
	w.forget(d)
	return d.packet(p.Version)
}

func (w *whole) find(p *wire.Packet) *datagram {
	for _, d := range w.waiting {
		if d.id == p.Fragment.ID && d.src == p.Src.Addr() && d.dst == p.Dst.Addr() && d.proto == p.Proto {
			return d
		}
	}
	if len(w.waiting) == maxDatagrams {
		w.waiting = slices.Delete(w.waiting, 0, 1)
	}
	d := &datagram{src: p.Src.Addr(), dst: p.Dst.Addr(), proto: p.Proto, id: p.Fragment.ID}
	w.waiting = append(w.waiting, d)
	return d
}

func (w *whole) forget(d *datagram) {
	w.waiting = slices.DeleteFunc(w.waiting, func(x *datagram) bool { return x == d })
}

// complete reports whether nothing is missing between the beginning and the end.
func (d *datagram) complete() bool {
	if d.header == nil || d.end == 0 {
		return false
	}
	slices.SortFunc(d.pieces, func(a, b [2]int) int { return a[0] - b[0] })
	have := 0
	for _, p := range d.pieces {
		if p[0] > have {
			return false
		}
		have = max(have, p[1])
	}
	return have >= d.end
}

// packet is the datagram in one IP packet. In IPv6 the fragment header stays, as one that leaves nothing out.
func (d *datagram) packet(version uint8) []byte {
	raw := append(slices.Clone(d.header), d.data[:d.end]...)
	if version == 4 {
		if len(raw) > maxDatagram {
			return nil
		}
		binary.BigEndian.PutUint16(raw[2:], uint16(len(raw)))
		raw[6], raw[7] = raw[6]&^0x3f, 0
		raw[10], raw[11] = 0, 0
		binary.BigEndian.PutUint16(raw[10:], ^fold(add(0, raw[:len(d.header)])))
		return raw
	}
	if len(raw)-40 > maxDatagram {
		return nil
	}
	binary.BigEndian.PutUint16(raw[4:], uint16(len(raw)-40))
	if at := fragmentHeader(raw); at > 0 {
		raw[at+2], raw[at+3] = 0, 0
	}
	return raw
}

// fragmentHeader finds IPv6's fragment header, or 0.
func fragmentHeader(raw []byte) int {
	next, at := raw[6], 40
	for at+8 <= len(raw) {
		if next == 44 {
			return at
		}
		if next != 0 && next != 43 && next != 60 {
			return 0
		}
		next, at = raw[at], at+8*(1+int(raw[at+1]))
	}
	return 0
}
