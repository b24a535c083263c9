package ladder

import (
	"net"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/packet"
)

// real makes a record of true bytes.
func real(t *testing.T, data string) *wire.Record {
	t.Helper()
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: net.IP{172, 18, 0, 5}, DstIP: net.IP{172, 18, 0, 2}}
	tcp := &layers.TCP{SrcPort: 51234, DstPort: 8080, Seq: 1000, Ack: 2000, PSH: true, ACK: true, Window: 502, Options: []layers.TCPOption{
		{OptionType: layers.TCPOptionKindNop}, {OptionType: layers.TCPOptionKindNop},
		{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: []byte{0, 0, 0, 7, 0, 0, 0, 9}},
	}}
	tcp.SetNetworkLayerForChecksum(ip)
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ip, tcp, gopacket.Payload(data)); err != nil {
		t.Fatal(err)
	}
	r := pack(wire.In, wire.PSH|wire.ACK, 1, 1, data, wire.Label{Kind: wire.KindData})
	r.ID, r.Time, r.Raw, r.Packet = 4, start, buf.Bytes(), packet.Decode(buf.Bytes())
	return r
}

func TestOpen(t *testing.T) {
	r := real(t, "你好, wire!\r\n\x1b[2J")
	r.Fate = wire.Fate{What: wire.Corrupted, Cause: "corrupt data #1 to server", Damage: &wire.Damage{Offset: 52, Mask: 4}, Fault: 1}
	for _, width := range []int{80, 40} {
		v := View{Width: width, Lang: language.English}
		lines := v.Open(r)
		checkHarmless(t, v, lines)
		if width == 80 {
			golden(t, "open.en.80.txt", strings.Join(lines, "\n")+"\n")
		}
	}
}

// TestOpenPart: of a packet of which the beginning was kept, and whose fate is not known, both are said.
func TestOpenPart(t *testing.T) {
	r := real(t, strings.Repeat("x", 500))
	r.Raw, r.Fate = r.Raw[:152], wire.Fate{What: wire.Seen}
	got := strings.Join(View{Width: 80, Lang: language.English}.Open(r), "\n")
	for _, want := range []string{"\nseen, fate unknown\n", "500 bytes, 100 of them kept", "… +400", "«xxx"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// What a learner reads of a field is in the language of the rest.
func TestOpenChinese(t *testing.T) {
	r := real(t, strings.Repeat("x", 500))
	r.Raw = r.Raw[:152]
	got := strings.Join(View{Width: 80, Lang: language.Chinese}.Open(r), "\n")
	for _, want := range []string{"▸ 网际协议 (IP), 版本 4  (ip)", " 20 字节", " 32 字节", "值 7, 回送 9", "▸ 500 字节, 100 字节留有记录  (data)"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for _, english := range []string{" bytes", "value 7", "echo", "Protocol"} {
		if strings.Contains(got, english) {
			t.Errorf("%q in\n%s", english, got)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte{0x45, 0, 0, 20, 0, 0, 0, 0, 64, 6, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}, 80)
	f.Add([]byte("\x60\x00\x00\x00"), 40)
	f.Fuzz(func(t *testing.T, raw []byte, width int) {
		v := View{Width: min(max(width, 0), 300), Colour: true}
		r := &wire.Record{ID: 1, Raw: raw, Packet: packet.Decode(raw), Fate: wire.Fate{Damage: &wire.Damage{Offset: width, Mask: 1}}}
		checkHarmless(t, v, v.Open(r))
	})
}
