package text

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"hello, world", "hello, world"},
		{"你好，世界！", "你好，世界！"},
		{"👩‍👩‍👧‍👦 ❤️ e\u0301 🏴\U000e0067\U000e0062\U000e007f", "👩‍👩‍👧‍👦 ❤️ e\u0301 🏴\U000e0067\U000e0062\U000e007f"},
		{"می\u200cخواهم", "می\u200cخواهم"},
		{`C:\x1b \u202e`, `C:\x1b \u202e`},
		{"\uFFFD", "\uFFFD"},
		{"a\tb", "a b"},
		{"a\nb\rc\x00", `a\x0ab\x0dc\x00`},
		{"\x1b[2J\x1b]0;root\a", `\x1b[2J\x1b]0;root\x07`},
		{"a\x7f\b", `a\x7f\x08`},
		{"\u009b2J\u0085", `\u009b2J\u0085`},
		{"\x9b2J\xff你\xe4\xbd", `\x9b2J\xff你\xe4\xbd`},
		{"\xc0\x9b\xed\xa0\x80", `\xc0\x9b\xed\xa0\x80`}, // overlong, surrogate
		{"abc\u202efed\u2066x\u2069", `abc\u202efed\u2066x\u2069`},
		{"a\u2028b\u2029c", `a\u2028b\u2029c`},
		{"\u061c\u200b\u200e\u200f\u2060\ufeff\ufff9", `\u061c\u200b\u200e\u200f\u2060\ufeff\ufff9`},
		{"\U000e0001x", `\U000e0001x`},
		{"a\u00adb\u034f\u115f\u1160\u17b4\u3164\uffa0 한글 ខ្មែរ", `a\u00adb\u034f\u115f\u1160\u17b4\u3164\uffa0 한글 ខ្មែរ`},
	} {
		if got := Escape(tt.in); got != tt.want {
			t.Errorf("Escape(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestEscapeAllocatesNothing(t *testing.T) {
	s := strings.Repeat("hello, 世界 👩‍👧 ", 50)
	if n := testing.AllocsPerRun(100, func() { Escape(s) }); n != 0 {
		t.Errorf("%v allocations for harmless text, want none", n)
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "你好\t\x1b[31m", "\xff\xfe", "\u202e\u009b", "👩‍👧\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Escape(s)
		if !utf8.ValidString(got) {
			t.Fatalf("Escape(%q) = %q: not UTF-8", s, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
				t.Fatalf("Escape(%q) = %q: has %U", s, got, r)
			}
		}
		if again := Escape(got); again != got {
			t.Fatalf("Escape(%q) = %q, and cleaned again %q", s, got, again)
		}
		if len(got) < len(s) {
			t.Fatalf("Escape(%q) = %q: something is lost", s, got)
		}
	})
}
