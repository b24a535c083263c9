package pcap

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/capture"
	"netlab.example/pkg/wire/packet"
)

// seg is a TCP segment of a hand-made capture: flags as "S", "SA", "A", "F", "R".
type seg struct {
	toServer bool
	flags    string
	seq, ack uint32
	data     string
}

// ip builds the segment's packet, client 10.0.0.1:5000, server 10.0.0.2:port.
func (s seg) ip(port uint16) []byte {
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: net.IP{10, 0, 0, 1}, DstIP: net.IP{10, 0, 0, 2}}
	tcp := &layers.TCP{SrcPort: 5000, DstPort: layers.TCPPort(port), Seq: s.seq, Ack: s.ack, Window: 500}
	if !s.toServer {
		ip.SrcIP, ip.DstIP, tcp.SrcPort, tcp.DstPort = ip.DstIP, ip.SrcIP, tcp.DstPort, tcp.SrcPort
	}
	for _, f := range s.flags {
		switch f {
		case 'S':
			tcp.SYN = true
		case 'A':
			tcp.ACK = true
		case 'F':
			tcp.FIN = true
		case 'R':
			tcp.RST = true
		}
	}
	tcp.SetNetworkLayerForChecksum(ip)
	return build(ip, tcp, gopacket.Payload(s.data))
}

func build(parts ...gopacket.SerializableLayer) []byte {
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, parts...); err != nil {
		panic(err)
	}
	return bytes.Clone(b.Bytes())
}

// hello is a handshake, a question and its answer.
var hello = []seg{
	{true, "S", 100, 0, ""}, {false, "SA", 500, 101, ""}, {true, "A", 101, 501, ""},
	{true, "A", 101, 501, "hello"}, {false, "A", 501, 106, "Hello World"},
}

func packets(port uint16, segs ...seg) (all [][]byte) {
	for _, s := range segs {
		all = append(all, s.ip(port))
	}
	return all
}

// pcapFile writes a pcap file of frames, a millisecond apart, none kept longer than snap bytes.
func pcapFile(order binary.AppendByteOrder, link Link, snap int, frames ...[]byte) []byte {
	b := order.AppendUint32(nil, 0xa1b2c3d4)
	b = order.AppendUint16(order.AppendUint16(b, 2), 4)
	b = append(b, make([]byte, 8)...)
	b = order.AppendUint32(b, uint32(snap))
	b = order.AppendUint32(b, uint32(link))
	for i, f := range frames {
		kept := f[:min(len(f), snap)]
		b = order.AppendUint32(b, 1_700_000_000)
		b = order.AppendUint32(b, uint32(1000*i))
		b = order.AppendUint32(b, uint32(len(kept)))
		b = order.AppendUint32(b, uint32(len(f)))
		b = append(b, kept...)
	}
	return b
}

// block writes a block of pcapng.
func block(order binary.AppendByteOrder, kind uint32, body []byte) []byte {
	body = append(body, make([]byte, (4-len(body)%4)%4)...)
	b := order.AppendUint32(nil, kind)
	b = order.AppendUint32(b, uint32(len(body)+12))
	return order.AppendUint32(append(b, body...), uint32(len(body)+12))
}

// ngFile writes a pcapng file: an interface for each frame's link layer, times in units of resolution.
func ngFile(order binary.AppendByteOrder, link Link, resolution byte, ticks uint64, frames ...[]byte) []byte {
	section := order.AppendUint32(nil, 0x1a2b3c4d)
	section = order.AppendUint16(order.AppendUint16(section, 1), 0)
	section = append(section, bytes.Repeat([]byte{0xff}, 8)...)
	b := block(order, blockSection, section)
	b = append(b, block(order, 0x7fff, []byte("what nobody reads"))...)
	intf := order.AppendUint16(nil, uint16(link))
	intf = append(intf, 0, 0, 0, 0, 0, 0)
	intf = order.AppendUint16(order.AppendUint16(intf, 9), 1)
	intf = append(intf, resolution, 0, 0, 0)
	b = append(b, block(order, blockInterface, intf)...)
	for _, f := range frames {
		p := order.AppendUint32(nil, 0)
		p = order.AppendUint32(p, uint32(ticks>>32))
		p = order.AppendUint32(p, uint32(ticks))
		p = order.AppendUint32(order.AppendUint32(p, uint32(len(f))), uint32(len(f)))
		b = append(b, block(order, blockPacket, append(p, f...))...)
	}
	return b
}

// behind puts a header before each packet.
func behind(header []byte, packets [][]byte) (frames [][]byte) {
	for _, p := range packets {
		frames = append(frames, append(bytes.Clone(header), p...))
	}
	return frames
}

// read reads all records of a file.
func read(t testing.TB, file []byte, o Options) (all []*wire.Record, left Left, err error) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file), o)
	for err == nil {
		var rec *wire.Record
		if rec, err = r.Next(); err == nil {
			all = append(all, rec)
		}
	}
	if r != nil {
		left = r.Left()
	}
	if err == io.EOF {
		err = nil
	}
	return all, left, err
}

// story says what records are, in short: ">syn <syn-ack ...".
func story(rs []*wire.Record) string {
	var words []string
	for _, r := range rs {
		way := ">"
		if r.Dir == wire.Out {
			way = "<"
		}
		words = append(words, way+string(r.Label.Kind))
	}
	return strings.Join(words, " ")
}

const helloStory = ">syn <syn-ack >handshake-ack >data <data"

func zip(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

// files are the same conversation in each kind of file and of link layer.
func files() map[string][]byte {
	ps := packets(80, hello...)
	mac := make([]byte, 12)
	ether := append(bytes.Clone(mac), 8, 0)
	vlan := append(bytes.Clone(mac), 0x81, 0, 0, 7, 8, 0)
	qinq := append(bytes.Clone(mac), 0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 8, 0)
	sll := append(make([]byte, 14), 8, 0)
	sll2 := append([]byte{8, 0}, make([]byte, 18)...)
	little, big := binary.AppendByteOrder(binary.LittleEndian), binary.AppendByteOrder(binary.BigEndian)
	return map[string][]byte{
		"Ethernet":      pcapFile(little, LinkEthernet, 65535, behind(ether, ps)...),
		"big-endian":    pcapFile(big, LinkEthernet, 65535, behind(ether, ps)...),
		"VLAN":          pcapFile(little, LinkEthernet, 65535, behind(vlan, ps)...),
		"VLAN in VLAN":  pcapFile(little, LinkEthernet, 65535, behind(qinq, ps)...),
		"SLL":           pcapFile(little, LinkSLL, 65535, behind(sll, ps)...),
		"SLL2":          ngFile(little, LinkSLL2, 9, 0, behind(sll2, ps)...),
		"NULL":          pcapFile(little, LinkNull, 65535, behind([]byte{2, 0, 0, 0}, ps)...),
		"LOOP":          pcapFile(little, LinkLoop, 65535, behind([]byte{0, 0, 0, 2}, ps)...),
		"raw IP":        pcapFile(little, LinkRaw, 65535, ps...),
		"raw IP 12":     pcapFile(little, LinkRaw12, 65535, ps...),
		"IPv4":          pcapFile(little, LinkIPv4, 65535, ps...),
		"pcapng":        ngFile(little, LinkRaw, 6, 0, ps...),
		"pcapng, big":   ngFile(big, LinkRaw, 6, 0, ps...),
		"gzip":          zip(pcapFile(little, LinkRaw, 65535, ps...)),
		"gzip, pcapng":  zip(ngFile(little, LinkRaw, 6, 0, ps...)),
		"cut after TCP": pcapFile(little, LinkRaw, 40, ps...),
		"padding":       pcapFile(little, LinkEthernet, 65535, behind(ether, [][]byte{append(ps[0], 0, 0, 0), ps[1], ps[2], ps[3], ps[4]})...),
	}
}

// TestLinks: the same conversation from each kind of file and each link layer.
func TestLinks(t *testing.T) {
	for name, file := range files() {
		rs, left, err := read(t, file, Options{})
		if got := story(rs); got != helloStory || err != nil || left != (Left{}) {
			t.Errorf("%s: %s, %v, %+v", name, got, err, left)
			continue
		}
		if r := rs[4]; r.ID != 5 || r.Seq != 1 || r.Ack != 6 || r.Packet.Data.Len != 11 || r.Fate.What != wire.Seen || r.Client.String() != "10.0.0.1:5000" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestTsharkCounts: tshark reads the same files, and finds the same packets with the same numbers and times.
func TestTsharkCounts(t *testing.T) {
	path, err := exec.LookPath("tshark")
	if err != nil {
		labtest.Lacks(t, "NETLAB_REQUIRE_TSHARK", "no tshark: apt-get install tshark")
	}
	for name, file := range files() {
		if name == "raw IP 12" { // a number that depends on the system; tshark's own differs
			continue
		}
		cmd := exec.CommandContext(t.Context(), path, "-n", "-r", "-", "-T", "fields", "-e", "frame.number", "-e", "frame.time_epoch", "-e", "tcp.seq", "-e", "tcp.ack", "-e", "tcp.len")
		cmd.Stdin = bytes.NewReader(file)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		rs, _, err := read(t, file, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var ours strings.Builder
		for _, r := range rs {
			fmt.Fprintf(&ours, "%d\t%d.%09d\t%d\t%d\t%d\n", r.ID, r.Time.Unix(), r.Time.Nanosecond(), r.Seq, r.Ack, r.Packet.Data.Len)
		}
		if ours.String() != string(out) {
			t.Errorf("%s: tshark\n%sours\n%s", name, out, ours.String())
		}
	}
}

// TestLeft: what is not read is counted.
func TestLeft(t *testing.T) {
	arp := append(make([]byte, 12), 8, 6, 0, 1)
	rs, left, err := read(t, pcapFile(binary.LittleEndian, LinkEthernet, 65535, arp, []byte{1}), Options{})
	if len(rs) != 0 || err != nil || left.NotIP != 2 {
		t.Errorf("%d records, %v, %+v", len(rs), err, left)
	}
	rs, left, err = read(t, pcapFile(binary.LittleEndian, 127, 65535, arp), Options{})
	if len(rs) != 0 || err != nil || left != (Left{Unknown: 1, Link: 127}) {
		t.Errorf("%d records, %v, %+v", len(rs), err, left)
	}
	all := append(packets(80, hello...), packets(81, hello...)...)
	rs, left, err = read(t, pcapFile(binary.LittleEndian, LinkRaw, 65535, all...), Options{Service: wire.Service{Proto: wire.ProtoTCP, Port: 81}})
	if story(rs) != helloStory || err != nil || left.Elsewhere != 5 {
		t.Errorf("%s, %v, %+v", story(rs), err, left)
	}
}

// TestSides: a SYN says who serves; without one, who served before; else the lower port.
func TestSides(t *testing.T) {
	for _, tc := range []struct {
		name string
		port uint16
		segs []seg
		want string
	}{
		{"SYN", 60000, hello, helloStory},
		{"SYN ACK first", 60000, []seg{hello[1], hello[0], hello[2]}, "<syn-ack >syn >handshake-ack"},
		{"midway, by port", 80, hello[3:], ">data <data"},
		{"midway, the server first", 80, []seg{{false, "A", 501, 101, "Hello World"}, hello[3]}, "<data >data"},
		{"midway, the higher port", 60000, hello[3:4], "<data"},
		{"guessed, then a SYN", 60000, append([]seg{{true, "A", 99, 1, "x"}}, hello...), "<data " + helloStory},
	} {
		rs, _, err := read(t, pcapFile(binary.LittleEndian, LinkRaw, 65535, packets(tc.port, tc.segs...)...), Options{})
		if got := story(rs); got != tc.want || err != nil {
			t.Errorf("%s: %s, %v; want %s", tc.name, got, err, tc.want)
		}
	}
}

// TestChecksums: a wrong one counts only if its sender has written right ones before, and it is not an unfinished one.
func TestChecksums(t *testing.T) {
	spoil := func(raw []byte, sum uint16) []byte {
		raw = bytes.Clone(raw)
		binary.BigEndian.PutUint16(raw[36:], sum)
		return raw
	}
	ps := packets(80, hello...)
	pseudo := fold(add(add(0, []byte{10, 0, 0, 1}), []byte{10, 0, 0, 2}) + 6 + 25)
	for _, tc := range []struct {
		name  string
		ps    [][]byte
		wrong bool
	}{
		{"right", ps, false},
		{"wrong", [][]byte{ps[0], ps[1], ps[2], spoil(ps[3], 0x1234)}, true},
		{"wrong, but never right before", [][]byte{spoil(ps[0], 0x1234), ps[1], spoil(ps[2], 0x4321), spoil(ps[3], 0x1234)}, false},
		{"blank", [][]byte{ps[0], ps[1], ps[2], spoil(ps[3], 0)}, false},
		{"the addresses alone, as Linux leaves it", [][]byte{ps[0], ps[1], ps[2], spoil(ps[3], pseudo)}, false},
	} {
		rs, _, err := read(t, pcapFile(binary.LittleEndian, LinkRaw, 65535, tc.ps...), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := rs[3].Fate.What == wire.Corrupted; got != tc.wrong {
			t.Errorf("%s: %+v", tc.name, rs[3].Fate)
		}
	}
	cut, _, err := read(t, pcapFile(binary.LittleEndian, LinkRaw, 42, ps[0], ps[1], ps[2], spoil(ps[3], 0x1234)), Options{})
	if err != nil || cut[3].Fate.What != wire.Seen {
		t.Errorf("a packet that is cut was judged: %v, %v", cut, err)
	}
}

// TestFragments: pieces are shown, and the last one as what they make together, a header cut in two as well.
func TestFragments(t *testing.T) {
	whole := seg{true, "S", 100, 0, strings.Repeat("x", 100)}.ip(80)
	pieces := func(raw []byte, each int) (all [][]byte) {
		for at := 20; at < len(raw); at += each {
			end := min(at+each, len(raw))
			p := append(bytes.Clone(raw[:20]), raw[at:end]...)
			binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
			piece := uint16((at - 20) / 8)
			if end < len(raw) {
				piece |= 0x2000
			}
			binary.BigEndian.PutUint16(p[6:], piece)
			all = append(all, p)
		}
		return all
	}
	for _, each := range []int{8, 16, 48} {
		ps := pieces(whole, each)
		for _, order := range []string{"forwards", "backwards"} {
			if order == "backwards" {
				for i := range len(ps) / 2 {
					ps[i], ps[len(ps)-1-i] = ps[len(ps)-1-i], ps[i]
				}
			}
			rs, _, err := read(t, pcapFile(binary.LittleEndian, LinkRaw, 65535, ps...), Options{})
			if err != nil || len(rs) != len(ps) {
				t.Fatalf("%d bytes each, %s: %d records of %d packets, %v", each, order, len(rs), len(ps), err)
			}
			last := rs[len(rs)-1]
			if last.Label.Kind != wire.KindSYN || last.Packet.Data.Len != 100 || !bytes.Equal(last.Raw[20:], whole[20:]) {
				t.Errorf("%d bytes each, %s: the whole is %+v", each, order, last)
			}
			for _, r := range rs[:len(ps)-1] {
				if r.Label.Kind != wire.KindFragment || r.Packet.Problem != "" {
					t.Errorf("%d bytes each, %s: a piece is %+v", each, order, r)
				}
			}
		}
	}
}

// TestOwn: a wire's own capture keeps numbers and fates.
func TestOwn(t *testing.T) {
	var file bytes.Buffer
	w, err := capture.NewWriter(&file)
	if err != nil {
		t.Fatal(err)
	}
	fates := []wire.Fate{
		{What: wire.Duplicated, Copies: 1, Cause: "duplicate 5 %"},
		{What: wire.Delayed, Delay: 50 * time.Millisecond, Cause: "delay 50 ms"},
		{What: wire.Made, Cause: "reset on c1", Fault: 3},
		{What: wire.Dropped, Cause: "rate 1 mbit, its queue is full"},
		{What: wire.Corrupted, Damage: &wire.Damage{Offset: 44, Mask: 1}, Cause: "corrupt data #1 to client"},
	}
	for i, raw := range packets(80, hello...) {
		dir := wire.In
		if !hello[i].toServer {
			dir = wire.Out
		}
		r := &wire.Record{ID: 10 + i, Time: time.Unix(1_700_000_000, 0), Dir: dir, Raw: raw, Packet: packet.Decode(raw), Fate: fates[i]}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	rs, _, err := read(t, file.Bytes(), Options{})
	if err != nil || story(rs) != helloStory {
		t.Fatalf("%s, %v", story(rs), err)
	}
	for i, r := range rs {
		want := fates[i]
		if want.Damage != nil {
			want.Damage = nil
			if r.Fate.Damage == nil {
				t.Errorf("#%d: no damage", r.ID)
			}
			r.Fate.Damage = nil
		}
		want.Fault = 0 // its number is not in the file
		if r.ID != 10+i || r.Fate != want {
			t.Errorf("#%d %+v, want #%d %+v", r.ID, r.Fate, 10+i, want)
		}
	}
}

// TestTimes: units of time that are powers of 10 and of 2, and times that no calendar has.
func TestTimes(t *testing.T) {
	raw := hello[0].ip(80)
	for _, tc := range []struct {
		resolution byte
		ticks      uint64
		want       time.Time
	}{
		{6, 1_700_000_000_123_456, time.Unix(1_700_000_000, 123_456_000)},
		{9, 1_700_000_000_123_456_789, time.Unix(1_700_000_000, 123_456_789)},
		{0, 1_700_000_000, time.Unix(1_700_000_000, 0)},
		{0x80 | 32, 1_700_000_000<<32 | 1<<31, time.Unix(1_700_000_000, 500_000_000)},
		{0, 1 << 60, time.Unix(0, 0)},
		{127, 5_000_000, time.Unix(5, 0)}, // more than 64 bits: microseconds
	} {
		rs, _, err := read(t, ngFile(binary.LittleEndian, LinkRaw, tc.resolution, tc.ticks, raw), Options{})
		if err != nil || !rs[0].Time.Equal(tc.want) {
			t.Errorf("%#x %d: %v %v, want %v", tc.resolution, tc.ticks, rs, err, tc.want)
		}
	}
}

// TestDamaged: what can be read is read, and then it says why that is all.
func TestDamaged(t *testing.T) {
	ps := packets(80, hello...)
	file := pcapFile(binary.LittleEndian, LinkRaw, 65535, ps...)
	ng := ngFile(binary.LittleEndian, LinkRaw, 6, 0, ps...)
	long := bytes.Clone(file)
	binary.LittleEndian.PutUint32(long[24+8:], 1<<31)
	for _, tc := range []struct {
		name string
		file []byte
		n    int
		want error
	}{
		{"cut", file[:len(file)-3], 4, ErrCut},
		{"cut in a header", file[:24+16+len(ps[0])+5], 1, ErrCut},
		{"pcapng, cut", ng[:len(ng)-3], 4, ErrCut},
		{"a length of 2 GiB", long, 0, errDamaged},
		{"empty", nil, 0, ErrNoCapture},
		{"text", []byte("hello, this is no capture"), 0, ErrNoCapture},
		{"a header alone", file[:10], 0, ErrNoCapture},
		{"packed twice over", zip(zip(file)), 0, ErrNoCapture},
		{"no packets", file[:24], 0, nil},
	} {
		rs, _, err := read(t, tc.file, Options{})
		if len(rs) != tc.n || !errors.Is(err, tc.want) {
			t.Errorf("%s: %d records, %v; want %d, %v", tc.name, len(rs), err, tc.n, tc.want)
		}
	}
	for n := range len(ng) { // no end of the file is a crash
		read(t, ng[:n], Options{})
		read(t, file[:min(n, len(file))], Options{})
	}
}

// flood is a capture without an end: each packet of a connection of its own, and what pcapng may hold else.
type flood struct {
	ng   bool
	n    int
	left []byte
	most int
}

func (f *flood) Read(p []byte) (int, error) {
	for len(f.left) == 0 {
		if f.n++; f.n > f.most {
			return 0, io.EOF
		}
		raw := seg{true, "A", uint32(f.n), 1, "hello"}.ip(80)
		binary.BigEndian.PutUint32(raw[12:], uint32(f.n))
		if f.n%3 == 0 { // a piece whose others never come
			binary.BigEndian.PutUint16(raw[4:], uint16(f.n))
			raw[6] = 0x20
		}
		switch {
		case f.n == 1 && f.ng:
			f.left = ngFile(binary.LittleEndian, LinkRaw, 6, 0, raw)
		case f.n == 1:
			f.left = pcapFile(binary.LittleEndian, LinkRaw, 65535, raw)
		case f.ng:
			f.left = ngFile(binary.LittleEndian, LinkRaw, 6, 0, raw)
			f.left = append(f.left, block(binary.LittleEndian, 5, make([]byte, 1000))...)
		default:
			f.left = pcapFile(binary.LittleEndian, LinkRaw, 65535, raw)[24:]
		}
	}
	n := copy(p, f.left)
	f.left = f.left[n:]
	return n, nil
}

// TestBounded: however long a capture is, what is remembered of it has an end.
func TestBounded(t *testing.T) {
	for _, ng := range []bool{false, true} {
		r, err := NewReader(&flood{ng: ng, most: 50_000}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for ; err == nil; n++ {
			_, err = r.Next()
			if len(r.sides.flows.young) > remembered+1 || len(r.sides.flows.old) > remembered+1 || len(r.whole.waiting) > maxDatagrams || len(r.file.interfaces) > maxInterfaces {
				t.Fatalf("after %d records: %d flows, %d datagrams", n, len(r.sides.flows.young), len(r.whole.waiting))
			}
		}
		if err != io.EOF || n < 50_000 {
			t.Errorf("%d records, %v", n, err)
		}
		if n := len(r.tracker.Connections()); n > 4096 {
			t.Errorf("%d connections", n)
		}
	}
}

// FuzzRead: whatever comes, reading ends, and each record is one that can be shown.
func FuzzRead(f *testing.F) {
	ps := packets(80, hello...)
	ether := append(make([]byte, 12), 8, 0)
	f.Add(pcapFile(binary.LittleEndian, LinkRaw, 65535, ps...))
	f.Add(pcapFile(binary.BigEndian, LinkEthernet, 60, behind(ether, ps)...))
	f.Add(ngFile(binary.LittleEndian, LinkRaw, 6, 0, ps...))
	f.Add(ngFile(binary.BigEndian, LinkSLL2, 0x8a, 1<<40, behind(append([]byte{8, 0}, make([]byte, 18)...), ps)...))
	f.Add(zip(ngFile(binary.LittleEndian, LinkRaw, 6, 0, ps...)))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := NewReader(io.LimitReader(bytes.NewReader(file), 1<<20), Options{Keep: 2048})
		for n := 0; err == nil && n < 10_000; n++ {
			var rec *wire.Record
			if rec, err = r.Next(); err != nil {
				break
			}
			if rec.ID < 1 || len(rec.Raw) > 2048 || rec.Dir != wire.In && rec.Dir != wire.Out || rec.Fate.What == "" {
				t.Errorf("%+v", rec)
			}
			if _, err := rec.Time.MarshalJSON(); err != nil {
				t.Error(err)
			}
			_ = fmt.Sprint(capture.Comment(rec))
		}
	})
}
