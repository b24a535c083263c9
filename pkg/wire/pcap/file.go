package pcap

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"netlab.example/pkg/language"
)

// maxPacket is the longest packet that is read: libpcap's own bound.
const maxPacket = 256 << 10

// File is a capture that is being read.
type File struct {
	in    *bufio.Reader
	order binary.ByteOrder
	next  func() (Frame, error) // by the file's format
	buf   []byte                // the packet read last

	link Link          // pcap: of all packets
	unit time.Duration // pcap: of the fraction of a second

	interfaces []ngInterface // pcapng
}

// Frame is one packet as it stands in the file.
type Frame struct {
	Time      time.Time
	Link      Link
	Data      []byte // from the link layer's header on; valid until the next call of Next
	Length    int    // how long it was; Data may be no more than its beginning
	Interface string // its name, if the file has one
	Comment   string // the first one, if there is one
}

// Errors of a file that is none, or is damaged.
var (
	ErrNoCapture = language.Errorf("不是抓包文件 (pcap 或 pcapng)", "this is no capture (pcap or pcapng)")
	ErrCut       = language.Errorf("文件在一个数据包中间断了", "the file ends in the middle of a packet")
	errDamaged   = language.Errorf("文件已损坏: 长度不可能是这样", "the file is damaged: it names a length that cannot be")
)

// NewFile reads a file's beginning.
func NewFile(r io.Reader) (*File, error) {
	f := &File{in: bufio.NewReaderSize(r, 64<<10)}
	for range 2 { // a packed file in a packed file is somebody's joke
		magic, err := f.in.Peek(4)
		switch {
		case err == io.EOF:
			return nil, ErrNoCapture
		case err != nil:
			return nil, err
		case magic[0] == 0x1f && magic[1] == 0x8b:
			unpacked, err := gzip.NewReader(f.in)
			if err != nil {
				return nil, err
			}
			f.in = bufio.NewReaderSize(unpacked, 64<<10)
			continue
		case binary.BigEndian.Uint32(magic) == blockSection:
			f.next = f.block
			return f, nil
		}
		return f, f.pcapHeader()
	}
	return nil, ErrNoCapture
}

// Next returns the next packet, or io.EOF at the end.
func (f *File) Next() (Frame, error) { return f.next() }

// pcapHeader reads the 24 bytes that a pcap file begins with: magic, version 2.4, 8 bytes that nobody uses, the
// longest packet, the link layer.
func (f *File) pcapHeader() error {
	var h [24]byte
	if err := f.fill(h[:]); err != nil {
		return ErrNoCapture
	}
	f.order, f.unit = binary.LittleEndian, time.Microsecond
	switch binary.BigEndian.Uint32(h[:]) {
	case 0xd4c3b2a1:
	case 0x4d3cb2a1:
		f.unit = time.Nanosecond
	case 0xa1b2c3d4:
		f.order = binary.BigEndian
	case 0xa1b23c4d:
		f.order, f.unit = binary.BigEndian, time.Nanosecond
	default:
		return ErrNoCapture
	}
	f.link = Link(f.order.Uint32(h[20:]) & 0xffff) // above stands how long the frame's own checksum is
	f.next = f.pcapRecord
	return nil
}

// pcapRecord reads one packet: seconds, fraction, length in the file, length on the wire, bytes.
func (f *File) pcapRecord() (Frame, error) {
	var h [16]byte
	if err := f.fill(h[:]); err != nil {
		return Frame{}, err
	}
	here, there := f.order.Uint32(h[8:]), f.order.Uint32(h[12:])
	data, err := f.bytes(here)
	if err != nil {
		return Frame{}, err
	}
	at := time.Unix(int64(f.order.Uint32(h[:])), int64(f.order.Uint32(h[4:]))*int64(f.unit)).UTC()
	return Frame{Time: at, Link: f.link, Data: data, Length: length(here, there)}, nil
}

// length is how long a packet was. A file that says less than it holds has not counted, and one that says much
// more than any network carries has not either.
func length(here, there uint32) int {
	if there < here || there > 1<<30 {
		there = here
	}
	return int(there)
}

// bytes reads n bytes of a packet.
func (f *File) bytes(n uint32) ([]byte, error) {
	if n > maxPacket {
		return nil, errDamaged
	}
	if cap(f.buf) < int(n) {
		f.buf = make([]byte, n, max(int(n), 2048))
	}
	f.buf = f.buf[:n]
	err := f.fill(f.buf)
	if err == io.EOF && n > 0 {
		err = ErrCut
	}
	return f.buf, err
}

// fill reads a part of the file, all of it: io.EOF if not a byte is there, ErrCut if some are.
func (f *File) fill(b []byte) error {
	n, err := io.ReadFull(f.in, b)
	if errors.Is(err, io.ErrUnexpectedEOF) || n > 0 && err == io.EOF {
		return ErrCut
	}
	return err
}

// skip leaves n bytes out.
func (f *File) skip(n uint32) error {
	for n > 0 {
		some := min(n, 1<<30)
		if _, err := f.in.Discard(int(some)); err != nil {
			if err == io.EOF {
				return ErrCut
			}
			return err
		}
		n -= some
	}
	return nil
}
