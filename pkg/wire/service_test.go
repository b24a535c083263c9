package wire

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseService(t *testing.T) {
	for text, want := range map[string]string{
		"tcp://:8080":         "tcp://:8080",
		"tcp6://[::1]:8080":   "tcp://:8080",
		"udp://0.0.0.0:1314":  "udp://:1314",
		"unix:///run/x.sock":  "error: no packets",
		"tcp://:0":            "error: port",
		"tcp://:http":         "error: ",
		"tcp://localhost":     "error: port",
		"http://:80":          "error: tcp://:PORT",
		":8080":               "error: ",
		"":                    "error: ",
		"tcp://:99999":        "error: port",
		"udp4://10.0.0.1:123": "udp://:123",
	} {
		s, err := ParseService(text)
		if msg, ok := strings.CutPrefix(want, "error: "); ok {
			if err == nil || !strings.Contains(err.Error(), msg) {
				t.Errorf("%q: %v, want %q", text, err, msg)
			}
		} else if err != nil || s.String() != want {
			t.Errorf("%q: %s %v, want %s", text, s, err, want)
		}
	}
}

func TestConcerns(t *testing.T) {
	s := Service{Proto: ProtoUDP, Port: 1314}
	ours, other := netip.MustParseAddrPort("10.0.0.2:1314"), netip.MustParseAddrPort("10.0.0.1:40000")
	icmp := func(src, dst netip.AddrPort) Packet {
		return Packet{Proto: ProtoICMP, ICMP: &ICMP{Type: 3, Code: 3, Quote: &Quote{Proto: ProtoUDP, Src: src, Dst: dst}}}
	}
	for _, tc := range []struct {
		name string
		p    Packet
		dir  Direction
		want bool
	}{
		{"question", Packet{Proto: ProtoUDP, Src: other, Dst: ours}, In, true},
		{"answer", Packet{Proto: ProtoUDP, Src: ours, Dst: other}, Out, true},
		{"backwards", Packet{Proto: ProtoUDP, Src: other, Dst: ours}, Out, false},
		{"TCP", Packet{Proto: ProtoTCP, Src: other, Dst: ours}, In, false},
		{"later fragment", Packet{Proto: ProtoUDP, Fragment: &Fragment{Offset: 8}}, In, true},
		{"nobody listens here", icmp(other, ours), Out, true},
		{"nobody listens there", icmp(ours, other), In, true},
		{"another's error", icmp(other, netip.MustParseAddrPort("10.0.0.2:53")), Out, false},
		{"ping", Packet{Proto: ProtoICMP, ICMP: &ICMP{Type: 8}}, In, false},
	} {
		if got := s.Concerns(&tc.p, tc.dir); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}
