package text

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// scotland is a flag made of tags.
const scotland = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"

func TestEscape(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"hello, world", "hello, world"},
		{"你好，世界！", "你好，世界！"},
		{"👩‍👩‍👧‍👦 ❤️ e\u0301 " + scotland, "👩‍👩‍👧‍👦 ❤️ e\u0301 " + scotland},
		{"می\u200cخواهم", "می\u200cخواهم"},
		{"\U0001d173\U0001d17a\U0001bca0\U00013430", `\U0001d173\U0001d17a\U0001bca0\U00013430`},
		{"tags \U000e0068\U000e0069", `tags \U000e0068\U000e0069`},
		{"a flag 🏴\U000e0068\U000e0069 without its end", `a flag 🏴\U000e0068\U000e0069 without its end`},
		{scotland + "\U000e0068", scotland + `\U000e0068`},
		{"e" + strings.Repeat("\u0301", 500) + "!", "e" + strings.Repeat("\u0301", maxMarks) + strings.Repeat(`\u0301`, 500-maxMarks) + "!"},
		{"a\ufe0f\ufe0e\U000e0100b", `a` + "\ufe0f" + `\ufe0e\U000e0100b`},
		{"\u0600٣ \U000110bd", "\u0600٣ \U000110bd"}, // number signs are format controls that show
		{"\u200d" + strings.Repeat("\u200c", maxMarks), "\u200d" + strings.Repeat("\u200c", maxMarks-1) + `\u200c`},
		{"กี้ שׁ\u05b0\u0591 ཨོཾ a\u0302\u0301 \ue000\U0001fae9 \u3000\u00a0", "กี้ שׁ\u05b0\u0591 ཨོཾ a\u0302\u0301 \ue000\U0001fae9 \u3000\u00a0"},
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

// The short cut says what the tables say.
func TestOrdinary(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if ordinary(r) && (unicode.In(r, hidden...) || unicode.Is(unicode.M, r)) {
			t.Errorf("%U is not ordinary", r)
		}
	}
}

func TestEscapeAllocatesNothing(t *testing.T) {
	s := strings.Repeat("hello, 世界 👩‍👧 ", 50)
	if n := testing.AllocsPerRun(100, func() { Escape(s) }); n != 0 {
		t.Errorf("%v allocations for text that needs none, want none", n)
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
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || 0x1d173 <= r && r <= 0x1d17a {
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

func BenchmarkEscape(b *testing.B) {
	for _, s := range []string{strings.Repeat("hello ", 20), strings.Repeat("你好世界", 10), strings.Repeat("Grüße, señor ", 9), strings.Repeat("👩‍👧 ", 9)} {
		b.Run(Cut(s, 12), func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for range b.N {
				Escape(s)
			}
		})
	}
}
