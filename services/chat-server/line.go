package main

import (
	"bytes"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"

	"netlab.example/pkg/text"
)

const (
	maxText  = 1024                   // bytes of a message, its newline not counted
	bareWait = 200 * time.Millisecond // the pause that ends a message without a newline
	lineWait = 30 * time.Second       // until when a message that has begun must end
)

var errTooLong = errors.New("message is too long")

// A splitter cuts a stream of bytes into messages.
//
//	reads:      "he"  "llo\nwor"  "ld\r\n"  "你" <200 ms>
//	messages:         hello       world     (a line peer's pause means nothing)
//
// A newline ends a message. A NUL that a C program sends behind it would begin the next one: there it does not
// count. A peer that has never sent a newline is a bare peer, as the textbook's programs are: its messages are ended
// by a pause, which the caller measures and tells. A pause inside a UTF-8 sequence ends nothing: the network has cut
// a character, not the person.
//
// However the stream was cut into reads, the messages between newlines are the same. What a splitter
// keeps is never longer than one message.
type splitter struct {
	max      int       // bytes of a message
	rest     []byte    // of a message that has begun
	began    time.Time // when it has begun; zero: none has
	skipping bool      // inside a message that was too long: until its end nothing is kept
	lines    bool      // a newline has come: for good
	bare     bool      // a pause has ended a message, and no newline has come
}

// feed takes the next bytes and yields each message that ends in them, without its newline, or
// the beginning of one that is too long and errTooLong. The text is the caller's until the next step.
func (s *splitter) feed(p []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			i := bytes.IndexByte(p, '\n')
			if i < 0 {
				break
			}
			s.lines, s.bare = true, false
			if text, err, ok := s.finish(p[:i]); ok && !yield(text, err) {
				return
			}
			p = p[i+1:]
		}
		if len(p) == 0 {
			return
		}
		if !s.begun() {
			if p = bytes.TrimLeft(p, "\x00"); len(p) == 0 {
				return
			}
			s.began = time.Now() // not before: at each message above the caller may have waited
		}
		if s.skipping {
			return
		}
		if len(s.rest)+len(p) > s.max+1 { // one more than a message: "\r" may be the last
			first := s.rest
			if len(first) == 0 {
				first = p
			}
			s.rest, s.skipping = nil, true // said now: the end may be far
			yield(first, errTooLong)
			return
		}
		s.rest = append(s.rest, p...)
	}
}

// finish ends the message whose last bytes are p. It is not ok if there is nothing to tell:
// that a message is too long has been said before. However it ends, none has begun any more.
func (s *splitter) finish(p []byte) (text []byte, err error, ok bool) {
	s.began = time.Time{}
	if s.skipping {
		s.skipping = false
		return nil, nil, false
	}
	if len(s.rest) > 0 {
		p = append(s.rest, p...)
		s.rest = nil // not kept: a silent connection holds no memory
	}
	p = bytes.TrimSuffix(bytes.TrimLeft(p, "\x00"), []byte{'\r'})
	if len(p) > s.max {
		return p, errTooLong, true
	}
	return p, nil, true
}

// begun reports whether a message has begun and not ended.
func (s *splitter) begun() bool { return !s.began.IsZero() }

// pauseEnds reports whether a pause would end the message that has begun.
func (s *splitter) pauseEnds() bool { return s.begun() && !s.lines && text.Unfinished(s.rest) == 0 }

// pause tells that bareWait has passed since the last byte. It yields the message that this ends, if any.
func (s *splitter) pause() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if !s.pauseEnds() {
			return
		}
		s.bare = true
		if text, err, ok := s.finish(nil); ok {
			yield(text, err)
		}
	}
}

// end tells that no more bytes will come. What has begun is the last message.
func (s *splitter) end() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if !s.begun() {
			return
		}
		if text, err, ok := s.finish(nil); ok {
			yield(text, err)
		}
	}
}

// plain is a message without what some programs put around it: a byte order mark before, NUL and the end of a
// line after it.
func plain(p []byte) string {
	return string(bytes.TrimRight(bytes.TrimPrefix(p, []byte("\ufeff")), "\x00\r\n"))
}

// isUTF16 reports whether a message was meant as UTF-16: its mark is there, or about every other byte is NUL.
func isUTF16(message string) bool {
	return strings.HasPrefix(message, "\xff\xfe") || strings.HasPrefix(message, "\xfe\xff") ||
		len(message) >= 5 && 3*strings.Count(message, "\x00") >= len(message)
}

// saysByebye reports whether a message is the word that ends a visit, as it is typed on a Chinese keyboard too:
// "ｂｙｅｂｙｅ", "byebye。".
func saysByebye(message string) bool {
	if len(message) > 100 {
		return false
	}
	word := strings.TrimRight(strings.TrimSpace(width.Fold.String(message)), ".。!")
	return strings.EqualFold(word, byebye)
}

var commands = []string{"nick", "who", "help"}

// command reads a message as a command: "/nick Ann". A Chinese keyboard has "／" or "、" on the same key, but
// people begin sentences with these too: there the rest has to be a command that exists.
func command(message string) (name, rest string, is bool) {
	for _, slash := range []string{"/", "／", "、"} {
		line, ok := strings.CutPrefix(message, slash)
		if !ok {
			continue
		}
		name, rest = line, ""
		if i := strings.IndexFunc(line, unicode.IsSpace); i >= 0 {
			name, rest = line[:i], line[i:]
		}
		name = width.Fold.String(name)
		if slash == "/" {
			return name, rest, !strings.HasPrefix(line, "/")
		}
		return name, rest, slices.Contains(commands, name)
	}
	return "", "", false
}
