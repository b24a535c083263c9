// Package text is for text that others have written: what of it a screen may show, and how it is cut.
package text

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks in a row are shown: more than any language puts on a letter, and few enough not
// to cover the lines above and below.
const maxMarks = 8

// hidden are the characters that a screen does not show, or that change what it shows of others: controls, line and
// paragraph separators, bidirectional marks, overrides and isolates, invisible operators, fillers, tags, and format
// controls of music, shorthand and hieroglyphs.
var hidden = []*unicode.RangeTable{
	unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point,
}

// Visible reports whether Escape shows r as it is when it stands alone. These are:
//
//   - letters, marks, digits, punctuation, symbols, spaces, and what is not assigned yet or is for private use
//   - U+200C and U+200D, which Persian and many emoji need
//   - the number signs of Arabic, Syriac and Kaithi, format controls that do show (such as U+0600)
func Visible(r rune) bool {
	switch {
	case ordinary(r):
		return true
	case r == '\u200c', r == '\u200d', unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return true
	}
	return !unicode.In(r, hidden...)
}

// ordinary reports, at once, what Visible says of most of what there is: ASCII, Latin letters, Han, Hangul, emoji. None
// of them is a mark.
func ordinary(r rune) bool {
	return ' ' <= r && r < 0x7f || 0xc0 <= r && r < 0x300 || 0x3400 <= r && r <= 0x9fff || 0xac00 <= r && r <= 0xd7a3 || 0x1f300 <= r && r < 0x1f600
}

// Escape makes text from the network safe to show. What Visible lets through stays as it is, but for
//
//   - more than 8 marks or joiners in a row, and a second variation selector in a row
//   - tags, which stay only in a flag: U+1F3F4, three to six of them, U+E007F (Scotland's, for example)
//
// All else is written out: \x1b or \u202e for a character, \xff for a byte that is not UTF-8, a space for a tab. Line
// feeds are controls too: give it one line at a time. Nothing is allocated if nothing has to change.
func Escape(s string) string {
	var sc scanner
	i := sc.next(s)
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
		i = sc.next(s)
	}
	b.WriteString(s)
	return b.String()
}

// A scanner finds what is not shown as it is.
type scanner struct {
	marks    int  // in a row, up to here
	selector bool // the last character was a variation selector
}

// next returns where the first such character or byte of s is, or len(s).
func (sc *scanner) next(s string) int {
	for i := 0; i < len(s); {
		if c := s[i]; ' ' <= c && c < 0x7f {
			sc.marks, sc.selector = 0, false
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || !sc.shows(r) {
			return i
		}
		i += n
		if r == blackFlag {
			i += tags(s[i:])
		}
	}
	return len(s)
}

func (sc *scanner) shows(r rune) bool {
	switch {
	case ordinary(r):
		sc.marks, sc.selector = 0, false
		return true
	case unicode.Is(unicode.Variation_Selector, r):
		again := sc.selector
		sc.selector = true
		return !again
	case r == '\u200c', r == '\u200d', r >= 0x300 && unicode.Is(unicode.M, r):
		sc.marks++
		sc.selector = false
		return sc.marks <= maxMarks && Visible(r)
	}
	sc.marks, sc.selector = 0, false
	return Visible(r)
}

const (
	blackFlag = '\U0001f3f4'
	cancelTag = '\U000e007f'
)

// tags is the length of the tags at the beginning of s that make a region's flag of a black one, or 0.
func tags(s string) int {
	n := 0
	for i, r := range s {
		switch {
		case r == cancelTag && n >= 3:
			return i + utf8.RuneLen(r)
		case n < 6 && (0xe0030 <= r && r <= 0xe0039 || 0xe0061 <= r && r <= 0xe007a):
			n++
		default:
			return 0
		}
	}
	return 0
}
