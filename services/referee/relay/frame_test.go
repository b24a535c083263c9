package relay

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
)

func TestFrames(t *testing.T) {
	for _, tc := range []struct {
		kind    kind
		payload string
		wire    string
	}{
		{open, "", "o\x00\x00\x00\x00"},
		{refused, "connection refused", "f\x00\x00\x00\x12connection refused"},
		{data, "你好", "d\x00\x00\x00\x06你好"},
		{end, "", "e\x00\x00\x00\x00"},
		{reset, "", "r\x00\x00\x00\x00"},
		{datagram, "\x0d10.0.0.1:131436.6", "g\x00\x00\x00\x12\x0d10.0.0.1:131436.6"},
		{data, strings.Repeat("x", maxData), "d\x00\x00\x80\x00" + strings.Repeat("x", maxData)},
	} {
		wire := appendFrame(nil, tc.kind, []byte(tc.payload))
		if string(wire) != tc.wire {
			t.Errorf("%c %.20q is written as %.40q, want %.40q", tc.kind, tc.payload, wire, tc.wire)
		}
		k, payload, err := readFrame(bytes.NewReader(wire), make([]byte, maxFrame))
		if k != tc.kind || string(payload) != tc.payload || err != nil {
			t.Errorf("%.40q is read as %c %.20q, %v", wire, k, payload, err)
		}
	}
}

func TestWrongFrames(t *testing.T) {
	for _, tc := range []struct {
		wire string
		want error
	}{
		{"", io.EOF},
		{"d\x00", io.ErrUnexpectedEOF},
		{"d\x00\x00\x00\x02x", io.ErrUnexpectedEOF},
		{"d\x00\x00\x00\x02", io.ErrUnexpectedEOF},
		{"x\x00\x00\x00\x00", errFrame},
		{"d\x00\x00\x80\x01", errFrame},
		{"d\xff\xff\xff\xff", errFrame},
		{"e\x00\x00\x00\x01x", errFrame},
	} {
		if _, _, err := readFrame(strings.NewReader(tc.wire), make([]byte, maxFrame)); !errors.Is(err, tc.want) {
			t.Errorf("%q: %v, want %v", tc.wire, err, tc.want)
		}
	}
	for _, payload := range []string{"", "\x01", "\x40" + strings.Repeat("1", 64), "\x03abc", "\xff"} {
		if sender, _, err := parseDatagram([]byte(payload)); err == nil {
			t.Errorf("%q is from %v", payload, sender)
		}
	}
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte("d\x00\x00\x00\x02hi"))
	f.Add(appendFrame(nil, datagram, appendDatagram(nil, netip.MustParseAddrPort("[fe80::1%eth0]:1314"), []byte("36.6"))))
	f.Fuzz(func(t *testing.T, wire []byte) {
		k, payload, err := readFrame(bytes.NewReader(wire), make([]byte, maxFrame))
		if err != nil {
			return
		}
		if again := appendFrame(nil, k, payload); !bytes.HasPrefix(wire, again) {
			t.Errorf("%q is read as %c %q, and written as %q", wire, k, payload, again)
		}
		if sender, content, err := parseDatagram(payload); err == nil {
			s, c, err := parseDatagram(appendDatagram(nil, sender, content))
			if s != sender || !bytes.Equal(c, content) || err != nil {
				t.Errorf("from %v %q becomes from %v %q, %v", sender, content, s, c, err)
			}
		}
	})
}
