package terminal

import (
	"bytes"
	"unicode/utf8"
)

const blackFlag = '\U0001f3f4' // begins the flags that are made of tags: Scotland's, for example

func isTag(r rune) bool { return 0xe0020 <= r && r <= 0xe007f }

// editing has the control keys that the editor understands, I for Tab and M for
// Enter among them. Of the others, most would be typed as text; Ctrl-Z would
// stop the process, which nobody could continue in a container; the searches
// of Ctrl-R and Ctrl-S are confused by messages that arrive meanwhile.
var editing = []byte("ABCDEFHIJKLMNPTUWY")

// sequence reports whether the editor knows what to do with key, which begins with
// Esc. Of other terminals' answers and of mouse clicks it would type the tail.
func sequence(key []byte) bool {
	switch last := len(key) - 1; last {
	case 0:
		return false
	case 1:
		return key[1] == 'b' || key[1] == 'f' // a word back, a word forward
	default:
		return '@' <= key[last] && key[last] < 0x7f && len(bytes.Trim(key[2:last], "0123456789;")) == 0
	}
}

// nextKey returns the length of the first key in b: a character, or a whole
// escape sequence. It is 0 while the key is not complete.
func nextKey(b []byte) int {
	if len(b) == 0 || b[0] != esc {
		return character(b)
	}
	if len(b) == 1 {
		return 0 // the Esc key alone waits for the next key, as in every such editor
	}
	switch c := b[1]; {
	case c < ' ':
		return 1 // so that Ctrl-C counts after Esc
	case c == '[':
		return control(b)
	case c == 'O' && len(b) == 2:
		return 0
	case c == 'O' && ' ' <= b[2] && b[2] < 0x7f:
		return 3
	}
	if n := character(b[1:]); n > 0 {
		return 1 + n // Alt and a character
	}
	return 0
}

// control returns the length of the control sequence at the start of b: ESC [,
// then bytes below @, then one from there on. One that is broken off, or too
// long to be a key, ends where that shows.
func control(b []byte) int {
	for i, c := range b[2:] {
		n := 2 + i
		switch {
		case c < ' ' || c >= 0x7f || n == maxKey:
			return n
		case c >= '@':
			return n + 1
		}
	}
	return 0
}

// character returns the length of the first character of b, or 0 while it is
// not complete.
func character(b []byte) int {
	if !utf8.FullRune(b) {
		return 0
	}
	_, n := utf8.DecodeRune(b)
	return n
}
