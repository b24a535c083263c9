package packet

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/wire"
)

// build makes a packet with right lengths and checksums.
func build(t testing.TB, parts ...gopacket.SerializableLayer) []byte {
	t.Helper()
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, parts...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func ip4(p layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: p, SrcIP: net.IP{10, 0, 0, 1}, DstIP: net.IP{10, 0, 0, 2}}
}

func ip6(p layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: p, SrcIP: net.ParseIP("fd77::1"), DstIP: net.ParseIP("fd77::2")}
}

func tcpPacket(t testing.TB, ip interface {
	gopacket.NetworkLayer
	gopacket.SerializableLayer
}, data string) []byte {
	tcp := &layers.TCP{SrcPort: 40000, DstPort: 8080, Seq: 7, Ack: 9, ACK: true, PSH: true, Window: 500, Options: []layers.TCPOption{
		{OptionType: layers.TCPOptionKindNop},
		{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: []byte{0, 0, 0, 1, 0, 0, 0, 2}},
		{OptionType: layers.TCPOptionKindSACK, OptionLength: 10, OptionData: []byte{0, 0, 0, 3, 0, 0, 0, 4}},
	}}
	tcp.SetNetworkLayerForChecksum(ip)
	return build(t, ip, tcp, gopacket.Payload(data))
}

func udpPacket(t testing.TB, data string) []byte {
	ip := ip4(layers.IPProtocolUDP)
	udp := &layers.UDP{SrcPort: 40000, DstPort: 1314}
	udp.SetNetworkLayerForChecksum(ip)
	return build(t, ip, udp, gopacket.Payload(data))
}

func TestDecodeTCP(t *testing.T) {
	for version, raw := range map[uint8][]byte{
		4: tcpPacket(t, ip4(layers.IPProtocolTCP), "你好"),
		6: tcpPacket(t, ip6(layers.IPProtocolTCP), "你好"),
	} {
		p := Decode(raw)
		if p.Problem != "" || p.Version != version || p.Proto != wire.ProtoTCP || p.Length != len(raw) || p.Src.Port() != 40000 || p.Dst.Port() != 8080 {
			t.Errorf("IPv%d: %+v", version, p)
			continue
		}
		if got := string(p.Data.Of(raw)); got != "你好" {
			t.Errorf("IPv%d: data %q", version, got)
		}
		h := p.TCP
		if h.Flags != wire.PSH|wire.ACK || h.Seq != 7 || h.Ack != 9 || h.Window != 500 {
			t.Errorf("IPv%d: %+v", version, h)
		}
		if h.Timestamp == nil || *h.Timestamp != (wire.Timestamp{Value: 1, Echo: 2}) || len(h.SACK) != 1 || h.SACK[0] != (wire.SeqRange{From: 3, To: 4}) {
			t.Errorf("IPv%d: options %+v", version, h)
		}
	}
}

func TestDecodeSYN(t *testing.T) {
	ip := ip4(layers.IPProtocolTCP)
	tcp := &layers.TCP{SrcPort: 40000, DstPort: 8080, SYN: true, Options: []layers.TCPOption{
		{OptionType: layers.TCPOptionKindMSS, OptionLength: 4, OptionData: []byte{5, 0xb4}},
		{OptionType: layers.TCPOptionKindSACKPermitted, OptionLength: 2},
		{OptionType: layers.TCPOptionKindWindowScale, OptionLength: 3, OptionData: []byte{200}},
	}}
	tcp.SetNetworkLayerForChecksum(ip)
	h := Decode(build(t, ip, tcp)).TCP
	if h == nil || h.Flags != wire.SYN || h.MSS != 1460 || !h.SACKPermitted || h.WindowScale == nil || *h.WindowScale != 14 {
		t.Errorf("%+v", h)
	}
}

func TestDecodePortUnreachable(t *testing.T) {
	about := udpPacket(t, "37")[:28] // as much as an error has to quote
	icmp := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 3)}
	p := Decode(build(t, ip4(layers.IPProtocolICMPv4), icmp, gopacket.Payload(about)))
	if p.Problem != "" || p.ICMP == nil || !p.ICMP.PortUnreachable(p.Proto) || p.ICMP.Quote == nil {
		t.Fatalf("%+v %+v", p, p.ICMP)
	}
	want := wire.Quote{Proto: wire.ProtoUDP, Src: netip.MustParseAddrPort("10.0.0.1:40000"), Dst: netip.MustParseAddrPort("10.0.0.2:1314")}
	if *p.ICMP.Quote != want {
		t.Errorf("quote %+v", *p.ICMP.Quote)
	}
}

func TestDecodeFragments(t *testing.T) {
	whole := udpPacket(t, strings.Repeat("x", 100))
	first := ip4(layers.IPProtocolUDP)
	first.Flags, first.Id = layers.IPv4MoreFragments, 5
	second := ip4(layers.IPProtocolUDP)
	second.FragOffset, second.Id = 8, 5
	a := Decode(build(t, first, gopacket.Payload(whole[20:84])))
	b := Decode(build(t, second, gopacket.Payload(whole[84:])))
	if a.Fragment == nil || *a.Fragment != (wire.Fragment{ID: 5, Offset: 0, More: true}) || a.Dst.Port() != 1314 {
		t.Errorf("first %+v %+v", a, a.Fragment)
	}
	if b.Fragment == nil || *b.Fragment != (wire.Fragment{ID: 5, Offset: 64, More: false}) || b.Dst.Port() != 0 || b.Data.Len != len(whole)-84 {
		t.Errorf("second %+v %+v", b, b.Fragment)
	}
	raw := build(t, ip6(layers.IPProtocolIPv6Fragment), gopacket.Payload([]byte{17, 0, 0, 9, 0, 0, 0, 7, 'a', 'b'}))
	c := Decode(raw)
	if c.Fragment == nil || *c.Fragment != (wire.Fragment{ID: 7, Offset: 8, More: true}) || c.Proto != wire.ProtoUDP || string(c.Data.Of(raw)) != "ab" {
		t.Errorf("IPv6 %+v %+v", c, c.Fragment)
	}
}

func TestProblems(t *testing.T) {
	tcp := tcpPacket(t, ip4(layers.IPProtocolTCP), "")
	short := tcp[:30]
	offset := append([]byte(nil), tcp...)
	offset[32] = 0x10 // a header of 4 bytes
	for name, raw := range map[string][]byte{"empty": nil, "version": {0x50}, "cut": short, "offset": offset, "six": {0x60, 1, 2}} {
		if p := Decode(raw); p.Problem == "" {
			t.Errorf("%s: no problem: %+v", name, p)
		}
	}
	// Where the addresses can be read, they are.
	if p := Decode(short); p.Src.Addr() != netip.MustParseAddr("10.0.0.1") {
		t.Errorf("addresses of a packet that was cut: %+v", p)
	}
}

func TestFlags(t *testing.T) {
	for f := range 256 {
		text, _ := wire.Flags(f).MarshalText()
		var back wire.Flags
		if back.UnmarshalText(text); back != wire.Flags(f) {
			t.Fatalf("%d is %q is %d", f, text, back)
		}
	}
}

func TestFields(t *testing.T) {
	raw := tcpPacket(t, ip4(layers.IPProtocolTCP), "hello")
	var got []string
	var walk func([]wire.Field)
	walk = func(fs []wire.Field) {
		for _, f := range fs {
			got = append(got, fmt.Sprintf("%s %d+%d %s", f.Name, f.At, f.Len, f.Value))
			walk(f.Fields)
		}
	}
	walk(Fields(Decode(raw), raw))
	all := strings.Join(got, "\n")
	for _, want := range []string{
		"ip 0+20 Internet Protocol, version 4",
		"ip.src 12+4 10.0.0.1",
		"tcp 20+44 Transmission Control Protocol",
		"tcp.seq_raw 24+4 7",
		"tcp.flags 33+1 PSH ACK",
		"tcp.options.timestamp 41+10 value 1, echo 2",
		"tcp.options.sack 51+10 3 to 4",
		"data 64+5 5 bytes",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
}

// TestFieldsOfPart: of a packet of which the beginning was kept the lengths are the packet's.
func TestFieldsOfPart(t *testing.T) {
	raw := udpPacket(t, strings.Repeat("x", 1000))
	fields := Fields(Decode(raw), raw[:100])
	if last := fields[len(fields)-1]; last.Name != "data" || last.Value != "1000 bytes, 72 of them kept" || last.At != 28 || last.Len != 72 {
		t.Errorf("%+v", last)
	}
	raw = tcpPacket(t, ip4(layers.IPProtocolTCP), "hello")
	for kept := range raw {
		for _, f := range Fields(Decode(raw), raw[:kept]) {
			if f.Name == "problem" {
				t.Errorf("%d bytes kept: %s", kept, f.Value)
			}
		}
	}
}

// TestFieldNames asks tshark whether the names are names of its own.
func TestFieldNames(t *testing.T) {
	path, err := exec.LookPath("tshark")
	if err != nil {
		labtest.Lacks(t, "NETLAB_REQUIRE_TSHARK", "no tshark: apt-get install tshark")
	}
	known := map[string]bool{"ip.options": true, "ipv6.extensions": true, "problem": true} // ours
	for _, about := range []string{"fields", "protocols"} {
		out, err := exec.CommandContext(t.Context(), path, "-G", about).Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			if columns := strings.Split(strings.TrimSpace(line), "\t"); len(columns) > 2 {
				known[columns[2]] = true
			}
		}
	}
	var check func(fs []wire.Field)
	check = func(fs []wire.Field) {
		for _, f := range fs {
			if !known[f.Name] {
				t.Errorf("tshark knows no %s", f.Name)
			}
			check(f.Fields)
		}
	}
	check([]wire.Field{{Name: "tcp.flags.ae"}, {Name: "tcp.flags.ace"}})
	about := udpPacket(t, "37")
	for _, raw := range [][]byte{
		tcpPacket(t, ip4(layers.IPProtocolTCP), "hello"), tcpPacket(t, ip6(layers.IPProtocolTCP), "hello"), about, about[:10],
		build(t, ip4(layers.IPProtocolICMPv4), &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 3)}, gopacket.Payload(about)),
		build(t, ip6(layers.IPProtocolICMPv6), gopacket.Payload([]byte{1, 4, 0, 0, 0, 0, 0, 0})),
	} {
		check(Fields(Decode(raw), raw))
	}
	for _, kind := range []layers.TCPOptionKind{0, 1, 2, 3, 4, 5, 8, 28, 29, 30, 34, 172, 174, 253, 254} {
		check([]wire.Field{{Name: "tcp.options." + optionName(kind)}})
	}
}

// TestCut: what a capture left out, or the sender's network card was still to cut, counts by what the headers say.
func TestCut(t *testing.T) {
	tcp := tcpPacket(t, ip4(layers.IPProtocolTCP), strings.Repeat("x", 1000))
	whole := Decode(tcp)
	for _, tc := range []struct {
		name   string
		raw    []byte
		length int
		want   wire.Span
	}{
		{"data cut", tcp[:whole.Data.At+10], len(tcp), whole.Data},
		{"data gone", tcp[:whole.Data.At], len(tcp), whole.Data},
		{"options cut", tcp[:40], len(tcp), whole.Data},
		{"padding", append(bytes.Clone(tcp), 0, 0, 0), len(tcp) + 3, whole.Data},
		{"a length that is longer than the packet", tcp[:70], 70, wire.Span{At: whole.Data.At, Len: 70 - whole.Data.At}},
		{"not yet cut into pieces, IPv4", zero(tcp, 2), len(tcp), whole.Data},
		{"not yet cut into pieces, IPv6", zero(tcpPacket(t, ip6(layers.IPProtocolTCP), "hello"), 4), 80_000, wire.Span{At: whole.Data.At + 20, Len: 80_000 - whole.Data.At - 20}},
	} {
		p := DecodeCut(tc.raw, tc.length)
		if p.Data != tc.want || p.TCP == nil || p.Src.Port() == 0 || p.Problem != "" {
			t.Errorf("%s: %+v, want data %+v", tc.name, p, tc.want)
		}
	}
}

// zero is a packet whose two bytes at offset at are 0.
func zero(raw []byte, at int) []byte {
	raw = bytes.Clone(raw)
	raw[at], raw[at+1] = 0, 0
	return raw
}

// TestOptions: what people meet today is called by its name.
func TestOptions(t *testing.T) {
	for _, tc := range []struct {
		kind layers.TCPOptionKind
		data []byte
		want string
	}{
		{30, []byte{0x01, 0x81, 1, 2, 3, 4, 5, 6, 7, 8}, "tcp.options.mptcp.subtype: MP_CAPABLE, version 1"},
		{30, []byte{0x10, 2, 0, 0, 0, 1, 0, 0, 0, 2}, "tcp.options.mptcp.subtype: MP_JOIN"},
		{30, []byte{0x20, 1, 0, 0, 0, 1}, "tcp.options.mptcp.subtype: DSS"},
		{30, []byte{0x31, 7, 10, 0, 0, 1}, "tcp.options.mptcp.subtype: ADD_ADDR, address 7"},
		{30, []byte{0xf0}, "tcp.options.mptcp.subtype: subtype 15"},
		{30, nil, "tcp.options.mptcp.subtype: "},
		{34, nil, "tcp.options.tfo: cookie request"},
		{34, []byte{1, 2, 3, 4, 5, 6, 7, 8}, "tcp.options.tfo: cookie of 8 bytes"},
		{254, []byte{0xf9, 0x89}, "tcp.options.experimental: Fast Open: cookie request"},
		{254, []byte{0xac, 0xc0, 0, 0, 1, 0, 0, 0, 0, 1, 2}, "tcp.options.experimental: AccECN: ECT(0) 1, CE 0, ECT(1) 258"},
		{253, []byte{0x12, 0x34}, "tcp.options.experimental: experiment 0x1234"},
		{172, []byte{0, 0, 5, 0, 0, 6}, "tcp.options.acc_ecn: ECT(0) 5, CE 6"},
		{174, []byte{0, 0, 5}, "tcp.options.acc_ecn: ECT(1) 5"},
		{28, []byte{0x80, 5}, "tcp.options.user_to: 5 min"},
		{200, []byte{1}, "tcp.options.kind_200: "},
	} {
		ip := ip4(layers.IPProtocolTCP)
		tcp := &layers.TCP{SrcPort: 1, DstPort: 2, SYN: true, ECE: true, CWR: true, NS: true, Options: []layers.TCPOption{{OptionType: tc.kind, OptionLength: uint8(2 + len(tc.data)), OptionData: tc.data}}}
		tcp.SetNetworkLayerForChecksum(ip)
		raw := build(t, ip, tcp)
		var all []string
		var walk func(fs []wire.Field)
		walk = func(fs []wire.Field) {
			for _, f := range fs {
				all = append(all, f.Name+": "+f.Value)
				walk(f.Fields)
			}
		}
		walk(Fields(Decode(raw), raw))
		for _, want := range []string{tc.want, "tcp.flags.ae: AE", "tcp.flags.ace: 7"} {
			if !slices.Contains(all, want) {
				t.Errorf("option %d: no %q in %q", tc.kind, want, all)
			}
		}
	}
}

// TestBehindUDP: what the IP packet holds behind the datagram is no data of it.
func TestBehindUDP(t *testing.T) {
	raw := udpPacket(t, "36.6 and more")
	binary.BigEndian.PutUint16(raw[24:], 12)
	p := Decode(raw)
	if p.Data != (wire.Span{At: 28, Len: 4}) {
		t.Errorf("data %+v", p.Data)
	}
	fs := Fields(p, raw)
	if f := fs[len(fs)-1]; f.Name != "udp.trailer" || f.At != 32 || f.Len != 9 {
		t.Errorf("%+v", f)
	}
}

// FuzzDecode: whatever comes, the spans lie inside the packet, its fields lie inside their parents, and JSON holds it all.
func FuzzDecode(f *testing.F) {
	f.Add(tcpPacket(f, ip4(layers.IPProtocolTCP), "hello"), uint16(0))
	f.Add(tcpPacket(f, ip6(layers.IPProtocolTCP), "hello"), uint16(0))
	f.Add(udpPacket(f, "37"), uint16(0))
	f.Add(build(f, ip4(layers.IPProtocolICMPv4), &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 3)}, gopacket.Payload(udpPacket(f, "37"))), uint16(0))
	f.Add(build(f, ip6(layers.IPProtocolIPv6Fragment), gopacket.Payload([]byte{17, 0, 0, 9, 0, 0, 0, 7, 'a', 'b'})), uint16(0))
	f.Add(build(f, ip6(layers.IPProtocolIPv6HopByHop), gopacket.Payload([]byte{6, 0, 1, 4, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8})), uint16(0))
	f.Fuzz(func(t *testing.T, raw []byte, missing uint16) {
		p := DecodeCut(raw, len(raw)+int(missing))
		for _, s := range []wire.Span{p.Header, p.Data} {
			if s.At < 0 || s.Len < 0 || s.At+s.Len > len(raw)+int(missing) {
				t.Errorf("span %+v of %d bytes and %d that are missing", s, len(raw), missing)
			}
		}
		if _, err := json.Marshal(p); err != nil {
			t.Error(err)
		}
		var inside func(fs []wire.Field, from, to int)
		inside = func(fs []wire.Field, from, to int) {
			for _, f := range fs {
				if f.At < from || f.Len < 1 || f.At+f.Len > to {
					t.Errorf("field %+v outside %d to %d", f, from, to)
				}
				inside(f.Fields, f.At, f.At+f.Len)
			}
		}
		inside(Fields(p, raw), 0, len(raw))
		part := raw[:len(raw)/2]
		inside(Fields(p, part), 0, len(part))
	})
}
