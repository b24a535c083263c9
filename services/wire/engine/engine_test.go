package engine

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"netlab.example/pkg/wire/packet"
	"netlab.example/pkg/wire/record"
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
	s := Service{packet.ProtoUDP, 1314}
	ours, other := netip.MustParseAddrPort("10.0.0.2:1314"), netip.MustParseAddrPort("10.0.0.1:40000")
	icmp := func(src, dst netip.AddrPort) packet.Packet {
		return packet.Packet{Proto: packet.ProtoICMP, ICMP: &packet.ICMP{Type: 3, Code: 3, Quote: &packet.Quote{Proto: packet.ProtoUDP, Src: src, Dst: dst}}}
	}
	for _, tc := range []struct {
		name string
		p    packet.Packet
		dir  record.Direction
		want bool
	}{
		{"question", packet.Packet{Proto: packet.ProtoUDP, Src: other, Dst: ours}, record.In, true},
		{"answer", packet.Packet{Proto: packet.ProtoUDP, Src: ours, Dst: other}, record.Out, true},
		{"backwards", packet.Packet{Proto: packet.ProtoUDP, Src: other, Dst: ours}, record.Out, false},
		{"TCP", packet.Packet{Proto: packet.ProtoTCP, Src: other, Dst: ours}, record.In, false},
		{"later fragment", packet.Packet{Proto: packet.ProtoUDP, Fragment: &packet.Fragment{Offset: 8}}, record.In, true},
		{"nobody listens here", icmp(other, ours), record.Out, true},
		{"nobody listens there", icmp(ours, other), record.In, true},
		{"another's error", icmp(other, netip.MustParseAddrPort("10.0.0.2:53")), record.Out, false},
		{"ping", packet.Packet{Proto: packet.ProtoICMP, ICMP: &packet.ICMP{Type: 8}}, record.In, false},
	} {
		if got := s.concerns(&tc.p, tc.dir); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLater()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			l.run(ctx)
			close(ended)
		}()
		var got []string
		began := time.Now()
		add := func(after time.Duration, name string) {
			l.at(began.Add(after), 1, func() { got = append(got, name+"@"+time.Since(began).String()) })
		}
		add(30*time.Millisecond, "c")
		add(10*time.Millisecond, "a")
		add(10*time.Millisecond, "b")
		add(time.Hour, "e")
		add(time.Minute, "d")
		time.Sleep(time.Second)
		synctest.Wait()
		stop() // what is left is done at once, in order
		<-ended
		if want := []string{"a@10ms", "b@10ms", "c@30ms", "d@1s", "e@1s"}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		if l.len() != 0 || l.bytes != 0 {
			t.Errorf("left: %d, %d bytes", l.len(), l.bytes)
		}
	})
}

func TestLaterIsBounded(t *testing.T) {
	l := newLater()
	for range maxLater {
		if !l.room(100) {
			t.Fatal("no room")
		}
		l.at(time.Now(), 100, func() {})
	}
	if l.room(100) {
		t.Error("room for one too many")
	}
	l = newLater()
	l.at(time.Now(), maxLaterBytes-10, func() {})
	if l.room(11) || !l.room(10) {
		t.Error("bytes are not bounded")
	}
}
