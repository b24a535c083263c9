package main

import (
	"math/big"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"netlab.example/services/udp-temp/batch"
)

func TestParse(t *testing.T) {
	digits := func(n int) string { return strings.Repeat("1", n) }
	for _, tc := range []struct {
		in   string
		kind kind
		want string // Fahrenheit, of a number
	}{
		{"37", number, "98.6"},
		{"100", number, "212"},
		{"36.6", number, "97.88"},
		{"0", number, "32"},
		{"-0", number, "32"},
		{"-0.0", number, "32"},
		{"+37", number, "98.6"},
		{"-40", number, "-40"},
		{"-17.7", number, "0.14"},
		{"-17.78", number, "-0.004"},
		{"-18", number, "-0.4"},
		{"-20", number, "-4"},
		{"0.1", number, "32.18"},
		{"5", number, "41"},
		{"037.50", number, "99.5"},
		{"00000000000000000000000000000037", number, "98.6"},
		{"0.000000000000000000000000000001", number, "32.0000000000000000000000000000018"},
		{"-17.7777777777777777777777777777", number, "0.00000000000000000000000000014"},
		{"-17.7777777777777777777777777778", number, "-0.00000000000000000000000000004"},
		{" \t36.6\r\n\v\f", number, "97.88"},
		{strings.Repeat(" ", 500) + "37" + strings.Repeat("\n", 500), number, "98.6"},

		{"-273.15", number, "-459.67"},
		{"-273.1500", number, "-459.67"},
		{"-273.150001", tooCold, ""},
		{"-273.2", tooCold, ""},
		{"-274", tooCold, ""},
		{"-1000", tooCold, ""},
		{"1000000000", number, "1800000032"},
		{"1000000000.0", number, "1800000032"},
		{"999999999.9", number, "1800000031.82"},
		{"1000000000.1", tooHot, ""},
		{"1000000001", tooHot, ""},
		{"2000000000", tooHot, ""},
		{"10000000000", tooHot, ""},
		{digits(32), tooHot, ""},
		{digits(33), tooLong, ""},
		{"-" + digits(32), tooLong, ""},

		{"hello", noNumber, ""},
		{"你好", noNumber, ""},
		{"36,6", noNumber, ""},
		{"36.", noNumber, ""},
		{".5", noNumber, ""},
		{"-", noNumber, ""},
		{"--1", noNumber, ""},
		{"+-1", noNumber, ""},
		{"1 2", noNumber, ""},
		{"- 1", noNumber, ""},
		{"1.2.3", noNumber, ""},
		{"1e3", noNumber, ""},
		{"0x10", noNumber, ""},
		{"1_000", noNumber, ""},
		{"inf", noNumber, ""},
		{"nan", noNumber, ""},
		{"36。6", noNumber, ""},
		{"−40", noNumber, ""}, // U+2212: a mathematician's minus

		// What a person meant: a C string, the first line of an editor's file, a Chinese input method.
		{"36.6\x00", number, "97.88"},
		{"36.6\n\x00\x00\x00", number, "97.88"},
		{"3\x00", number, "37.4"},
		{"hot\x00", noNumber, ""},
		{"\ufeff36.6", number, "97.88"},
		{"\ufeff 36.6\r\n", number, "97.88"},
		{"３６．６", number, "97.88"},
		{"－４０", number, "-40"},
		{"＋３7\u3000", number, "98.6"},
		{"\u300037", number, "98.6"}, // ideographic space
		{strings.Repeat("１", 32), tooHot, ""},
		{strings.Repeat("１", 33), tooLong, ""},
		{"３６．", noNumber, ""},

		// What is no UTF-8 but was meant is at least told apart.
		{"3\x006\x00.\x006\x00", utf16, ""},
		{"\x003\x006\x00.\x006", utf16, ""},
		{"\xff\xfe3\x006\x00", utf16, ""},
		{"\xfe\xff\x003\x006", utf16, ""},
		{"\xff\xfe\x60\x4f\x7d\x59", utf16, ""}, // 你好
		{"\xff\xfe", notUTF8, ""},
		{"3\x00\x00\x00", number, "37.4"},

		{"", empty, ""},
		{" \r\n", empty, ""},
		{"\xff37", notUTF8, ""},
		{"3\x006", control, ""},
		{"\x00", empty, ""},
		{"\x003", control, ""},
		{"\x1b[2J", control, ""},
		{"3\n7", control, ""},
		{"3\u00857", control, ""},

		{"转换后的温度(华氏温度):97.88", ourText, ""},
		{"Temperature in Fahrenheit: 97.88", ourText, ""},
		{" 无法转换:", ourText, ""},
		{"Cannot convert: you", ourText, ""},
	} {
		c, k := parse([]byte(tc.in), false)
		got := ""
		if k == number {
			got = string(appendFahrenheit(nil, c))
		}
		if k != tc.kind || got != tc.want {
			t.Errorf("%q: %v %q, want %v %q", tc.in, k, got, tc.kind, tc.want)
		}
	}
}

// Of a datagram that is too long only the beginning is known, and its last character may be split.
func TestParseCut(t *testing.T) {
	for _, tc := range []struct {
		in   string
		kind kind
	}{
		{strings.Repeat("x", batch.MaxData), tooLong},
		{strings.Repeat("1", batch.MaxData), tooLong},
		{strings.Repeat(" ", batch.MaxData), tooLong},
		{strings.Repeat("度", batch.MaxData)[:batch.MaxData], tooLong},
		{strings.Repeat("\x00", batch.MaxData), tooLong},
		{strings.Repeat("\x1b", batch.MaxData), control},
		{strings.Repeat("3\x00", batch.MaxData/2), utf16},
		{strings.Repeat("\xff", batch.MaxData), notUTF8},
		{"Cannot convert: " + strings.Repeat("x", batch.MaxData), ourText},
	} {
		if _, k := parse([]byte(tc.in), true); k != tc.kind {
			t.Errorf("%.20q...: %v, want %v", tc.in, k, tc.kind)
		}
	}
}

var (
	syntax   = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)
	controls = regexp.MustCompile(`[\x00-\x1f\x7f-\x{9f}]`)
	answers  = regexp.MustCompile(`^(转换后的温度\(华氏温度\):|无法转换:|Temperature in Fahrenheit: |Cannot convert: )`)
)

// expected is parse again, by the book: a regular expression and fractions.
func expected(data []byte) (string, kind) {
	if n := len(data); n >= 4 && n%2 == 0 {
		var zeros [2]int
		for i, b := range data {
			if b == 0 {
				zeros[i%2]++
			}
		}
		mark := string(data[:2])
		if zeros == [2]int{0, n / 2} || zeros == [2]int{n / 2, 0} || mark == "\xff\xfe" || mark == "\xfe\xff" {
			return "", utf16
		}
	}
	text := strings.TrimLeft(strings.TrimPrefix(string(data), "\ufeff"), " \t\n\v\f\r")
	text = strings.TrimRight(text, " \t\n\v\f\r\x00")
	narrow := strings.TrimRight(strings.Map(func(r rune) rune {
		switch {
		case '！' <= r && r <= '～':
			return r - '！' + '!'
		case r == '\u3000':
			return ' '
		}
		return r
	}, text), " \t\n\v\f\r\x00")
	narrow = strings.TrimLeft(narrow, " \t\n\v\f\r")
	switch {
	case syntax.MatchString(narrow) && len(narrow) > 32:
		return "", tooLong
	case syntax.MatchString(narrow):
		text = narrow
	case text == "":
		return "", empty
	case !utf8.ValidString(text):
		return "", notUTF8
	case controls.MatchString(text):
		return "", control
	case answers.MatchString(text):
		return "", ourText
	default:
		return "", noNumber
	}
	c, _ := new(big.Rat).SetString(text)
	if c.Cmp(big.NewRat(-27315, 100)) < 0 {
		return "", tooCold
	}
	if c.Cmp(big.NewRat(1_000_000_000, 1)) > 0 {
		return "", tooHot
	}
	f := c.Add(c.Mul(c, big.NewRat(9, 5)), big.NewRat(32, 1))
	s := f.FloatString(maxNumber)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), "."), number
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"37", "-273.15", "1000000000.1", "-17.7777777777777777777777777778", "hello", "", "\xff", "\x1b[2J", "转换后的温度(华氏温度):97.88", "1\u20282", "３６．６", "\ufeff36.6\x00", "3\x006\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, k := parse(data, false)
		got := ""
		if k == number {
			got = string(appendFahrenheit(nil, c))
		}
		if want, wk := expected(data); got != want || k != wk {
			t.Errorf("%q: %v %q, want %v %q", data, k, got, wk, want)
		}
		for _, w := range []wire{wireWords.Zh, wireWords.En} {
			answer := w.appendAnswer(nil, c, k)
			if (len(answer) == 0) != (k >= empty) {
				t.Errorf("%q, %v: answer %q", data, k, answer)
			}
			if len(answer) > 0 { // else two servers could talk for ever
				if _, k := parse(answer, false); k != ourText {
					t.Errorf("the answer %q is itself %v", answer, k)
				}
			}
		}
		if _, k := parse(data, true); k == number || k == empty {
			t.Errorf("%q, cut: %v", data, k)
		}
	})
}

// FuzzNumber makes numbers, which FuzzParse seldom finds.
func FuzzNumber(f *testing.F) {
	f.Add(int64(366), uint8(1), uint8(0))
	f.Add(int64(-27315), uint8(2), uint8(20))
	f.Add(int64(-178), uint8(1), uint8(0))
	f.Fuzz(func(t *testing.T, n int64, places, zeros uint8) {
		text := new(big.Rat).SetFrac(big.NewInt(n), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places%25)), nil)).FloatString(int(places%25 + zeros%4))
		c, k := parse([]byte(text), false)
		got := ""
		if k == number {
			got = string(appendFahrenheit(nil, c))
		}
		if want, wk := expected([]byte(text)); got != want || k != wk {
			t.Errorf("%q: %v %q, want %v %q", text, k, got, wk, want)
		}
	})
}

func TestAnswers(t *testing.T) {
	for in, want := range map[string][2]string{
		"36.6":   {"转换后的温度(华氏温度):97.88", "Temperature in Fahrenheit: 97.88"},
		"-300":   {"无法转换:低于绝对零度 -273.15", "Cannot convert: below absolute zero, -273.15"},
		"2e9":    {"无法转换:不是数字, 请发送例如 36.6", "Cannot convert: send a number such as 36.6"},
		"\x00":   {"", ""},
		"":       {"", ""},
		"无法转换:x": {"", ""},
	} {
		c, k := parse([]byte(in), false)
		if got := [2]string{string(wireWords.Zh.appendAnswer(nil, c, k)), string(wireWords.En.appendAnswer(nil, c, k))}; got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// A refusal is short: a forged question must not make us send much to somebody who never asked.
func TestRefusalsAreShort(t *testing.T) {
	for _, w := range []wire{wireWords.Zh, wireWords.En} {
		for k := tooCold; k <= noNumber; k++ {
			if n := len(w.appendAnswer(nil, nil, k)); n > 48 {
				t.Errorf("%v: %d bytes", k, n)
			}
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	for _, in := range []string{"37", "36.6", "-17.7777777777777777777777777778", "hello"} {
		b.Run(in, func(b *testing.B) {
			data := []byte(in)
			var buf [128]byte
			b.ReportAllocs()
			for b.Loop() {
				c, k := parse(data, false)
				if len(wireWords.Zh.appendAnswer(buf[:0], c, k)) == 0 {
					b.Fatal("no answer")
				}
			}
		})
	}
}
