package main

import (
	"bytes"
	"errors"
	"iter"
	"strings"
	"time"

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
// A newline ends a message. A peer that has never sent one is a bare peer, as the textbook's programs
// are: its messages are ended by a pause, which the caller measures and tells. A pause inside a UTF-8
// sequence ends nothing: the network has cut a character, not the person.
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
// errTooLong in its place. The text is the caller's until the next step.
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
			s.began = time.Now() // not before: at each message above the caller may have waited
		}
		if s.skipping {
			return
		}
		if len(s.rest)+len(p) > s.max+1 { // one more than a message: "\r" may be the last
			s.rest, s.skipping = nil, true // said now: the end may be far
			yield(nil, errTooLong)
			return
		}
		s.rest = append(s.rest, p...)
	}
}

// finish ends the message whose last bytes are p. It is not ok where there is nothing to tell:
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
	p = bytes.TrimSuffix(p, []byte{'\r'})
	if len(p) > s.max {
		return nil, errTooLong, true
	}
	return p, nil, true
}

// begun says whether a message has begun and not ended.
func (s *splitter) begun() bool { return !s.began.IsZero() }

// pauseEnds says whether a pause would end the message that has begun.
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

// plain is a message without what programs send around it: a byte order mark before, a newline or NULs after.
func plain(p []byte) string {
	return string(bytes.TrimRight(bytes.TrimPrefix(p, []byte("\ufeff")), "\r\n\x00"))
}

// saysByebye reports whether a message is the word that ends a chat, as people and input methods write it:
// ｂｙｅｂｙｅ, "byebye。", Byebye.
func saysByebye(message string) bool {
	word := strings.TrimRight(strings.TrimSpace(width.Fold.String(message)), ".。!")
	return strings.EqualFold(word, byebye)
}
