package main

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"netlab.example/pkg/text"
)

const maxName = 32 // characters

// The operator speaks as "* server: text".
const serverName = "server"

// A name is how a person is called, and what tells two names apart.
type name struct {
	shown string
	key   string // equal for names that differ only in case, width, compatibility form or kind of dash
}

// A nameRule is why something is no name.
type nameRule int

const (
	nameFine nameRule = iota
	nameLength
	nameCharacters
	nameReserved
)

// parseName makes a name of what a person asks to be called.
//
// A name stands in front of what everybody reads, so it must not pass for anything else: not for "Ann: hi"
// (no colon, no space), not for a notice, not for the server's. Which characters are controls, which nobody
// sees, and which are forms of one and the same is a book of its own; the profile Nickname of RFC 8266 has
// read it. It does not compare what merely looks alike: guest-l passes for guest-1, and соса in Cyrillic for coca.
// Nobody passes for the operator, who speaks in notices.
func parseName(s string) (name, nameRule) {
	shown, err := precis.Nickname.String(s)
	if err != nil {
		return name{}, nameCharacters // empty too
	}
	if n := utf8.RuneCountInString(shown); n > maxName {
		return name{}, nameLength
	}
	first, _ := utf8.DecodeRuneInString(shown)
	if unicode.Is(unicode.M, first) || text.Escape(shown) != shown || strings.ContainsFunc(shown, misleads) || mixesAlphabets(shown) {
		return name{}, nameCharacters
	}
	if strings.HasPrefix(shown, "*") || strings.HasPrefix(shown, "/") {
		return name{}, nameReserved // it would look like a notice, or like a command
	}
	key, err := precis.Nickname.CompareKey(strings.Map(plainDash, shown))
	if err != nil {
		return name{}, nameCharacters
	}
	if key == serverName {
		return name{}, nameReserved
	}
	return name{shown, key}, nameFine
}

// misleads tells characters that the profile leaves in, and that let a name pass for more than a name.
func misleads(r rune) bool {
	switch r {
	case ' ', // and what looks like a colon
		':', '\u02d0', '\u02f8', '\u0589', '\u05c3', '\u0703', '\u0704', '\u16ec', '\u1803', '\u1809', '\u205a', '\u2236', '\u2982', '\ua789',
		'\u2800': // a Braille cell without a dot
		return true
	}
	return false
}

// plainDash makes any dash the one in guest-1.
func plainDash(r rune) rune {
	if unicode.Is(unicode.Dash, r) {
		return '-'
	}
	return r
}

// alphabets share letters that look the same: а in Cyrillic is not a in Latin.
var alphabets = []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Cherokee, unicode.Coptic, unicode.Lisu}

func mixesAlphabets(s string) bool {
	n := 0
	for _, a := range alphabets {
		if strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(a, r) }) {
			n++
		}
	}
	return n > 1
}
