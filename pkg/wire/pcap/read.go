package pcap

import (
	"bytes"
	"io"

	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/packet"
	"netlab.example/pkg/wire/trace"
)

// Options say what of a capture is wanted.
type Options struct {
	Service wire.Service // the one to look at; with port 0 every connection
	Keep    int          // most bytes kept of a packet; 0: all that are there
}

// Reader makes records of a capture, one after the other. A record has its frame's number in the file, as other
// programs count too, or in a wire's own capture the number that it had there.
type Reader struct {
	file    *File
	keep    int
	tracker *trace.Tracker
	sides   sides
	sums    checksums
	whole   whole
	frames  int
	last    int // the ID given last
	left    Left
	own     bool
}

// Left counts what became no record.
type Left struct {
	NotIP     int  // frames of other protocols, such as ARP
	Unknown   int  // frames of a link layer that is not read
	Link      Link // which
	Elsewhere int  // packets of other services than the one that was asked for
}

// NewReader begins to read a capture.
func NewReader(in io.Reader, o Options) (*Reader, error) {
	file, err := NewFile(in)
	if err != nil {
		return nil, err
	}
	if o.Keep <= 0 {
		o.Keep = maxPacket
	}
	return &Reader{file: file, keep: o.Keep, tracker: trace.NewForCapture(), sides: sides{proto: o.Service.Proto, port: o.Service.Port}}, nil
}

// Own reports whether a wire has written the capture, so that it tells fates.
func (r *Reader) Own() bool { return r.own }

// Left says what became no record, so far.
func (r *Reader) Left() Left { return r.left }

// Next returns the next record, or io.EOF at the end.
func (r *Reader) Next() (*wire.Record, error) {
	for {
		f, err := r.file.Next()
		if err != nil {
			return nil, err
		}
		r.frames++
		raw, length, known := f.IP()
		switch {
		case !known:
			r.left.Unknown++
			r.left.Link = f.Link
		case raw == nil:
			r.left.NotIP++
		default:
			if rec := r.packet(&f, raw, length); rec != nil {
				return rec, nil
			}
		}
	}
}

// packet makes a record, as a running wire does; nil if the packet is none that is wanted.
func (r *Reader) packet(f *Frame, raw []byte, length int) *wire.Record {
	number, fate, skip, isOwn := own(f)
	r.own = r.own || isOwn
	if skip {
		return nil
	}
	p := packet.DecodeCut(raw, length)
	if !isOwn {
		number, fate = r.frames, r.fate(&p, raw)
	}
	dir, ok := r.sides.of(&p)
	if p.Fragment != nil && (p.Fragment.Offset > 0 || p.Fragment.More) {
		if all := r.whole.add(&p, raw); all != nil { // the last piece stands for the whole
			raw, p = all, packet.Decode(all)
			dir, ok = r.sides.of(&p)
		}
	}
	if !ok {
		r.left.Elsewhere++
		return nil
	}
	if r.last++; number > r.last && number < 1<<40 {
		r.last = number
	}
	raw = raw[:min(len(raw), max(p.Length, 0), r.keep)]
	rec := &wire.Record{ID: r.last, Time: f.Time, Dir: dir, Packet: p, Raw: bytes.Clone(raw)}
	r.tracker.Identify(rec)
	rec.Fate = fate
	r.tracker.Label(rec)
	if r.frames%1024 == 0 {
		r.tracker.Expire(rec.Time)
	}
	return rec
}

// fate is what a capture tells of a packet's: that it was seen, and perhaps that it was damaged before.
func (r *Reader) fate(p *wire.Packet, raw []byte) wire.Fate {
	if header := r.sums.wrong(p, raw); header != "" {
		return wire.Fate{What: wire.Corrupted, Cause: header + " checksum", Damage: &wire.Damage{Offset: -1}}
	}
	return wire.Fate{What: wire.Seen}
}
