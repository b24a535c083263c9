package main

import (
	"fmt"
	"strings"

	"netlab.example/pkg/text"
)

const (
	margin    = "  | " // begins each line but the first of what came from the other side
	shownRows = 64     // of a request: more than any browser sends
)

// received tells a request as it came, a row for each of its lines, escaped: so none of them looks like our own.
func (s *server) received(request []byte, peer string) string {
	var b strings.Builder
	row := 0
	for line := range strings.Lines(string(request)) {
		switch row {
		case 0:
			fmt.Fprintf(&b, s.say.Received, text.Line(line, maxHead), peer)
		case shownRows:
			b.WriteString("\n" + margin + "...")
			return b.String()
		default:
			b.WriteString("\n" + margin + text.Line(line, maxHead))
		}
		row++
	}
	return b.String()
}

// answerAtOnce returns the answer to a request after which handle, too, would close without waiting, else nil.
func (s *server) answerAtOnce(request []byte) []byte {
	if look(request) != whole || announcesMore(request) {
		return nil
	}
	return s.answer
}

// endedAtOnce counts and tells a conversation that the lobby has had.
func (s *server) endedAtOnce(peer fmt.Stringer, request []byte) {
	s.counts.complete.Inc()
	s.story.Tell(func() string { return fmt.Sprintf(s.say.Connected, peer) })
	s.story.Tell(func() string { return s.received(request, peer.String()) })
	s.story.Tell(func() string { return fmt.Sprintf(s.say.Closed, peer, "") })
}
