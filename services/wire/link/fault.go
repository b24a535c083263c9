package link

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"netlab.example/pkg/wire/packet"
	"netlab.example/pkg/wire/record"
)

// Fault is one thing to be done to one packet, exactly once. As a line:
//
//	drop data #1 to client            the first piece of data that the server sends
//	drop SYN #1                       the handshake's first packet; SYN goes to the server, SYN-ACK to the client
//	drop retransmission #1 to client  what the server sends again
//	delay FIN 500ms                   the first FIN of either side; data #2 to server 1s, …
//	duplicate data #1 to server
//	corrupt data #1 to server
//	swap data #3 #4 to server         #3 waits until #4 has passed
//
// It is about the next connection to begin. For data, #k counts first transmissions in one direction;
// for anything else, the packets of that kind in the order in which they pass. #1 may be left out.
type Fault struct {
	Number int              `json:"number"` // given by Link.Add
	Do     Do               `json:"do"`
	Kind   Kind             `json:"kind"`
	Nth    int              `json:"nth"`
	Other  int              `json:"other,omitempty"` // swap's second packet
	To     record.Direction `json:"to,omitempty"`    // empty: either
	Delay  Delay            `json:"delay,omitempty"`

	State  FaultState `json:"state"`
	Conn   int        `json:"conn,omitempty"`   // the connection it is bound to
	Packet int        `json:"packet,omitempty"` // the record of the packet it met
	Note   string     `json:"note,omitempty"`   // why it never met its packet; of a swap that fired: how it went on

	met int // packets of its kind so far
}

// Do is what a fault does.
type Do string

const (
	Drop      Do = "drop"
	Hold      Do = "delay"
	Duplicate Do = "duplicate"
	Corrupt   Do = "corrupt"
	Swap      Do = "swap"
)

// Kind is the kind of packet that a fault waits for.
type Kind string

const (
	Data           Kind = "data"
	SYN            Kind = "SYN"
	SYNACK         Kind = "SYN-ACK"
	ACK            Kind = "ACK" // bare: no data, SYN or FIN
	FIN            Kind = "FIN"
	RST            Kind = "RST"
	ICMP           Kind = "ICMP"
	Retransmission Kind = "retransmission"
)

// FaultState is how far a fault has come.
type FaultState string

const (
	Waiting FaultState = "waiting" // for a connection to begin
	Bound   FaultState = "bound"   // to a connection, and waiting for its packet
	Fired   FaultState = "fired"
	Missed  FaultState = "missed" // its connection is over and the packet never came, or another fault met it first
)

// Swapped is the note of a swap whose second packet has passed.
const Swapped = "done"

const maxNth = 1_000_000

// String is the fault's line, as ParseFault reads it.
func (f Fault) String() string {
	words := []string{string(f.Do), string(f.Kind), "#" + strconv.Itoa(f.Nth)}
	if f.Do == Swap {
		words = append(words, "#"+strconv.Itoa(f.Other))
	}
	if f.To != "" {
		words = append(words, "to", f.To.Peer())
	}
	if f.Do == Hold {
		words = append(words, f.Delay.String())
	}
	return strings.Join(words, " ")
}

// ParseFault reads the line of a fault. Capitals do not matter, and #k, "to …" and the time may come in
// any order.
func ParseFault(line string) (Fault, error) {
	words := strings.Fields(strings.ToLower(line))
	if len(words) < 2 {
		return Fault{}, fmt.Errorf("%q is no fault: write what to do and to which packet, as in drop data #1 to client", clip(line))
	}
	f := Fault{Do: Do(words[0]), State: Waiting}
	switch f.Do {
	case Drop, Hold, Duplicate, Corrupt, Swap:
	default:
		return Fault{}, fmt.Errorf("cannot %q: there are drop, delay, duplicate, corrupt and swap", clip(words[0]))
	}
	for _, k := range []Kind{Data, SYN, SYNACK, ACK, FIN, RST, ICMP, Retransmission} {
		if words[1] == strings.ToLower(string(k)) {
			f.Kind = k
		}
	}
	if f.Kind == "" {
		return Fault{}, fmt.Errorf("%q is no kind of packet: there are data, SYN, SYN-ACK, ACK, FIN, RST, ICMP and retransmission", clip(words[1]))
	}
	if err := f.rest(words[2:]); err != nil {
		return Fault{}, fmt.Errorf("%s: %w", clip(line), err)
	}
	return f, f.check(line)
}

// rest reads what follows "drop data".
func (f *Fault) rest(words []string) error {
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case strings.HasPrefix(word, "#"):
			n, err := strconv.Atoi(word[1:])
			if err != nil || n < 1 || n > maxNth || word[1] == '+' {
				return fmt.Errorf("%q: write #1, #2, …", clip(word))
			}
			switch {
			case f.Nth == 0:
				f.Nth = n
			case f.Do == Swap && f.Other == 0:
				f.Other = n
			default:
				return fmt.Errorf("one packet for each fault; write a line for each")
			}
		case word == "to" && i+1 < len(words) && f.To == "":
			i++
			switch words[i] {
			case "server":
				f.To = record.In
			case "client":
				f.To = record.Out
			default:
				return fmt.Errorf("to whom: server or client, not %q", clip(words[i]))
			}
		case f.Do == Hold && f.Delay == 0:
			d, err := parseDelay(word)
			if err != nil {
				return err
			}
			f.Delay = d
		default:
			return fmt.Errorf("what is %q?", clip(word))
		}
	}
	return nil
}

// check adds what goes without saying, and refuses what is left unsaid.
func (f *Fault) check(line string) error {
	if f.Nth == 0 {
		f.Nth = 1
	}
	switch f.Kind {
	case SYN, SYNACK:
		natural := record.In
		if f.Kind == SYNACK {
			natural = record.Out
		}
		if f.To != "" && f.To != natural {
			return fmt.Errorf("%s: a %s goes to the %s", clip(line), f.Kind, natural.Peer())
		}
		f.To = natural
	case Data, Retransmission:
		if f.To == "" {
			return fmt.Errorf("%s: to whom? write to client or to server", clip(line))
		}
	}
	switch {
	case f.Do == Hold && f.Delay == 0:
		return fmt.Errorf("%s: for how long? write a time, as in 500ms", clip(line))
	case f.Do == Swap && f.Kind != Data:
		return fmt.Errorf("%s: swap works on data only", clip(line))
	case f.Do == Swap && f.Other == 0:
		return fmt.Errorf("%s: with which? write two numbers, as in swap data #3 #4 to server", clip(line))
	case f.Do == Swap && f.Other == f.Nth:
		return fmt.Errorf("%s: a packet cannot be swapped with itself", clip(line))
	}
	if f.Do == Swap && f.Other < f.Nth {
		f.Nth, f.Other = f.Other, f.Nth
	}
	return nil
}

// meets reports whether r is the packet that the fault waits for, and counts it if it is of that kind.
// The fault is bound to r's connection.
func (f *Fault) meets(r *record.Record) bool {
	if f.To != "" && f.To != r.Dir {
		return false
	}
	if f.Kind == Data { // has a number of its own already
		return r.Class == record.ClassData && r.Attempt == 0 && r.Ordinal == f.Nth
	}
	if !f.Kind.is(r) {
		return false
	}
	f.met++
	return f.met == f.Nth
}

func (k Kind) is(r *record.Record) bool {
	var flags packet.Flags
	if r.Packet.TCP != nil {
		flags = r.Packet.TCP.Flags
	}
	switch k {
	case SYN:
		return flags.Has(packet.SYN) && !flags.Has(packet.ACK)
	case SYNACK:
		return flags.Has(packet.SYN | packet.ACK)
	case ACK:
		return r.Class == record.ClassAck
	case FIN:
		return flags.Has(packet.FIN)
	case RST:
		return flags.Has(packet.RST)
	case ICMP:
		return r.Class == record.ClassICMP
	case Retransmission:
		return r.Attempt > 0 && (r.Class == record.ClassData || r.Class == record.ClassSYN || r.Class == record.ClassFIN)
	}
	return false
}

// fate is what the fault does to the packet it met.
func (f *Fault) fate(damage *record.Damage) record.Fate {
	fate := record.Fate{Cause: f.String(), Fault: f.Number}
	switch f.Do {
	case Drop:
		fate.What = record.Dropped
	case Hold:
		fate.Delay = time.Duration(f.Delay)
	case Duplicate:
		fate.Copies = 1
	case Corrupt:
		fate.Damage = damage
	case Swap:
		fate.What = record.Held
	}
	fate.What = fate.Word()
	return fate
}
