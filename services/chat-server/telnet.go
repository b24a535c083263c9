package main

import "bytes"

// Telnet's commands (RFC 854) stand between what is typed: IAC and one or two bytes.
const (
	iac  = 255
	dont = 254
	do   = 253
	wont = 252
	will = 251
	sb   = 250 // a subnegotiation, up to IAC SE
	se   = 240
	eof  = 236 // the first command, by number
)

// A telnet skips the commands of those who send some. PuTTY begins with what it will and would like to do; the
// program telnet sends IP and DO TIMING-MARK at Ctrl-C, and shows nothing any more until that is answered
// (RFC 860). Everything is refused. From a peer that has sent no command at the beginning of a line, a byte 255
// inside of one is just a byte.
type telnet struct {
	speaks bool // the peer has sent a command
	inside bool // of a line
	state  telnetState
	verb   byte // of the option that follows
}

type telnetState byte

const (
	inText telnetState = iota
	afterIAC
	atOption
	inSub
	afterIACInSub
)

// skip returns p without commands, and what to answer them.
func (t *telnet) skip(p []byte) (text, refusals []byte) {
	if t.state == inText && bytes.IndexByte(p, iac) < 0 {
		if len(p) > 0 {
			t.inside = p[len(p)-1] != '\n'
		}
		return p, nil
	}
	text = make([]byte, 0, len(p)+1)
	say := func(b ...byte) {
		text = append(text, b...)
		t.inside = text[len(text)-1] != '\n'
	}
	for _, b := range p {
		switch t.state {
		case inText:
			if b == iac && (t.speaks || !t.inside) {
				t.state = afterIAC
			} else {
				say(b)
			}
		case afterIAC:
			t.state = inText
			switch {
			case b == iac:
				say(iac) // twice means itself
			case b < eof, b == dont && !t.speaks: // no command; FF FE is how UTF-16 may begin
				say(iac, b)
			case b == sb:
				t.speaks, t.state = true, inSub
			case b >= will:
				t.speaks, t.state, t.verb = true, atOption, b
			default:
				t.speaks = true
			}
		case atOption:
			t.state = inText
			switch t.verb {
			case will:
				refusals = append(refusals, iac, dont, b)
			case do:
				refusals = append(refusals, iac, wont, b)
			}
		case inSub:
			if b == iac {
				t.state = afterIACInSub
			}
		case afterIACInSub:
			t.state = inSub
			if b == se {
				t.state = inText
			}
		}
	}
	return text, refusals
}
