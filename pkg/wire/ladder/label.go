package ladder

import (
	"fmt"
	"strings"
	"time"

	"netlab.example/pkg/text"
	"netlab.example/pkg/wire"
)

// label says what r is.
func (w *phrases) label(r *wire.Record) string {
	text := w.kind(r)
	if r.Ends {
		text += w.Ends
	}
	return text
}

func (w *phrases) kind(r *wire.Record) string {
	switch l := r.Label; l.Kind {
	case wire.KindSYN:
		return w.SYN + w.with(l.New)
	case wire.KindSYNACK:
		return w.SYNACK + w.with(l.New)
	case wire.KindHandshakeACK:
		return w.HandshakeACK
	case wire.KindData:
		return fmt.Sprintf(w.Data, r.Ordinal)
	case wire.KindACK:
		if l.Of > 0 {
			return fmt.Sprintf(w.ACKOf, l.Of)
		}
		return w.ACK
	case wire.KindDupACK:
		return fmt.Sprintf(w.DupACK, l.Nth)
	case wire.KindWindowUpdate:
		return w.WindowUpdate
	case wire.KindZeroWindow:
		return w.ZeroWindow
	case wire.KindZeroWindowProbe:
		return w.ZeroWindowProbe
	case wire.KindRetransmission:
		text := fmt.Sprintf(w.Again, w.name(r), w.by(l.By))
		if l.Of > 0 {
			text = fmt.Sprintf(w.AgainOf, l.Of, w.name(r), w.by(l.By))
		}
		return text + w.with(l.New) + w.why(l.Why)
	case wire.KindDuplicate:
		return fmt.Sprintf(w.Duplicate, l.Of)
	case wire.KindOutOfOrder:
		return w.OutOfOrder
	case wire.KindKeepAlive:
		return w.KeepAlive
	case wire.KindKeepAliveACK:
		return w.KeepAliveACK
	case wire.KindDSACK:
		if l.Of > 0 {
			return fmt.Sprintf(w.DSACKOf, l.Of)
		}
		return w.DSACK
	case wire.KindNotAccepted:
		return w.NotAccepted + w.why(l.Why)
	case wire.KindChallengeACK:
		if l.Of > 0 {
			return fmt.Sprintf(w.ChallengeOf, l.Of)
		}
		return w.Challenge
	case wire.KindFIN:
		if l.Half {
			return w.HalfClose
		}
		return w.FIN
	case wire.KindRST:
		if r.Fate.What == wire.Made { // what it would mean from a host is no matter
			return w.RST
		}
		return w.RST + w.why(l.Why)
	case wire.KindDatagram:
		return fmt.Sprintf(w.Datagram, r.Ordinal)
	case wire.KindFragment:
		if f := r.Packet.Fragment; f != nil {
			return fmt.Sprintf(w.Fragment, f.Offset)
		}
	case wire.KindPortUnreachable:
		return w.PortUnreachable
	case wire.KindICMP:
		if m := r.Packet.ICMP; m != nil {
			return fmt.Sprintf(w.ICMP, m.Type, m.Code)
		}
	}
	return w.Other
}

// Bare reports whether r is a bare ACK or keeps a connection alive, and nothing else became of it than of all packets:
// what a reader who looks for data can do without.
func Bare(r *wire.Record) bool {
	switch r.Label.Kind {
	case wire.KindACK, wire.KindKeepAlive, wire.KindKeepAliveACK:
		f := r.Fate
		return f.Fault == 0 && (f.What == wire.Delivered || f.What == wire.Seen || f.What == wire.Delayed)
	}
	return false
}

// name is what a fault calls the packet: data #2, SYN, FIN.
func (w *phrases) name(r *wire.Record) string {
	switch {
	case r.Class == wire.ClassData && r.Label.New > 0: // what it repeats; what is new in it stands behind
		return w.OldData
	}
	switch r.Class {
	case wire.ClassData:
		return fmt.Sprintf(w.Data, r.Ordinal)
	case wire.ClassSYN, wire.ClassFIN:
		return strings.ToUpper(string(r.Class))
	}
	return w.Other
}

func (w *phrases) by(b wire.By) string {
	switch b {
	case wire.ByTimer:
		return w.ByTimer
	case wire.ByDupACKs:
		return w.ByDupACKs
	case wire.BySACK:
		return w.BySACK
	case wire.ByTLP:
		return w.ByTLP
	case wire.ByICMP:
		return w.ByICMP
	}
	return ""
}

// with says which new data a packet brings beside what it mainly is.
func (w *phrases) with(data int) string {
	if data == 0 {
		return ""
	}
	return fmt.Sprintf(w.With, data)
}

func (w *phrases) why(y wire.Why) string {
	switch y {
	case wire.WhyRefused:
		return w.Refused
	case wire.WhyUnread:
		return w.Unread
	case wire.WhyAfterClose:
		return w.AfterClose
	case wire.WhyAbort:
		return w.Abort
	case wire.WhyUnknown:
		return w.Unknown
	case wire.WhyOutsideWindow:
		return w.OutsideWindow
	case wire.WhyNotExact:
		return w.NotExact
	case wire.WhyWrongACK:
		return w.WrongACK
	case wire.WhyNoACK:
		return w.NoACK
	case wire.WhyNotOpen:
		return w.NotOpen
	case wire.WhyOldTimestamp:
		return w.OldTimestamp
	case wire.WhyOtherBytes:
		return w.OtherBytes
	}
	return ""
}

// fate says what became of a packet, and the causes as they were asked for. A packet that simply went
// on needs no words.
func (w *phrases) fate(f wire.Fate) (note string, causes []string) {
	var notes []string
	switch f.What {
	case wire.Dropped:
		notes = append(notes, w.Dropped)
	case wire.Corrupted:
		notes = append(notes, w.Corrupted)
	case wire.Held:
		notes = append(notes, w.Held)
	case wire.Reordered:
		notes = append(notes, w.Reordered)
	case wire.Made:
		notes = append(notes, w.Made)
	}
	if f.What != wire.Dropped {
		if f.Copies > 0 {
			notes = append(notes, fmt.Sprintf("%s ×%d", w.Duplicated, f.Copies+1))
		}
		if f.Delay > 0 {
			notes = append(notes, w.Delayed+" "+short(f.Delay))
		}
	}
	if f.Cause != "" {
		for cause := range strings.SplitSeq(text.Escape(f.Cause), "; ") {
			// "delayed 50ms: delay 50 ms" says one thing twice.
			if f.Fault != 0 || !strings.HasPrefix(cause, "delay ") || strings.Contains(cause, "±") {
				causes = append(causes, cause)
			}
		}
	}
	return strings.Join(notes, ", "), causes[:min(len(causes), 4)]
}

// short is a duration without more digits than anybody reads.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// header gives the numbers of a packet's header, the relative ones.
func header(r *wire.Record) string {
	p := &r.Packet
	switch {
	case p.Fragment != nil && p.TCP == nil:
		return fmt.Sprintf("len=%d", p.Data.Len)
	case p.TCP != nil:
		text := fmt.Sprintf("%s seq=%d", p.TCP.Flags, r.Seq)
		if strings.Contains(p.TCP.Flags.String(), "ACK") {
			text += fmt.Sprintf(" ack=%d", r.Ack)
		}
		switch r.Label.Kind {
		case wire.KindZeroWindow, wire.KindWindowUpdate:
			text += " win=" + window(r)
		}
		return text + fmt.Sprintf(" len=%d", p.Data.Len)
	case p.Problem != "":
		return text.Escape(p.Problem)
	}
	return fmt.Sprintf("%s len=%d", strings.ToUpper(text.Escape(string(p.Proto))), p.Data.Len)
}

// window is how many bytes the sender of r still takes. Where the factor is unknown, because the SYNs were not seen,
// it is the header's field, and a question mark says so.
func window(r *wire.Record) string {
	if r.Scale == nil && r.Window > 0 && r.Packet.TCP.Flags&wire.SYN == 0 {
		return fmt.Sprintf("%d×?", r.Window)
	}
	return fmt.Sprint(r.Window)
}

// quoted is the text that a packet carries, on one line and escaped: «GET / HTTP/1.1\r\n». Too long a
// text is cut later, to the room that there is.
func quoted(r *wire.Record) string {
	data := r.Payload()
	if len(data) == 0 || r.Packet.ICMP != nil {
		return ""
	}
	const most = 400 // bytes; more than any line has cells
	more := len(data) < r.Packet.Data.Len
	if len(data) > most {
		data, more = data[:most], true
	}
	if more {
		data = data[:len(data)-text.Unfinished(data)]
	}
	line := Text(data)
	if more {
		line += "…"
	}
	return "«" + line + "»"
}

var escapes = strings.NewReplacer("\r", `\r`, "\n", `\n`, "\t", `\t`, `\`, `\\`)

// Text is bytes from the network as one escaped line. A line feed is \n, as programmers write it.
func Text(data []byte) string { return text.Escape(escapes.Replace(string(data))) }

// style is the colour of a packet: its fate if that was bad, else what it is.
func (d *drawing) style(r *wire.Record) style {
	if !d.Colour {
		return plain
	}
	switch r.Fate.What {
	case wire.Dropped:
		return red
	case wire.Corrupted, wire.Made:
		return red
	case wire.Delayed, wire.Reordered, wire.Held, wire.Duplicated:
		return purple
	}
	switch r.Label.Kind {
	case wire.KindRetransmission, wire.KindDupACK, wire.KindOutOfOrder, wire.KindDuplicate, wire.KindZeroWindow, wire.KindZeroWindowProbe,
		wire.KindNotAccepted, wire.KindChallengeACK, wire.KindDSACK:
		return yellow
	case wire.KindRST, wire.KindPortUnreachable:
		return red
	case wire.KindData, wire.KindDatagram:
		return green
	case wire.KindSYN, wire.KindSYNACK, wire.KindHandshakeACK, wire.KindFIN:
		return blue
	}
	return dim
}
