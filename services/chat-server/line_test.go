package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// cut feeds pieces to a splitter. A piece "" is a pause.
func cut(s *splitter, pieces ...string) (got []string) {
	note := func(text []byte, err error) {
		if err != nil {
			got = append(got, "("+err.Error()+")")
			return
		}
		got = append(got, string(text))
	}
	for _, p := range pieces {
		if p == "" {
			for text, err := range s.pause() {
				note(text, err)
			}
			continue
		}
		for text, err := range s.feed([]byte(p)) {
			note(text, err)
		}
	}
	return got
}

func TestSplitter(t *testing.T) {
	const tooLong = "(message is too long)"
	most := strings.Repeat("x", maxText)
	for name, tc := range map[string]struct {
		pieces []string
		want   []string
		rest   string // what end yields
	}{
		"a line":                        {pieces: []string{"hello\n"}, want: []string{"hello"}},
		"many in one read":              {pieces: []string{"a\nb\r\n\nc\nd"}, want: []string{"a", "b", "", "c"}, rest: "d"},
		"CR stays inside a line":        {pieces: []string{"a\rb\n"}, want: []string{"a\rb"}},
		"CR and LF apart":               {pieces: []string{"a\r", "\n"}, want: []string{"a"}},
		"bare text":                     {pieces: []string{"hel", "lo", ""}, want: []string{"hello"}},
		"a pause with nothing said":     {pieces: []string{"", ""}},
		"a pause inside a character":    {pieces: []string{"你\xe5", "", "\xa5", "", "\xbd", ""}, want: []string{"你好"}},
		"a pause after a broken one":    {pieces: []string{"a\xe5b", ""}, want: []string{"a\xe5b"}},
		"a pause after stray bytes":     {pieces: []string{"\xbd\xbd\xbd\xbd", ""}, want: []string{"\xbd\xbd\xbd\xbd"}},
		"a line peer's pause":           {pieces: []string{"a\nb", "", "c\n"}, want: []string{"a", "bc"}},
		"bare, then lines for good":     {pieces: []string{"a", "", "b\n", "c", "", "d\n"}, want: []string{"a", "b", "cd"}},
		"the longest":                   {pieces: []string{most + "\n", most + "\r\n", most, "\r", "\n"}, want: []string{most, most, most}},
		"one byte too long":             {pieces: []string{most + "y\n", "a\n"}, want: []string{tooLong, "a"}},
		"too long, in pieces":           {pieces: []string{most, "y", "z\n", "a\n"}, want: []string{tooLong, "a"}},
		"too long, said once":           {pieces: []string{most, most, most, "\n", "a\n"}, want: []string{tooLong, "a"}},
		"too long and bare":             {pieces: []string{most + "yz", "", "a", ""}, want: []string{tooLong, "a"}},
		"the longest bare text":         {pieces: []string{most, ""}, want: []string{most}},
		"CR makes it no shorter":        {pieces: []string{most + "y\r\n"}, want: []string{tooLong}},
		"the end ends what has begun":   {pieces: []string{"a\nb"}, want: []string{"a"}, rest: "b"},
		"the end of what was too long":  {pieces: []string{most + "yz"}, want: []string{tooLong}},
		"the end inside of a character": {pieces: []string{"\xe5"}, rest: "\xe5"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &splitter{max: maxText}
			if got := cut(s, tc.pieces...); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			rest := ""
			for text, err := range s.end() {
				rest += string(text) + fmt.Sprint(err)
			}
			if want := tc.rest; rest != want && rest != want+"<nil>" {
				t.Errorf("the end yields %q, want %q", rest, want)
			}
			if s.begun() {
				t.Error("begun after the end")
			}
		})
	}
}

func TestBare(t *testing.T) {
	s := &splitter{max: maxText}
	cut(s, "a")
	if s.bare {
		t.Error("bare before a pause has ended a message")
	}
	if cut(s, ""); !s.bare {
		t.Error("not bare after a pause has ended a message")
	}
	if cut(s, "b\n"); s.bare {
		t.Error("bare after a newline")
	}
	if cut(s, "c", ""); s.bare || !s.begun() {
		t.Error("a line peer's pause has ended a message")
	}
}

// A message that has begun has a beginning, and one that has ended has none: a refused one too, whose end yields nothing.
func TestBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		at := func(s *splitter) string {
			if s.began.IsZero() {
				return "none"
			}
			return s.began.Sub(start).String()
		}
		tooLong := strings.Repeat("x", 20)
		s := &splitter{max: 10}
		for i, tc := range []struct{ piece, want string }{
			{"a", "0s"}, {"b", "0s"}, {"c\nd", "2s"}, {"e\n", "none"},
			{tooLong, "4s"}, {tooLong, "4s"}, {"x\n", "none"}, {"f", "7s"}, {"\n", "none"},
			{tooLong, "9s"}, {"x\ng", "10s"}, {"", "10s"}, {"\n", "none"},
		} {
			if cut(s, tc.piece); at(s) != tc.want || s.begun() != (tc.want != "none") {
				t.Errorf("%d, after %q: began %s, want %s", i, tc.piece, at(s), tc.want)
			}
			time.Sleep(time.Second)
		}
		for _, piece := range []string{"a", tooLong} { // of a bare peer
			s := &splitter{max: 10}
			if cut(s, piece, ""); s.begun() || !s.bare {
				t.Errorf("a pause after %q: begun %v, bare %v", piece, s.begun(), s.bare)
			}
		}
	})
}

// However a stream is cut into reads, its messages are the same, and no more than one is ever kept.
func FuzzSplitter(f *testing.F) {
	f.Add([]byte("hello\nworld\r\n\n你好"), uint8(3))
	f.Add([]byte("\r\r\n\xff\xfe\n"+strings.Repeat("x", 40)+"\nshort\n"), uint8(1))
	f.Add([]byte(strings.Repeat("x", 16)+"\r\n"+strings.Repeat("y", 17)+"\r\n"), uint8(7))
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		const most = 16
		var want []string
		for line := range bytes.SplitSeq(stream, []byte("\n")) {
			line = bytes.TrimLeft(line, "\x00") // the end of a C string, sent behind the newline
			if line = bytes.TrimSuffix(line, []byte("\r")); len(line) > most {
				want = append(want, "(too long)")
			} else {
				want = append(want, string(line))
			}
		}
		if rest := stream[bytes.LastIndexByte(stream, '\n')+1:]; len(bytes.Trim(rest, "\x00")) == 0 { // no message has begun
			want = want[:len(want)-1]
		}
		s := &splitter{max: most}
		var got []string
		note := func(text []byte, err error) {
			if err != nil {
				got = append(got, "(too long)")
				return
			}
			got = append(got, string(text))
		}
		for piece := range slices.Chunk(stream, int(size)+1) {
			for text, err := range s.feed(bytes.Clone(piece)) {
				note(text, err)
			}
			if len(s.rest) > most+1 {
				t.Fatalf("keeps %d bytes", len(s.rest))
			}
		}
		for text, err := range s.end() {
			note(text, err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("cut every %d: got %q, want %q", size+1, got, want)
		}
	})
}
