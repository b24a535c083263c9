package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"netlab.example/pkg/terminal"
	"netlab.example/pkg/text"
)

// endsInARow is how many ends of input, one after the other, mean that the terminal is gone: a person
// does not press Ctrl-D that often.
const endsInARow = 100

// operate lets the person at the server's own terminal speak in the room, as server. Nothing that is
// typed here stops the server: only the person who started it does.
func (s *server) operate(term *terminal.Terminal) {
	for ends := 0; ends < endsInARow; {
		line, err := term.ReadLine()
		switch {
		case errors.Is(err, terminal.ErrInterrupt):
			tell(term, s.say.GoesOn, os.Getpid())
			continue
		case errors.Is(err, io.EOF) && term.IsTTY():
			if ends++; ends == 1 {
				tell(term, s.say.GoesOn, os.Getpid())
			}
			continue
		case errors.Is(err, terminal.ErrTooLong):
			tell(term, s.say.TooLong, maxText)
			continue
		case err != nil:
			return
		}
		ends = 0
		s.operatorSays(term, line)
	}
}

func (s *server) operatorSays(term io.Writer, line string) {
	r := s.room
	switch said := strings.TrimSpace(line); {
	case said == "":
	case !fits(term, s.say, line):
	case strings.EqualFold(said, "exit"): // meant for this program, and not for the people
		tell(term, s.say.GoesOn, os.Getpid())
	case saysByebye(said):
		tell(term, s.say.Goodbye, r.dismiss())
	default:
		switch name, _, isCommand := command(line); {
		case isCommand && name == "who":
			r.ask(func() { said = r.who() })
			tell(term, "%s", said)
			return
		case isCommand:
			tell(term, "%s", s.say.Commands)
			return
		}
		lines := []byte("* " + serverName + ": " + text.Escape(strings.TrimPrefix(line, "/")) + "\n")
		r.hear(func() { r.tellAll(nil, lines, 1) })
	}
}

// fits reports whether a line can be sent, and tells the person if it cannot.
func fits(term io.Writer, say phrases, line string) bool {
	switch {
	case len(line) > maxText:
		tell(term, say.TooLong, maxText)
	case !utf8.ValidString(line):
		tell(term, "%s", say.NotUTF8)
	default:
		return true
	}
	return false
}

// tell shows a line at a terminal here.
func tell(term io.Writer, format string, args ...any) { fmt.Fprintf(term, format+"\n", args...) }
