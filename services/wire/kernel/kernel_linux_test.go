package kernel

import (
	"encoding/binary"
	"errors"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

func TestUnseen(t *testing.T) {
	const table = "    9   -42     0 2 65531     1     0      5  1\n" +
		"   10  4097    12 2 65531    30     4    700  1\n"
	if n := unseen(table, 10); n != 34 {
		t.Errorf("%d", n)
	}
	for _, table := range []string{"", "10", "   11  4097    12 2 65531    30     4    700  1\n"} {
		if n := unseen(table, 10); n != 0 {
			t.Errorf("%q: %d", table, n)
		}
	}
}

// message is what the kernel sends for a packet.
func message(payload string) []byte {
	q := Queue{}
	b := q.message(nil, msgPacket, 0)
	b = appendAttr(b, attrPacketHeader, []byte{0, 0, 0, 7, 8, 0, byte(LocalIn)})
	b = appendAttr(b, attrPayload, []byte(payload))
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	return b
}

func TestParsePackets(t *testing.T) {
	q := Queue{}
	q.parse(append(message("hello"), message("you")...))
	if len(q.batch) != 2 || q.batch[0].ID != 7 || q.batch[0].Hook != LocalIn || string(q.batch[0].Raw) != "hello" || string(q.batch[1].Raw) != "you" {
		t.Errorf("%+v", q.batch)
	}
}

func TestVerdictIsWholeMessages(t *testing.T) {
	q := Queue{number: 10}
	b := q.verdict(nil, 7, verdictDrop, nil)
	one := len(b)
	b = q.verdict(b, 8, verdictAccept, []byte("hello"))
	if one != 32 || binary.NativeEndian.Uint32(b) != 32 || int(binary.NativeEndian.Uint32(b[one:])) != len(b)-one || len(b)%4 != 0 {
		t.Errorf("%d %x", one, b)
	}
	if binary.BigEndian.Uint32(b[24:]) != verdictDrop || binary.BigEndian.Uint32(b[28:]) != 7 {
		t.Errorf("%x", b[:one])
	}
}

// TestVerdictsAreBounded: what would be too long for one message goes out before Flush, which tells its error.
func TestVerdictsAreBounded(t *testing.T) {
	q := Queue{fd: -1}
	for size := 65_531; size > 1000; size -= 999 {
		q.Accept(7, make([]byte, size))
		if len(q.answer) > maxAnswer {
			t.Fatalf("%d bytes of verdicts, the last of %d", len(q.answer), size)
		}
	}
	q.answer = nil
	if err := q.Flush(); !errors.Is(err, unix.EBADF) {
		t.Errorf("%v", err)
	}
	if err := q.Flush(); err != nil {
		t.Errorf("told twice: %v", err)
	}
}

// FuzzParse: a broken message is left out, and nothing else happens.
func FuzzParse(f *testing.F) {
	f.Add(message("hello"))
	f.Fuzz(func(t *testing.T, b []byte) {
		q := Queue{}
		q.parse(b)
		for _, p := range q.batch {
			if len(p.Raw) > len(b) {
				t.Errorf("%d bytes of %d", len(p.Raw), len(b))
			}
		}
	})
}

func TestFilter(t *testing.T) {
	vm, err := bpf.NewVM(filter(Match{Proto: unix.IPPROTO_TCP, Port: 8080}))
	if err != nil {
		t.Fatal(err)
	}
	v4 := func(proto byte, fragment uint16, src, dst uint16) []byte {
		b := make([]byte, 44)
		b[0], b[9] = 0x46, proto // with 4 bytes of options
		binary.BigEndian.PutUint16(b[6:], fragment)
		binary.BigEndian.PutUint16(b[24:], src)
		binary.BigEndian.PutUint16(b[26:], dst)
		return b
	}
	v6 := func(proto byte, src, dst uint16) []byte {
		b := make([]byte, 60)
		b[0], b[6] = 0x60, proto
		binary.BigEndian.PutUint16(b[40:], src)
		binary.BigEndian.PutUint16(b[42:], dst)
		return b
	}
	for _, tc := range []struct {
		name string
		raw  []byte
		want bool
	}{
		{"to the service", v4(unix.IPPROTO_TCP, 0, 40000, 8080), true},
		{"from it", v4(unix.IPPROTO_TCP, 0, 8080, 40000), true},
		{"another port", v4(unix.IPPROTO_TCP, 0, 9100, 40000), false},
		{"another protocol", v4(unix.IPPROTO_UDP, 0, 40000, 8080), false},
		{"first fragment", v4(unix.IPPROTO_TCP, 0x2000, 40000, 8080), true},
		{"first fragment of another port", v4(unix.IPPROTO_TCP, 0x2000, 40000, 9100), false},
		{"later fragment", v4(unix.IPPROTO_TCP, 5, 0, 0), true},
		{"ICMP", v4(unix.IPPROTO_ICMP, 0, 0, 0), true},
		{"IPv6 to the service", v6(unix.IPPROTO_TCP, 40000, 8080), true},
		{"IPv6 from it", v6(unix.IPPROTO_TCP, 8080, 40000), true},
		{"IPv6, another port", v6(unix.IPPROTO_TCP, 40000, 9100), false},
		{"ICMPv6", v6(unix.IPPROTO_ICMPV6, 0, 0), true},
		{"no IP", make([]byte, 60), false},
		{"nothing", nil, false},
	} {
		n, err := vm.Run(tc.raw)
		if err != nil || (n > 0) != tc.want {
			t.Errorf("%s: %d %v", tc.name, n, err)
		}
	}
}
