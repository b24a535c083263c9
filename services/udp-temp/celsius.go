package main

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"netlab.example/pkg/text"
)

const (
	maxNumber   = 32   // bytes of a number
	maxDatagram = 1024 // bytes of a datagram that are looked at: a number has room, with white space around it
)

// A kind says what a datagram is.
type kind int

const (
	number kind = iota // of degrees Celsius: answered

	// Text that is no such number: answered with one short line that says why.
	tooCold
	tooHot
	tooLong
	noNumber

	// Never answered. Junk deserves no packet, and whoever answers an answer may do so for ever.
	empty
	notUTF8
	control
	ourText // begins like an answer of ours
	ourself // comes from our own address

	kinds
)

// String is the kind's name in the metrics.
func (k kind) String() string {
	return [kinds]string{
		"number", "too_cold", "too_hot", "too_long", "no_number",
		"empty", "not_utf8", "control_characters", "our_text", "our_address",
	}[k]
}

// refused tells whether a datagram of this kind is answered with a line that says why it is no temperature.
func (k kind) refused() bool { return tooCold <= k && k <= noNumber }

// celsius is a number of degrees as it was written, without the zeros that change nothing: 036.60 is
// 36 and 6. Digits are kept, not a float64: in binary there is no 36.6, and 37 × 1.8 + 32 is
// 98.60000000000001.
type celsius struct {
	negative bool
	whole    []byte // the digits before the point
	fraction []byte // the digits after it
}

// parse reads a datagram: ASCII white space, [+-]digits[.digits], ASCII white space. Where cut is true,
// data is only the beginning of what was sent. It copies nothing: the number is a part of data.
func parse(data []byte, cut bool) (celsius, kind) {
	trimmed := data
	for len(trimmed) > 0 && isSpace(trimmed[0]) {
		trimmed = trimmed[1:]
	}
	if cut {
		if k := classify(trimmed[:len(trimmed)-text.Unfinished(trimmed)]); k != noNumber && k != empty {
			return celsius{}, k
		}
		return celsius{}, tooLong
	}
	for len(trimmed) > 0 && isSpace(trimmed[len(trimmed)-1]) {
		trimmed = trimmed[:len(trimmed)-1]
	}
	c, ok := scan(trimmed)
	switch {
	case !ok:
		return celsius{}, classify(trimmed)
	case len(trimmed) > maxNumber:
		return celsius{}, tooLong
	case c.negative && c.beyond("273", "15"):
		return celsius{}, tooCold
	case !c.negative && c.beyond("1000000000", ""):
		return celsius{}, tooHot
	}
	return c, number
}

// isSpace tells ASCII white space. Package bytes would take Unicode's too, of which the protocol says nothing.
func isSpace(b byte) bool { return b == ' ' || '\t' <= b && b <= '\r' }

// scan reads [+-]digits[.digits], and nothing around it.
func scan(text []byte) (c celsius, ok bool) {
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		c.negative = text[0] == '-'
		text = text[1:]
	}
	c.whole, text = digits(text)
	ok = len(c.whole) > 0
	if len(text) > 0 && text[0] == '.' {
		c.fraction, text = digits(text[1:])
		ok = ok && len(c.fraction) > 0
	}
	c.whole = bytes.TrimLeft(c.whole, "0")
	c.fraction = bytes.TrimRight(c.fraction, "0")
	return c, ok && len(text) == 0
}

func digits(text []byte) (digits, rest []byte) {
	n := 0
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	return text[:n], text[n:]
}

// beyond tells whether c without its sign is more than whole.fraction. Digits are compared as text:
// more of them before the point are more, and after the point the first difference decides.
func (c celsius) beyond(whole, fraction string) bool {
	if len(c.whole) != len(whole) {
		return len(c.whole) > len(whole)
	}
	if string(c.whole) != whole {
		return string(c.whole) > whole
	}
	return string(c.fraction) > fraction
}

// digit is the digit that stands for 10^place.
func (c celsius) digit(place int) int {
	switch {
	case place < 0 && -place <= len(c.fraction):
		return int(c.fraction[-place-1] - '0')
	case place >= 0 && place < len(c.whole):
		return int(c.whole[len(c.whole)-1-place] - '0')
	}
	return 0
}

// appendFahrenheit appends C × 9/5 + 32 to dst. It is exact: it works as one does on paper, digit by
// digit from the right. Ten times the result is 18 × C + 320, which needs no division.
//
//	C = 36.6      36.6 × 18 = 658.8      658.8 + 320 = 978.8      F = 97.88
func (c celsius) appendFahrenheit(dst []byte) []byte {
	// Where a column's sum is negative, its digit is still 0 to 9 and the carry is negative. A carry
	// that is negative at the end means a negative result: turn all signs round and work once more.
	for _, sign := range [...]int{1, -1} {
		eighteen := 18 * sign
		if c.negative {
			eighteen = -eighteen
		}
		// The columns run from the last digit of the fraction to two beyond the longest number.
		var paper [maxNumber + 8]byte
		left := len(paper)
		carry := 0
		for place := -len(c.fraction); place < max(len(c.whole), len("320"))+2; place++ {
			sum := eighteen*c.digit(place) + carry
			switch place {
			case 1:
				sum += 2 * sign
			case 2:
				sum += 3 * sign
			}
			carry = sum / 10
			if sum%10 < 0 {
				carry-- // towards minus infinity: Go's division goes towards zero
			}
			left--
			paper[left] = byte('0' + sum - 10*carry)
		}
		if carry < 0 {
			continue
		}
		if sign < 0 {
			dst = append(dst, '-')
		}
		point := len(paper) - len(c.fraction) - 1 // a tenth of it: one column to the left
		dst = append(dst, bytes.TrimLeft(paper[left:point-1], "0")...)
		dst = append(dst, paper[point-1])
		if rest := bytes.TrimRight(paper[point:], "0"); len(rest) > 0 {
			dst = append(dst, '.')
			dst = append(dst, rest...)
		}
		break
	}
	return dst
}

// classify says what text is that is no number.
func classify(text []byte) kind {
	switch {
	case len(text) == 0:
		return empty
	case !utf8.Valid(text):
		return notUTF8
	case bytes.ContainsFunc(text, unicode.IsControl):
		return control
	case likeOurs(text):
		return ourText
	}
	return noNumber
}

// likeOurs tells whether text begins like an answer of ours, in either language. If we answered those,
// one datagram with a forged sender would make two servers talk to each other for ever.
func likeOurs(text []byte) bool {
	for _, w := range [...]wire{wireWords.Zh, wireWords.En} {
		if begins(text, w.Answer) || begins(text, w.Refusal) {
			return true
		}
	}
	return false
}

func begins(text []byte, with string) bool {
	return len(text) >= len(with) && string(text[:len(with)]) == with
}

// appendAnswer appends the answer to a question of kind k, or nothing where none is due.
func (w *wire) appendAnswer(dst []byte, c celsius, k kind) []byte {
	switch {
	case k == number:
		return c.appendFahrenheit(append(dst, w.Answer...))
	case k.refused():
		return append(append(dst, w.Refusal...), w.Why[k]...)
	}
	return dst
}
