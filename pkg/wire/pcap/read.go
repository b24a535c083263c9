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
	Proto wire.Proto // with Port: the one service to look at
	Port  uint16     // 0: every connection
	Keep  int        // most bytes kept of a packet; 0: all that are there
}

// Reader makes records of a capture, one after the other.
type Reader struct {
	file    *File
	keep    int
	tracker *trace.Tracker
	sides   sides
	sums    checksums
	whole   whole
	ahead   []*wire.Record // made already, not yet returned
	last    int            // the ID given last
	left    Left
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
	return &Reader{file: file, keep: o.Keep, tracker: trace.New(), sides: sides{proto: o.Proto, port: o.Port}}, nil
}

// Left says what became no record, so far.
func (r *Reader) Left() Left { return r.left }

// Next returns the next record, or io.EOF at the end.
func (r *Reader) Next() (*wire.Record, error) {
	for len(r.ahead) == 0 {
		f, err := r.file.Next()
		if err != nil {
			return nil, err
		}
		r.frame(&f)
	}
	rec := r.ahead[0]
	r.ahead = r.ahead[1:]
	return rec, nil
}

func (r *Reader) frame(f *Frame) {
	raw, length, known := f.IP()
	switch {
	case !known:
		r.left.Unknown++
		r.left.Link = f.Link
	case raw == nil:
		r.left.NotIP++
	default:
		r.packet(f, raw, length)
	}
}

func (r *Reader) packet(f *Frame, raw []byte, length int) {
	number, fate, skip, isOwn := own(f)
	if skip {
		return
	}
	p := packet.DecodeCut(raw, length)
	if !isOwn {
		fate = wire.Fate{What: wire.Seen}
		if header := r.sums.wrong(&p, raw); header != "" {
			fate = wire.Fate{What: wire.Corrupted, Cause: header + " checksum", Damage: &wire.Damage{Offset: -1}}
		}
	}
	if dir, ok := r.sides.of(&p); ok {
		r.add(f, number, dir, p, raw, fate)
	} else {
		r.left.Elsewhere++
	}
	if p.Fragment == nil || p.Fragment.Offset == 0 && !p.Fragment.More {
		return
	}
	if all := r.whole.add(&p, raw); all != nil {
		p := packet.Decode(all)
		if dir, ok := r.sides.of(&p); ok {
			r.add(f, 0, dir, p, all, fate)
		}
	}
}

// add makes a record, as a running wire does.
func (r *Reader) add(f *Frame, number int, dir wire.Direction, p wire.Packet, raw []byte, fate wire.Fate) {
	if r.last++; number > r.last && number < 1<<40 {
		r.last = number // a wire's own
	}
	raw = raw[:min(len(raw), max(p.Length, 0), r.keep)]
	rec := &wire.Record{ID: r.last, Time: f.Time, Dir: dir, Packet: p, Raw: bytes.Clone(raw)}
	r.tracker.Identify(rec)
	rec.Fate = fate
	r.tracker.Label(rec)
	if rec.ID%1024 == 0 {
		r.tracker.Expire(rec.Time)
	}
	r.ahead = append(r.ahead, rec)
}
