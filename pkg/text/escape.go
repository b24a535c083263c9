package text

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unseen are characters that a screen does not show, or that change what it
// shows of others: bidirectional marks, overrides and isolates, line and
// paragraph separators, invisible operators, fillers. The joiners U+200C and
// U+200D are not among them, since Persian and many emoji need them, and not the
// tags from U+E0020 on: the flag of Scotland is made of them.
var unseen = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00ad, Hi: 0x00ad, Stride: 1}, // soft hyphen
		{Lo: 0x034f, Hi: 0x034f, Stride: 1}, // combining grapheme joiner
		{Lo: 0x061c, Hi: 0x061c, Stride: 1}, // Arabic letter mark
		{Lo: 0x115f, Hi: 0x1160, Stride: 1}, // Hangul fillers
		{Lo: 0x17b4, Hi: 0x17b5, Stride: 1}, // Khmer inherent vowels
		{Lo: 0x180e, Hi: 0x180e, Stride: 1}, // Mongolian vowel separator
		{Lo: 0x200b, Hi: 0x200b, Stride: 1}, // zero-width space
		{Lo: 0x200e, Hi: 0x200f, Stride: 1}, // left-to-right, right-to-left mark
		{Lo: 0x2028, Hi: 0x202e, Stride: 1}, // separators, embeddings, overrides
		{Lo: 0x2060, Hi: 0x206f, Stride: 1}, // word joiner, operators, isolates
		{Lo: 0x3164, Hi: 0x3164, Stride: 1}, // Hangul filler
		{Lo: 0xfeff, Hi: 0xfeff, Stride: 1}, // byte order mark
		{Lo: 0xffa0, Hi: 0xffa0, Stride: 1}, // Hangul filler, half width
		{Lo: 0xfff9, Hi: 0xfffb, Stride: 1}, // interlinear annotation
	},
	R32: []unicode.Range32{
		{Lo: 0xe0001, Hi: 0xe0001, Stride: 1}, // language tag
	},
}

// Visible reports whether Escape leaves r as it is.
func Visible(r rune) bool {
	return ' ' <= r && (r < 0x7f || r >= 0xa0 && !unicode.Is(unseen, r))
}

// Escape makes text from the network harmless: a character that could move the
// cursor, start an escape sequence, reorder or hide text is shown as \x1b or
// \u202e, a byte that is not UTF-8 as \xff, a tab as a space. Line feeds are
// controls too: give it one line at a time. Everything that prints stays as it
// is, whatever the language. Nothing is allocated where nothing has to change.
func Escape(s string) string {
	i := dirt(s)
	if i == len(s) {
		return s
	}
	var b strings.Builder
	for i < len(s) {
		b.WriteString(s[:i])
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\t':
			b.WriteByte(' ')
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		s = s[i+n:]
		i = dirt(s)
	}
	b.WriteString(s)
	return b.String()
}

// dirt returns where the first unsafe_ character or byte of s is, or len(s).
func dirt(s string) int {
	for i, r := range s {
		if !Visible(r) {
			return i
		}
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return len(s)
}
