package text

import (
	"strings"
	"unicode/utf8"
)

// Unfinished returns how many bytes at the end of s begin a character that more bytes could still complete.
func Unfinished[T string | []byte](s T) int {
	tail := string(s[max(0, len(s)-utf8.UTFMax+1):])
	for n := 1; n <= len(tail); n++ {
		if end := tail[len(tail)-n:]; utf8.RuneStart(end[0]) {
			if utf8.FullRuneInString(end) {
				return 0
			}
			return n
		}
	}
	return 0
}

// Cut returns the beginning of s: at most most bytes, and no part of a character at the end.
func Cut[T string | []byte](s T, most int) T {
	if len(s) <= most {
		return s
	}
	s = s[:most]
	return s[:len(s)-Unfinished(s)]
}

// Line shows data from the network on one line: its first most bytes, escaped, with "..." if there are more.
func Line[T string | []byte](data T, most int) string {
	line := Escape(lineEnds.Replace(string(Cut(data, most))))
	if len(data) > most {
		line += "..."
	}
	return line
}

var lineEnds = strings.NewReplacer("\r", `\r`, "\n", `\n`)
