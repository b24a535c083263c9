// Package capture writes records as pcapng, the file format of Wireshark and tshark. What no other
// capture has is in the comment of each packet: what became of it, and why.
//
//	wire #6: DROPPED by drop data #1 to client, data #1 to client
//	wire #9: retransmission of data #1 to client (#6) by sack
//
//	tshark -r lab.pcapng -Y 'frame.comment contains "DROPPED"'
//
// There is one interface for each way a packet can go on:
//
//	wire:delivered   it went on, perhaps late, perhaps damaged; a packet that was sent twice is there twice
//	wire:dropped     it did not
//	wire:seen        wire only watches, and does not know
//
// Packets stand in the order in which they came to wire, at the time they came, so delays are in the
// comments and not in the times. The first bytes are those of the IP header: there is no link layer here.
package capture

import (
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"netlab.example/pkg/text"
	"netlab.example/pkg/wire"
)

// The interfaces' numbers.
const (
	delivered = iota
	dropped
	seen
)

var interfaces = []pcapgo.NgInterface{
	delivered: {Name: "wire:delivered", Description: "what went on to the other side"},
	dropped:   {Name: "wire:dropped", Description: "what wire dropped"},
	seen:      {Name: "wire:seen", Description: "what wire saw while it could only watch"},
}

// Writer writes one capture.
type Writer struct {
	ng     *pcapgo.NgWriter
	missed int
}

// NewWriter begins a capture on w.
func NewWriter(w io.Writer) (*Writer, error) {
	opts := pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{
		Application: "netlab wire",
		OS:          runtime.GOOS,
		Comment:     "Each packet's comment says what became of it. The link layer is not seen from here.",
	}}
	var c Writer
	for i, intf := range interfaces {
		intf.LinkType, intf.TimestampResolution = layers.LinkTypeRaw, 9
		var err error
		if i == 0 {
			c.ng, err = pcapgo.NewNgWriterInterface(w, intf, opts)
		} else {
			_, err = c.ng.AddInterface(intf)
		}
		if err != nil {
			return nil, err
		}
	}
	return &c, c.ng.Flush()
}

// Write adds a record: one packet, and one more for each copy that the link made of it. Nothing is left
// in a buffer, so that a reader at the other end of a pipe sees each packet at once.
func (c *Writer) Write(r *wire.Record) error {
	intf := delivered
	switch r.Fate.What {
	case wire.Dropped:
		intf = dropped
	case wire.Seen:
		intf = seen
	}
	if err := c.packet(r, intf, Comment(r)); err != nil {
		return err
	}
	if intf == delivered {
		for i := range min(r.Fate.Copies, 8) {
			if err := c.packet(r, intf, fmt.Sprintf("wire #%d: COPY %d made here", r.ID, i+1)); err != nil {
				return err
			}
		}
	}
	return c.ng.Flush()
}

// Missed says that n records were forgotten before they could be written: the next packet's comment tells it.
func (c *Writer) Missed(n int) { c.missed += n }

func (c *Writer) packet(r *wire.Record, intf int, comment string) error {
	data := r.Sent()
	if len(data) == 0 {
		return nil
	}
	if c.missed > 0 {
		comment += fmt.Sprintf(" (%d packets before this one are MISSING)", c.missed)
		c.missed = 0
	}
	flags := pcapgo.NgEpbFlags{Direction: pcapgo.NgEpbFlagDirectionInbound}
	if r.Dir == wire.Out {
		flags.Direction = pcapgo.NgEpbFlagDirectionOutbound
	}
	id := uint64(r.ID)
	return c.ng.WritePacketWithOptions(gopacket.CaptureInfo{
		Timestamp: r.Time, CaptureLength: len(data), Length: max(r.Packet.Length, len(data)), InterfaceIndex: intf,
	}, data, pcapgo.NgPacketOptions{Comments: []string{comment}, Flags: &flags, PacketID: &id})
}

// Comment says in one line what a packet is and what became of it. The words are English and stable, for
// filters: the fate in capitals, then its causes as they were asked for.
func Comment(r *wire.Record) string {
	words := []string{fmt.Sprintf("wire #%d:", r.ID)}
	f := r.Fate
	if f.What != wire.Delivered && f.What != "" {
		words = append(words, strings.ToUpper(string(f.What)))
	}
	if f.What != wire.Delayed && f.Delay > 0 {
		words = append(words, "DELAYED")
	}
	if f.Delay > 0 {
		words = append(words, f.Delay.String())
	}
	if f.What != wire.Duplicated && f.Copies > 0 {
		words = append(words, "DUPLICATED")
	}
	if f.Damage != nil {
		words = append(words, fmt.Sprintf("(byte %d XOR 0x%02x)", f.Damage.Offset, f.Damage.Mask))
	}
	if f.Cause != "" {
		words = append(words, "by", f.Cause+",")
	}
	words = append(words, label(r))
	return text.Escape(strings.Join(words, " "))
}

func label(r *wire.Record) string {
	l := r.Label
	text := string(l.Kind)
	switch {
	case l.Kind == wire.KindData || l.Kind == wire.KindDatagram:
		text += fmt.Sprintf(" #%d to %s", r.Ordinal, r.Dir.Peer())
	case l.Kind == wire.KindRetransmission && r.Class == wire.ClassData:
		text += fmt.Sprintf(" of data #%d to %s", r.Ordinal, r.Dir.Peer())
	}
	if l.Of > 0 {
		text += fmt.Sprintf(" (#%d)", l.Of)
	}
	if l.By != "" {
		text += " by " + string(l.By)
	}
	if l.Why != "" {
		text += ": " + string(l.Why)
	}
	if l.New > 0 {
		text += fmt.Sprintf(", with data #%d", l.New)
	}
	if l.Half {
		text += ", half-close"
	}
	return text
}
