package text

import (
	"testing"
	"unicode/utf8"
)

func TestCut(t *testing.T) {
	for _, tc := range []struct {
		in   string
		most int
		want string
	}{
		{"hello", 5, "hello"},
		{"hello", 3, "hel"},
		{"你好", 6, "你好"},
		{"你好", 5, "你"},
		{"你好", 4, "你"},
		{"你好", 3, "你"},
		{"你好", 2, ""},
		{"a😀", 4, "a"},
		{"\x80\x80\x80\x80\x80", 4, "\x80\x80\x80\x80"}, // no character: nothing to complete
		{"a\xff\xff", 2, "a\xff"},
		{"", 0, ""},
	} {
		if got := Cut(tc.in, tc.most); got != tc.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tc.in, tc.most, got, tc.want)
		}
		if got := string(Cut([]byte(tc.in), tc.most)); got != tc.want {
			t.Errorf("Cut of the bytes %q, %d: %q, want %q", tc.in, tc.most, got, tc.want)
		}
	}
}

func TestLine(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"one\r\n", `one\r\n`},
		{"\x1b[2J", `\x1b[2J`},
		{"你好你好", "你好..."},
		{"12345678", "12345678"},
	} {
		if got := Line(tc.in, 8); got != tc.want {
			t.Errorf("Line(%q) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add("你好, world", 4)
	f.Fuzz(func(t *testing.T, s string, most int) {
		if most < 0 {
			return
		}
		got := Cut(s, most)
		if len(got) > most || s[:len(got)] != got {
			t.Fatalf("Cut(%q, %d) = %q", s, most, got)
		}
		if utf8.ValidString(s) && (!utf8.ValidString(got) || len(s) > most && len(got) <= most-utf8.UTFMax) {
			t.Fatalf("Cut(%q, %d) = %q", s, most, got)
		}
	})
}
