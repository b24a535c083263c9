package wire

import (
	"fmt"
	"strconv"
	"strings"

	"netlab.example/pkg/language"
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
//	reset data #2 to server           ends the connection with a RST to both sides, and the packet with it
//	drop data to client on c12        of a connection that is open already: the next one
//	reset on c12                      with its next packet
//	drop SYN #1 from 172.18.0.5       the next connection of this client
//
// It is about the next connection to begin, unless on or from say which. For data, #k counts first transmissions
// in one direction; for anything else, the packets of that kind in the order in which they pass. #1 may be left
// out; on a connection that is open already that means the next packet of the kind.
type Fault struct {
	Number int       `json:"number"` // given by Link.Add
	Do     Do        `json:"do"`
	Kind   FaultKind `json:"kind"`
	Nth    int       `json:"nth"`             // 0: the next one
	Other  int       `json:"other,omitempty"` // swap's second packet
	To     Direction `json:"to,omitempty"`    // empty: either
	Delay  Delay     `json:"delay,omitempty"`
	Scope  Scope     `json:"scope,omitzero"`

	State  FaultState `json:"state"`
	Conn   int        `json:"conn,omitempty"`   // the connection it is bound to
	Packet int        `json:"packet,omitempty"` // the record of the packet it met
	Line   string     `json:"line"`             // the same as a line, as ParseFault reads it
	Note   string     `json:"note,omitempty"`   // why it never met its packet; of a swap that fired: how it went on
}

// Do is what a fault does.
type Do string

const (
	Drop      Do = "drop"
	Hold      Do = "delay"
	Duplicate Do = "duplicate"
	Corrupt   Do = "corrupt"
	Swap      Do = "swap"
	Reset     Do = "reset"
)

// FaultKind is the kind of packet that a fault waits for.
type FaultKind string

const (
	OnData           FaultKind = "data"
	OnSYN            FaultKind = "SYN"
	OnSYNACK         FaultKind = "SYN-ACK"
	OnACK            FaultKind = "ACK" // bare: no data, SYN or FIN
	OnFIN            FaultKind = "FIN"
	OnRST            FaultKind = "RST"
	OnICMP           FaultKind = "ICMP"
	OnRetransmission FaultKind = "retransmission"
	OnPacket         FaultKind = "packet" // any
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
	words := []string{string(f.Do), string(f.Kind)}
	if f.Nth > 0 {
		words = append(words, "#"+strconv.Itoa(f.Nth))
	}
	if f.Do == Swap {
		words = append(words, "#"+strconv.Itoa(f.Other))
	}
	if f.To != "" {
		words = append(words, "to", f.To.Peer())
	}
	if f.Do == Hold {
		words = append(words, f.Delay.String())
	}
	if !f.Scope.All() {
		words = append(words, f.Scope.String())
	}
	return strings.Join(words, " ")
}

// ParseFault reads the line of a fault. Capitals do not matter, and #k, "to …" and the time may come in
// any order.
func ParseFault(line string) (Fault, error) {
	f := Fault{State: Waiting}
	words, err := f.Scope.take(strings.Fields(strings.ToLower(line)))
	if err != nil {
		return Fault{}, fmt.Errorf("%s: %w", clip(line), err)
	}
	if len(words) == 1 && words[0] == string(Reset) {
		words = append(words, string(OnPacket))
	}
	if len(words) < 2 {
		return Fault{}, language.Errorf("%q 不是故障: 写做什么, 对哪个数据包, 例如 drop data #1 to client", "%q is no fault: write what to do and to which packet, as in drop data #1 to client", clip(line))
	}
	f.Do = Do(words[0])
	switch f.Do {
	case Drop, Hold, Duplicate, Corrupt, Swap, Reset:
	default:
		return Fault{}, language.Errorf("不能 %q: 有 drop, delay, duplicate, corrupt, swap 和 reset", "cannot %q: there are drop, delay, duplicate, corrupt, swap and reset", clip(words[0]))
	}
	for _, k := range []FaultKind{OnData, OnSYN, OnSYNACK, OnACK, OnFIN, OnRST, OnICMP, OnRetransmission, OnPacket} {
		if words[1] == strings.ToLower(string(k)) {
			f.Kind = k
		}
	}
	if f.Kind == "" {
		return Fault{}, language.Errorf("没有 %q 这种数据包: 有 data, SYN, SYN-ACK, ACK, FIN, RST, ICMP, retransmission 和 packet", "%q is no kind of packet: there are data, SYN, SYN-ACK, ACK, FIN, RST, ICMP, retransmission and packet", clip(words[1]))
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
				return language.Errorf("%q: 写 #1, #2, …", "%q: write #1, #2, …", clip(word))
			}
			switch {
			case f.Nth == 0:
				f.Nth = n
			case f.Do == Swap && f.Other == 0:
				f.Other = n
			default:
				return language.Errorf("一个故障只对一个数据包; 每个写一行", "one packet for each fault; write a line for each")
			}
		case word == "to" && i+1 < len(words) && f.To == "":
			i++
			switch words[i] {
			case "server":
				f.To = In
			case "client":
				f.To = Out
			default:
				return language.Errorf("发给谁: server 或 client, 不是 %q", "to whom: server or client, not %q", clip(words[i]))
			}
		case f.Do == Hold && f.Delay == 0:
			d, err := parseDelay(word)
			if err != nil {
				return err
			}
			f.Delay = d
		default:
			return language.Errorf("%q 是什么?", "what is %q?", clip(word))
		}
	}
	return nil
}

// check adds what goes without saying, and refuses what is left unsaid.
func (f *Fault) check(line string) error {
	if f.Nth == 0 && f.Scope.Conn == 0 {
		f.Nth = 1
	}
	switch f.Kind {
	case OnSYN, OnSYNACK:
		natural := In
		if f.Kind == OnSYNACK {
			natural = Out
		}
		if f.To != "" && f.To != natural {
			return language.Errorf("%s: %s 只发给 %s", "%s: a %s goes to the %s", clip(line), f.Kind, natural.Peer())
		}
		f.To = natural
	case OnData, OnRetransmission:
		if f.To == "" {
			return language.Errorf("%s: 发给谁? 写 to client 或 to server", "%s: to whom? write to client or to server", clip(line))
		}
	}
	switch {
	case f.Do == Hold && f.Delay == 0:
		return language.Errorf("%s: 多久? 写一段时间, 例如 500ms", "%s: for how long? write a time, as in 500ms", clip(line))
	case f.Do == Swap && f.Kind != OnData:
		return language.Errorf("%s: swap 只用于 data", "%s: swap works on data only", clip(line))
	case f.Do == Swap && f.Other == 0:
		return language.Errorf("%s: 和哪个交换? 写两个编号, 例如 swap data #3 #4 to server", "%s: with which? write two numbers, as in swap data #3 #4 to server", clip(line))
	case f.Do == Swap && f.Other == f.Nth:
		return language.Errorf("%s: 数据包不能和自己交换", "%s: a packet cannot be swapped with itself", clip(line))
	}
	if f.Do == Swap && f.Other < f.Nth {
		f.Nth, f.Other = f.Other, f.Nth
	}
	return nil
}
