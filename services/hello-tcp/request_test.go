package main

import (
	"strings"
	"testing"
)

func TestLook(t *testing.T) {
	long := "GET / HTTP/1.1\r\nX: "
	for _, tc := range []struct {
		in   string
		want state
	}{
		{"", nothing},
		{"hello", whole},
		{"hello\n", whole},
		{"你好", whole},
		{"\x00", whole},
		{"G", perhaps},
		{"GET", perhaps},
		{"get / HTTP/1.1\r\n", whole}, // methods are case-sensitive
		{"GETTING", whole},
		{"P", perhaps},
		{"PA", perhaps},
		{"PAST", whole},
		{"OPTIONS", perhaps},
		{"OPTIONS ", partial},
		{"GET ", partial},
		{"GET / HTTP/1.1\r\n", partial},
		{"GET / HTTP/1.1\r\n\r", partial},
		{"GET / HTTP/1.1\r\n\r\n", whole},
		{"GET / HTTP/1.1\n\n", whole},
		{"GET / HTTP/1.1\nHost: x\r\n\n", whole},
		{"GET \n\n", whole},
		{"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", whole},
		{long + strings.Repeat("x", maxHead-len(long)-4) + "\r\n\r\n", whole},
		{long + strings.Repeat("x", maxHead-len(long)-3) + "\r\n\r\n", tooLarge},
		{long + strings.Repeat("x", maxHead-len(long)-1), partial},
		{long + strings.Repeat("x", maxHead-len(long)), tooLarge},
	} {
		if got := look([]byte(tc.in)); got != tc.want {
			t.Errorf("%.40q (%d bytes): got %d, want %d", tc.in, len(tc.in), got, tc.want)
		}
	}
}

func TestAnnouncesMore(t *testing.T) {
	for in, want := range map[string]bool{
		"hello":                             false,
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n": false,
		"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc":                 false,
		"POST / HTTP/1.1\r\ncontent-length:4\r\n\r\nabc":                  true,
		"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\nabc":                 true,
		"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n": true,
		"POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n":                 true,
		"POST / HTTP/1.1\r\nX-Content-Length: 4\r\n\r\n":                  false,
	} {
		if got := announcesMore([]byte(in)); got != want {
			t.Errorf("%q: got %v", in, got)
		}
	}
}

// However a request is cut into reads, an HTTP head is whole at the same byte.
func FuzzLook(f *testing.F) {
	for _, s := range []string{"hello", "GET / HTTP/1.1\r\n\r\n", "G", "PUT \n\n", "POST / HTTP/1.1\nContent-Length: 1\n\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		isHTTP := false
		for _, m := range methods {
			isHTTP = isHTTP || strings.HasPrefix(string(b), m)
		}
		got := look(b)
		switch {
		case len(b) == 0 && got != nothing,
			isHTTP && (got == nothing || got == perhaps),
			!isHTTP && (got == partial || got == tooLarge),
			isHTTP && got == partial && len(b) >= maxHead:
			t.Fatalf("%q: got %d", b, got)
		}
		if !isHTTP {
			return
		}
		for i := range b { // once whole, whole for good: more bytes change nothing
			if look(b[:i]) == whole && got != whole {
				t.Fatalf("%q: whole at %d bytes, %d at the end", b, i, got)
			}
		}
		announcesMore(b)
	})
}

// Whether a body is still to come depends on the head and on how much is here: what has come is not asked for again.
func FuzzAnnouncesMore(f *testing.F) {
	for _, s := range []string{"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", "PUT / HTTP/1.1\nTransfer-Encoding: chunked\n\n", "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"} {
		f.Add([]byte(s), []byte("c"))
	}
	f.Fuzz(func(t *testing.T, b, more []byte) {
		now := announcesMore(b)
		if now && headEnd(b) < 0 {
			t.Fatalf("%q: a head that has not ended announces a body", b)
		}
		if then := announcesMore(append(b[:len(b):len(b)], more...)); then && !now && headEnd(b) >= 0 {
			t.Fatalf("%q: a body is announced when %q has come, and not before", b, more)
		}
	})
}
