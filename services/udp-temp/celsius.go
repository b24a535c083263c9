package main

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"github.com/cockroachdb/apd/v3"
	"golang.org/x/text/width"

	"netlab.example/pkg/text"
)

const maxNumber = 32 // bytes of a number

// A kind says what a datagram is.
type kind int

const (
	number kind = iota // of degrees Celsius: answered

	// Text that is no such number: answered with one short line that says why.
	tooCold
	tooHot
	tooLong
	utf16
	noNumber

	// Never answered. Junk deserves no packet, and a server that answers an answer may do so for ever.
	empty
	notUTF8
	control
	ourText // begins like an answer of ours

	kinds
)

// String is the kind's name in the metrics.
func (k kind) String() string {
	return [kinds]string{
		"number", "too_cold", "too_hot", "too_long", "utf16", "no_number",
		"empty", "not_utf8", "control_characters", "our_text",
	}[k]
}

// refused reports whether a datagram of this kind is answered with a line that says why it is no temperature.
func (k kind) refused() bool { return tooCold <= k && k <= noNumber }

// Temperatures are decimal numbers, not float64: in binary there is no 36.6, and 37 × 1.8 + 32 is 98.60000000000001.
var (
	coldest    = apd.New(-27315, -2)
	hottest    = apd.New(1e9, 0)
	nineFifths = apd.New(18, -1)
	freezing   = apd.New(32, 0)
	exact      = apd.BaseContext // rounds nothing
)

// parse reads a datagram: [+-]digits[.digits], with white space around it. If cut is set, data is only the beginning
// of what was sent.
//
// What people mean counts, too: a C program sends the NUL at the end of its string, an editor puts a byte order mark
// before the first line, and a Chinese input method types full-width digits.
func parse(data []byte, cut bool) (*apd.Decimal, kind) {
	if isUTF16(data) {
		return nil, utf16
	}
	line := trim(data)
	if cut {
		if k := classify(line[:len(line)-text.Unfinished(line)]); k != noNumber && k != empty {
			return nil, k
		}
		return nil, tooLong
	}
	digits := line
	if bytes.ContainsFunc(line, func(r rune) bool { return r >= utf8.RuneSelf }) {
		digits = trim(width.Fold.Bytes(line))
	}
	switch {
	case !isNumber(digits):
		return nil, classify(line)
	case len(digits) > maxNumber:
		return nil, tooLong
	}
	c := new(apd.Decimal)
	c.SetString(string(digits)) // takes all that isNumber does
	switch {
	case c.Negative && c.Cmp(coldest) < 0:
		return nil, tooCold
	case !c.Negative && c.Cmp(hottest) > 0:
		return nil, tooHot
	}
	return c, number
}

// trim cuts off white space, a byte order mark at the beginning, and NULs at the end.
func trim(data []byte) []byte {
	const space = " \t\n\v\f\r"
	data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), space)
	return bytes.TrimRight(data, space+"\x00")
}

// isNumber reports whether b is [+-]digits[.digits].
func isNumber(b []byte) bool {
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		b = b[1:]
	}
	whole, fraction, point := bytes.Cut(b, []byte("."))
	return areDigits(whole) && (!point || areDigits(fraction))
}

func areDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// appendFahrenheit appends C × 9/5 + 32 to dst.
func appendFahrenheit(dst []byte, c *apd.Decimal) []byte {
	var f apd.Decimal
	if tenfold, ok := tenfoldFahrenheit(c); ok {
		f.SetFinite(tenfold, c.Exponent-1)
	} else {
		exact.Mul(&f, c, nineFifths)
		exact.Add(&f, &f, freezing)
	}
	f.Reduce(&f) // 212.0 is 212
	return f.Append(dst, 'f')
}

// tenfoldFahrenheit is 18 × C + 320 in units of C's last digit, if that is sure to fit an int64: for the numbers that
// people ask for it is, and decimals of any length take five times as long.
func tenfoldFahrenheit(c *apd.Decimal) (tenfold int64, ok bool) {
	places := int(-c.Exponent)
	if places < 0 || places >= len(powersOfTen) || !c.Coeff.IsInt64() {
		return 0, false
	}
	n := c.Coeff.Int64()
	if n > 1e16 {
		return 0, false
	}
	if c.Negative {
		n = -n
	}
	return 18*n + 320*powersOfTen[places], true
}

var powersOfTen = [...]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// classify says what line is that is no number.
func classify(line []byte) kind {
	switch {
	case len(line) == 0:
		return empty
	case !utf8.Valid(line):
		return notUTF8
	case bytes.ContainsFunc(line, unicode.IsControl):
		return control
	case likeOurs(line):
		return ourText
	}
	return noNumber
}

// isUTF16 reports whether data is text in UTF-16: it begins with a byte order mark, or every second byte is NUL, as in
// ASCII text. Two bytes are no such text but a digit and the NUL at the end of a C string.
func isUTF16(data []byte) bool {
	if len(data) < 4 || len(data)%2 != 0 {
		return false
	}
	if bom := string(data[:2]); bom == "\xff\xfe" || bom == "\xfe\xff" {
		return true
	}
	for i, b := range data {
		if (b == 0) != (data[i%2] == 0) {
			return false
		}
	}
	return (data[0] == 0) != (data[1] == 0)
}

// likeOurs reports whether line begins like an answer of ours, in either language. If we answered those,
// one datagram with a forged sender would make two servers talk to each other for ever.
func likeOurs(line []byte) bool {
	for _, w := range [...]wire{wireWords.Zh, wireWords.En} {
		if begins(line, w.Answer) || begins(line, w.Refusal) {
			return true
		}
	}
	return false
}

func begins(line []byte, with string) bool {
	return len(line) >= len(with) && string(line[:len(with)]) == with
}

// appendAnswer appends the answer to a question of kind k, or nothing if none is due.
func (w *wire) appendAnswer(dst []byte, c *apd.Decimal, k kind) []byte {
	switch {
	case k == number:
		return appendFahrenheit(append(dst, w.Answer...), c)
	case k.refused():
		return append(append(dst, w.Refusal...), w.Why[k]...)
	}
	return dst
}
