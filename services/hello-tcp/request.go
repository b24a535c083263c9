package main

import (
	"bytes"
	"strconv"
	"strings"
)

// maxHead is the longest HTTP head, its blank line included, in bytes.
const maxHead = 8 << 10

// methods are HTTP's (RFC 9110, section 9; PATCH is RFC 5789's), each with the space that follows it.
var methods = [...]string{"GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "CONNECT ", "OPTIONS ", "TRACE ", "PATCH "}

// A state says if the bytes that have arrived so far are a whole request.
//
// TCP carries bytes, not requests: one send may arrive in several reads, several sends in one. Every
// protocol must say where a message ends. HTTP says it with a blank line. A textbook's client, which
// sends one word and waits, says nothing; for it the first read must do.
type state int

const (
	nothing  state = iota // no byte yet
	perhaps               // only the beginning of a method: HTTP, or a short word?
	partial               // an HTTP head that has not ended
	whole                 // answer it
	tooLarge              // an HTTP head that did not end within maxHead
)

// look judges what has arrived so far. It knows nothing of time or of the end of input.
func look(b []byte) state {
	if len(b) == 0 {
		return nothing
	}
	for _, m := range methods {
		switch {
		case bytes.HasPrefix(b, []byte(m)):
			switch end := headEnd(b); {
			case end >= 0 && end <= maxHead:
				return whole
			case len(b) >= maxHead:
				return tooLarge
			}
			return partial
		case len(b) < len(m) && m[:len(b)] == string(b):
			return perhaps
		}
	}
	return whole
}

// headEnd is where the blank line ends, or -1. A line ends in CRLF, or in LF alone: people type those.
func headEnd(b []byte) int {
	end := 0
	for line := range bytes.Lines(b) {
		end += len(line)
		if blank := string(line) == "\n" || string(line) == "\r\n"; blank && end > len(line) {
			return end
		}
	}
	return -1
}

// announcesMore reports whether a whole HTTP head says that a body follows which is not all in b
// (RFC 9112, section 6). Nobody reads that body, but somebody is sending it.
func announcesMore(b []byte) bool {
	end := headEnd(b)
	if end < 0 {
		return false
	}
	for line := range strings.Lines(string(b[:end])) {
		name, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); strings.ToLower(name) {
		case "content-length":
			n, err := strconv.ParseUint(value, 10, 63)
			return err != nil || n > uint64(len(b)-end)
		case "transfer-encoding":
			return true
		}
	}
	return false
}

// answerTo is the one answer, as the textbook has it: there is no Content-Length, the end of input ends it.
func answerTo(name string) []byte {
	return []byte("HTTP/1.1 200 OK\r\n\r\nHello World, " + name + "!")
}

// answerTooLarge refuses a head that is too large (RFC 6585, section 5).
const answerTooLarge = "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n"
