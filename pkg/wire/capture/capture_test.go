package capture

import (
	"bytes"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/packet"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC)

// segment makes a record of a real TCP packet.
func segment(t *testing.T, id int, dir wire.Direction, tcp layers.TCP, data string, fate wire.Fate, label wire.Label) *wire.Record {
	t.Helper()
	src, dst := net.IP{172, 18, 0, 5}, net.IP{172, 18, 0, 2}
	tcp.SrcPort, tcp.DstPort = 51234, 8080
	if dir == wire.Out {
		src, dst = dst, src
		tcp.SrcPort, tcp.DstPort = 8080, 51234
	}
	tcp.Window = 502
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: src, DstIP: dst}
	tcp.SetNetworkLayerForChecksum(ip)
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ip, &tcp, gopacket.Payload(data)); err != nil {
		t.Fatal(err)
	}
	return &wire.Record{ID: id, Time: start.Add(time.Duration(id) * 10 * time.Millisecond), Dir: dir, Conn: 1, Ordinal: 1, Class: wire.ClassData,
		Fate: fate, Label: label, Raw: buf.Bytes(), Packet: packet.Decode(buf.Bytes())}
}

// conversation has each fate once.
func conversation(t *testing.T) []*wire.Record {
	data, ack := wire.Label{Kind: wire.KindData}, wire.Label{Kind: wire.KindACK}
	ok := wire.Fate{What: wire.Delivered}
	return []*wire.Record{
		segment(t, 1, wire.In, layers.TCP{Seq: 100, SYN: true}, "", ok, wire.Label{Kind: wire.KindSYN}),
		segment(t, 2, wire.Out, layers.TCP{Seq: 500, Ack: 101, SYN: true, ACK: true}, "", ok, wire.Label{Kind: wire.KindSYNACK}),
		segment(t, 3, wire.In, layers.TCP{Seq: 101, Ack: 501, ACK: true}, "", ok, ack),
		segment(t, 4, wire.In, layers.TCP{Seq: 101, Ack: 501, ACK: true, PSH: true}, "hello", wire.Fate{What: wire.Dropped, Cause: "loss 30 %"}, data),
		segment(t, 5, wire.In, layers.TCP{Seq: 101, Ack: 501, ACK: true, PSH: true}, "hello", wire.Fate{What: wire.Duplicated, Cause: "duplicate 5 %", Copies: 1},
			wire.Label{Kind: wire.KindRetransmission, Of: 4, By: wire.ByTimer}),
		segment(t, 6, wire.Out, layers.TCP{Seq: 501, Ack: 106, ACK: true, PSH: true}, "answer", wire.Fate{What: wire.Corrupted, Cause: "corrupt 1 %; delay 50 ms", Damage: &wire.Damage{Offset: 41, Mask: 1}, Delay: 50 * time.Millisecond}, data),
		segment(t, 7, wire.Out, layers.TCP{Seq: 507, Ack: 106, ACK: true}, "", wire.Fate{What: wire.Seen}, ack),
	}
}

var comments = []string{
	"wire #1: syn",
	"wire #2: syn-ack",
	"wire #3: ack",
	"wire #4: DROPPED by loss 30 %, data #1 to server",
	"wire #5: DUPLICATED by duplicate 5 %, retransmission of data #1 to server (#4) by timer",
	"wire #5: COPY 1 made here",
	"wire #6: CORRUPTED DELAYED 50ms (byte 41 XOR 0x01) by corrupt 1 %; delay 50 ms, data #1 to client",
	"wire #7: SEEN ack",
}

func write(t *testing.T, rs []*wire.Record) []byte {
	t.Helper()
	var file bytes.Buffer
	c, err := NewWriter(&file)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if err := c.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	return file.Bytes()
}

func TestReadBack(t *testing.T) {
	rs := conversation(t)
	ng, err := pcapgo.NewNgReader(bytes.NewReader(write(t, rs)), pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		data, ci, opts, err := ng.ReadPacketDataWithOptions()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, opts.Comments...)
		r := rs[*opts.PacketID-1]
		if !bytes.Equal(data, r.Sent()) || !ci.Timestamp.Equal(r.Time) {
			t.Errorf("#%d: %x at %s", r.ID, data, ci.Timestamp)
		}
		if want := map[wire.What]int{wire.Dropped: 1, wire.Seen: 2}[r.Fate.What]; ci.InterfaceIndex != want {
			t.Errorf("#%d is on interface %d, want %d", r.ID, ci.InterfaceIndex, want)
		}
	}
	if strings.Join(got, "\n") != strings.Join(comments, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

// TestFlushed: a packet is whole in the stream as soon as Write has returned.
func TestFlushed(t *testing.T) {
	rs := conversation(t)
	var file bytes.Buffer
	c, err := NewWriter(&file)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rs {
		c.Write(r)
		ng, err := pcapgo.NewNgReader(bytes.NewReader(file.Bytes()), pcapgo.NgReaderOptions{WantMixedLinkType: true})
		if err != nil {
			t.Fatal(err)
		}
		last := uint64(0)
		for {
			_, _, opts, err := ng.ReadPacketDataWithOptions()
			if err != nil {
				break
			}
			last = *opts.PacketID
		}
		if last != uint64(i+1) {
			t.Fatalf("after packet %d the stream ends with %d", i+1, last)
		}
	}
}

func TestMissedAndHostile(t *testing.T) {
	rs := conversation(t)
	rs[0].Fate.Cause = "\x1b[2J"
	var file bytes.Buffer
	c, err := NewWriter(&file)
	if err != nil {
		t.Fatal(err)
	}
	c.Missed(3)
	c.Missed(4)
	for _, r := range append(rs, &wire.Record{ID: 8}) { // the last has no bytes: there is nothing to write
		if err := c.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Contains(file.Bytes(), []byte(`wire #1: by \x1b[2J, syn (7 packets before this one are MISSING)`)) || bytes.Contains(file.Bytes(), []byte("wire #8")) {
		t.Errorf("got %q", file.Bytes())
	}
}

// tshark reads a capture and returns the wanted fields of each packet.
func tshark(t *testing.T, file []byte, args ...string) []string {
	t.Helper()
	path, err := exec.LookPath("tshark")
	if err != nil {
		labtest.Lacks(t, "NETLAB_REQUIRE_TSHARK", "no tshark: apt-get install tshark")
	}
	cmd := exec.CommandContext(t.Context(), path, append([]string{"-n", "-r", "-", "-o", "tcp.check_checksum:TRUE"}, args...)...)
	cmd.Stdin = bytes.NewReader(file)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, stderr.String())
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

func TestTshark(t *testing.T) {
	file := write(t, conversation(t))
	t.Run("comments", func(t *testing.T) {
		if got := tshark(t, file, "-T", "fields", "-e", "frame.comment"); strings.Join(got, "\n") != strings.Join(comments, "\n") {
			t.Errorf("got\n%s", strings.Join(got, "\n"))
		}
	})
	for _, tc := range []struct{ name, filter, fields, want string }{
		{"what was dropped", `frame.comment contains "DROPPED"`, "tcp.payload", "68656c6c6f"},
		{"by interface", `frame.interface_name == "wire:dropped"`, "frame.packet_id", "4"},
		{"a retransmission", `tcp.analysis.retransmission`, "frame.packet_id", "5 5"},
		{"a damaged one", `tcp.checksum.status == "Bad"`, "frame.packet_id", "6"},
		{"the first address", `tcp.flags.syn == 1 && tcp.flags.ack == 0`, "ip.src", "172.18.0.5"},
		{"time", `frame.packet_id == 1`, "frame.time_epoch", "1767323045.133456789"},
		{"nothing malformed", `_ws.malformed`, "frame.number", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := strings.Join(tshark(t, file, "-Y", tc.filter, "-T", "fields", "-e", tc.fields), " "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
