package trace_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/packet"
	"netlab.example/pkg/wire/trace"
)

// A hand-written trace (testdata/*.trace) is a conversation, one packet a line:
//
//	+207ms  < data 1:6 "hello" DROPPED    | retransmission 1 of 4 by timer | retransmission |
//	time    way, flags, data, fate        | the label                      | what tshark    | why they
//	since   > is to the server                                               calls it         differ, if
//	before                                                                                    they do
//
// Numbers are relative, as in wire.Record. A packet acknowledges all that has reached its sender in
// order, unless it says "ack 5"; begins where its sender's data ends, unless it says "1:6" or "seq 5";
// has a window of 64000 bytes unless it says "win 0". "id 150" and "stamp -2" set the IPv4 ID, which else
// counts, and move the timestamp, which else is the time. "sack 6:11,16:21" says what has come beyond a gap,
// "copy 4" is record 4 once more to the bit, "noid" has no IPv4 ID. DROPPED, CORRUPTED, DUPLICATED and
// "DELAYED 50ms" are what wire does to it. "SYN plain" offers no options, and nobody in that trace then
// uses any. A trace that says "over IPv6" in its comment is.
//
// "noack" leaves the ACK flag out. "stray" is a packet that its sender's TCP did not write, so it changes nothing in what
// that one says next. "SYN first 900" opens a connection with another number; "old" then counts as before. "data 1:6 B"
// brings other bytes than the points which it else does. "too-long 4" is ICMP's answer to packet 4.
type script struct {
	name    string
	lines   []line
	records []*wire.Record
	packets [][]byte
}

type line struct{ packet, label, tshark, why string }

// talker is one end of a conversation.
type talker struct {
	addr        netip.Addr
	port        uint16
	first       uint32 // the raw number that counts as 0
	past        *talker
	next        uint32 // relative
	fin         uint32 // relative; 0 before it
	got         uint32 // relative: all below has come, in order
	beyond      [][2]uint32
	id          uint16
	stamp, echo uint32
}

func readScript(t *testing.T, path string, port uint16) *script {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{name: strings.TrimSuffix(filepath.Base(path), ".trace")}
	six := bytes.Contains(text, []byte("over IPv6"))
	ends := map[wire.Direction]*talker{
		wire.In:  {addr: netip.MustParseAddr("10.0.0.1"), port: port, first: 1<<32 - 8, id: 100, stamp: 5000}, // the numbers wrap in each trace
		wire.Out: {addr: netip.MustParseAddr("10.0.0.2"), port: 8080, first: 7000, id: 60000, stamp: 90000},
	}
	if six {
		ends[wire.In].addr, ends[wire.Out].addr = netip.MustParseAddr("fd77::1"), netip.MustParseAddr("fd77::2")
	}
	now, plain := time.Unix(1_700_000_000, 0), bytes.Contains(text, []byte("SYN plain"))
	for n, l := range strings.Split(string(text), "\n") {
		if l = strings.TrimSpace(l); l == "" || l[0] == '#' {
			continue
		}
		columns := strings.Split(l+"|||", "|")
		for i := range columns {
			columns[i] = strings.TrimSpace(columns[i])
		}
		s.lines = append(s.lines, line{columns[0], columns[1], columns[2], columns[3]})
		func() {
			defer func() {
				if r := recover(); r != nil {
					t.Fatalf("%s:%d: %v", path, n+1, r)
				}
			}()
			s.add(ends, columns[0], &now, plain)
		}()
	}
	return s
}

// add builds the packet of a line. It panics on a line that it cannot read.
func (s *script) add(ends map[wire.Direction]*talker, text string, now *time.Time, plain bool) {
	words := strings.Fields(text)
	if d, ok := strings.CutPrefix(words[0], "+"); ok {
		*now = now.Add(must(time.ParseDuration(d)))
		words = words[1:]
	}
	r := &wire.Record{ID: len(s.records) + 1, Time: *now, Dir: wire.In, Fate: wire.Fate{What: wire.Delivered}}
	if words[0] == "<" {
		r.Dir = wire.Out
	} else if words[0] != ">" {
		panic("which way?")
	}
	from, to := ends[r.Dir], ends[r.Dir.Back()]
	tcp := layers.TCP{SrcPort: layers.TCPPort(from.port), DstPort: layers.TCPPort(to.port)}
	window, ack, seq, id := uint32(64000), from.got, from.next, from.id
	var data []byte
	var raw []byte
	var udp, quote, noACK, stray, tooLong bool
	late := 0
	for i := 1; i < len(words); i++ {
		next := func() string { i++; return words[i] }
		switch w := words[i]; {
		case w == "data":
			tcp.ACK, tcp.PSH = true, true
		case w == "udp":
			udp, data = true, []byte(strings.Trim(next(), `"`))
		case w == "unreachable", w == "too-long":
			tooLong = w == "too-long"
			quote, data = true, s.packets[must(strconv.Atoi(next()))-1]
			data = data[:min(len(data), 28+8)]
		case strings.Trim(w, "SYNACKFIRT,") == "":
			for _, f := range strings.Split(w, ",") {
				switch f {
				case "SYN":
					tcp.SYN = true
				case "ACK":
					tcp.ACK = true
				case "FIN":
					tcp.FIN, tcp.ACK = true, true
				case "RST":
					tcp.RST = true
				default:
					panic(f)
				}
			}
		case w == "noack":
			noACK = true
		case w == "stray":
			stray = true
		case w == "first":
			past := *from
			from.past, from.first, from.next, from.fin, from.got, from.beyond = &past, number(next()), 0, 0, 0, nil
			if tcp.ACK {
				from.got = 1
			}
			ack, seq = from.got, 0
		case w == "old":
			from, to = from.past, to.past
			if from == nil {
				from = ends[r.Dir]
			}
			if to == nil {
				to = ends[r.Dir.Back()]
			}
			ack, seq = from.got, from.next
		case w == "B":
			data = bytes.Repeat([]byte("B"), len(data))
		case w[0] == '"':
			data = []byte(strings.Trim(w, `"`))
		case strings.Trim(w, "-0123456789:") == "":
			a, b, _ := strings.Cut(w, ":")
			seq = number(a)
			data = bytes.Repeat([]byte("."), int(number(b)-seq))
		case w == "seq":
			seq = number(next())
		case w == "ack":
			ack = number(next())
		case w == "win":
			window = number(next())
		case w == "sack":
			var blocks []byte
			for _, b := range strings.Split(next(), ",") {
				a, z, _ := strings.Cut(b, ":")
				blocks = binary.BigEndian.AppendUint32(blocks, to.first+number(a))
				blocks = binary.BigEndian.AppendUint32(blocks, to.first+number(z))
			}
			tcp.Options = append(tcp.Options, layers.TCPOption{OptionType: layers.TCPOptionKindSACK, OptionLength: uint8(2 + len(blocks)), OptionData: blocks})
		case w == "id":
			id = uint16(number(next()))
			from.id = id
		case w == "stamp": // so many ms later than now
			late = must(strconv.Atoi(next()))
		case w == "noid":
			id = 0
		case w == "plain":
		case w == "copy":
			raw = s.packets[must(strconv.Atoi(next()))-1]
		case w == "DROPPED":
			r.Fate.What = wire.Dropped
		case w == "CORRUPTED":
			r.Fate.What, r.Fate.Damage = wire.Corrupted, &wire.Damage{Offset: 60, Mask: 1}
		case w == "DUPLICATED":
			r.Fate.What, r.Fate.Copies = wire.Duplicated, 1
		case w == "DELAYED":
			r.Fate.What, r.Fate.Delay = wire.Delayed, must(time.ParseDuration(next()))
		default:
			panic("what is " + w + "?")
		}
	}
	if tcp.SYN {
		seq = 0
	}
	if noACK {
		tcp.ACK = false
	}
	if tcp.FIN && (stray || noACK) {
		// as it is written
	} else if tcp.FIN && from.fin > 0 {
		seq = from.fin - uint32(len(data))
	} else if tcp.FIN {
		from.fin = seq + uint32(len(data))
	}
	if raw == nil {
		tcp.Seq = from.first + seq
		if tcp.ACK {
			tcp.Ack = to.first + ack
		}
		tcp.Window = uint16(window)
		if !plain && !tcp.RST {
			ms := uint32(now.UnixMilli() - 1_700_000_000_000 + int64(late))
			option := func(kind layers.TCPOptionKind, data ...byte) {
				tcp.Options = append(tcp.Options, layers.TCPOption{OptionType: kind, OptionLength: uint8(2 + len(data)), OptionData: data})
			}
			if tcp.SYN {
				option(layers.TCPOptionKindMSS, 5, 180)
				option(layers.TCPOptionKindSACKPermitted)
				option(layers.TCPOptionKindWindowScale, 7)
			} else {
				tcp.Window = uint16(window >> 7)
			}
			option(layers.TCPOptionKindTimestamps, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, from.stamp+ms), from.echo)...)
			to.echo = from.stamp + ms
		}
		raw = build(from, to, id, &tcp, data, udp, quote, tooLong)
		from.id++
	}
	r.Packet, r.Raw = packet.Decode(raw), raw
	if r.Packet.Problem != "" {
		panic(r.Packet.Problem)
	}
	s.records, s.packets = append(s.records, r), append(s.packets, raw)
	if h := r.Packet.TCP; h != nil && !stray {
		begin, end := h.Seq-from.first, h.Seq-from.first+uint32(r.Packet.Data.Len)
		if h.Flags.Has(wire.SYN) || h.Flags.Has(wire.FIN) {
			end++
		}
		from.next = max(from.next, end)
		if r.Fate.What != wire.Dropped && r.Fate.Damage == nil && end > begin {
			to.beyond = append(to.beyond, [2]uint32{begin, end})
			for range to.beyond {
				for _, b := range to.beyond {
					if b[0] <= to.got {
						to.got = max(to.got, b[1])
					}
				}
			}
		}
	}
}

// build writes a packet's bytes, with lengths and checksums.
func build(from, to *talker, id uint16, tcp *layers.TCP, data []byte, udp, quote, tooLong bool) []byte {
	var ip gopacket.SerializableLayer
	proto := layers.IPProtocolTCP
	if udp {
		proto = layers.IPProtocolUDP
	} else if quote {
		proto = layers.IPProtocolICMPv4
	}
	var network gopacket.NetworkLayer
	if from.addr.Is4() {
		ip4 := &layers.IPv4{Version: 4, TTL: 64, Id: id, Flags: layers.IPv4DontFragment, Protocol: proto, SrcIP: from.addr.AsSlice(), DstIP: to.addr.AsSlice()}
		ip, network = ip4, ip4
	} else {
		ip6 := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: from.addr.AsSlice(), DstIP: to.addr.AsSlice()}
		ip, network = ip6, ip6
	}
	var transport gopacket.SerializableLayer = tcp
	switch {
	case udp:
		u := &layers.UDP{SrcPort: layers.UDPPort(from.port), DstPort: layers.UDPPort(to.port)}
		u.SetNetworkLayerForChecksum(network)
		transport = u
	case quote:
		code := uint8(layers.ICMPv4CodePort)
		if tooLong {
			code = layers.ICMPv4CodeFragmentationNeeded
		}
		transport = &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeDestinationUnreachable, code)}
	default:
		tcp.SetNetworkLayerForChecksum(network)
	}
	b := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ip, transport, gopacket.Payload(data))
	if err != nil {
		panic(err)
	}
	return slices.Clone(b.Bytes())
}

func number(text string) uint32 { return uint32(must(strconv.ParseInt(text, 10, 64))) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// words is a label as a trace writes it.
func words(r *wire.Record) string {
	l := r.Label
	s := string(l.Kind)
	if l.Nth > 0 {
		s += fmt.Sprint(" ", l.Nth)
	}
	if l.Of > 0 {
		s += fmt.Sprint(" of ", l.Of)
	}
	if l.By != "" {
		s += " by " + string(l.By)
	}
	if l.Why != "" {
		s += ": " + string(l.Why)
	}
	if l.Half {
		s += " half"
	}
	if l.New > 0 {
		s += fmt.Sprint(" with data ", l.New)
	}
	if r.Begins && r.Conn > 1 {
		s += " begins"
	}
	if r.Ends {
		s += " ends"
	}
	return s
}

func scripts(t *testing.T) []*script {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.trace")
	if err != nil || len(paths) == 0 {
		t.Fatal("no traces: ", err)
	}
	var all []*script
	for i, p := range paths {
		all = append(all, readScript(t, p, 40000+uint16(i)))
	}
	return all
}

// label takes r through the tracker, as the engine does: its fate comes between.
func (s *script) label(tr *trace.Tracker, r *wire.Record) {
	fate := r.Fate
	r.Fate = wire.Fate{}
	tr.Identify(r)
	r.Fate = fate
	tr.Label(r)
}

// TestTraces: each packet of each hand-written trace gets the label that is written beside it.
func TestTraces(t *testing.T) {
	for _, s := range scripts(t) {
		t.Run(s.name, func(t *testing.T) {
			tr := trace.New()
			for i, r := range s.records {
				s.label(tr, r)
				if got := words(r); got != s.lines[i].label {
					t.Errorf("#%d %-40s is %q, want %q", r.ID, s.lines[i].packet, got, s.lines[i].label)
				}
			}
		})
	}
}
