package main

import (
	"bytes"
	"fmt"
	"regexp"
)

// Programs that take the room for another kind of server. What they send is no person's: nobody hears it, or any web
// page that is open in somebody's browser could talk in the room. They are answered in their own protocol, if it
// has an answer, and the connection is closed.
var foreigners = []struct {
	begins *regexp.Regexp
	answer string
}{
	{regexp.MustCompile(`^[A-Z]{3,16} \S+ (?:HTTP|RTSP|SIP)/[0-9.]+\r?$`), httpAnswer},
	{regexp.MustCompile(`^\x16\x03[\x00-\x04]`), "\x15\x03\x01\x00\x02\x02\x28"}, // TLS: alert, fatal, handshake_failure
	{regexp.MustCompile(`^(?:PROXY (?:TCP4|TCP6|UNKNOWN)|\r\n\r\n\x00\r\nQUIT\n)`), ""},
	{regexp.MustCompile(`^SSH-[12]\.`), ""},
	{regexp.MustCompile(`^CAP LS\b`), "ERROR :this is no IRC server\r\n"},
	{regexp.MustCompile(`^(?:\x03\x00\x00|\x00\x00[\x00-\xff]{2}[\xfe\xff]SMB)`), ""}, // remote desktop, Windows' file sharing
}

// The beginning of a request whose target is long. A target has no spaces, and no bytes beyond ASCII; what people write has.
var longRequest = regexp.MustCompile(`^[A-Z]{3,16} (?:/|\w+://)[!-~]*(?: [HTP/.0-9]*)?$`)

const notHTTP = "This is a chat server. Talk to it with chat-server client, or nc.\n这里是聊天服务器: 请用 chat-server client 或 nc。\n"

var httpAnswer = fmt.Sprintf("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(notHTTP), notHTTP)

// foreign reports whether what a connection begins with is no person's, and what to answer. If it is cut, the first
// line is longer.
func foreign(first []byte, cut bool) (answer string, is bool) {
	line, _, whole := bytes.Cut(first, []byte{'\n'})
	for i, f := range foreigners {
		if i > 0 { // may lie in more than a line
			line = first
		}
		if f.begins.Match(line) {
			return f.answer, true
		}
	}
	return httpAnswer, cut && !whole && longRequest.Match(first)
}
