package app

import (
	"fmt"
	"io"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newLogger builds a server's logger. Nothing is sampled: a learner's log line is never left out.
func newLogger(c Common, w zapcore.WriteSyncer) *zap.Logger {
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.ISO8601TimeEncoder
	enc.EncodeDuration = zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(enc)
	if c.LogFormat == "console" {
		encoder = zapcore.NewConsoleEncoder(enc)
	}
	return zap.New(zapcore.NewCore(encoder, w, c.LogLevel))
}

const (
	queueLines = 1024                   // of the log that wait for standard error
	closeWait  = 500 * time.Millisecond // how long close waits for it
)

// A sink is where the log goes: to standard error, or to a terminal's line editor once there is one. Neither
// makes anybody wait. Where nobody reads standard error, lines beyond the queue are left out, and counted.
type sink struct {
	std   io.Writer
	queue chan []byte
	done  chan struct{} // closed when all that was queued is written

	mu     sync.Mutex
	to     io.Writer // nil: std
	missed int       // lines left out, since that was last said
	closed bool
}

func newSink(std io.Writer) *sink {
	s := &sink{std: std, queue: make(chan []byte, queueLines), done: make(chan struct{})}
	go s.write()
	return s
}

func (s *sink) redirect(w io.Writer) {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.to = w
	s.mu.Unlock()
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.to != nil {
		return s.to.Write(p)
	}
	if s.closed {
		return len(p), nil
	}
	if len(s.queue) == cap(s.queue) { // only Write sends, and it holds mu: there is room below
		s.missed++
		return len(p), nil
	}
	s.queue <- append(s.gap(), p...) // a copy: the logger uses its memory again
	return len(p), nil
}

// gap is the line that says what was left out, where something was. It stands before the next line that found room:
// that is where the gap is. Called with mu held.
func (s *sink) gap() []byte {
	if s.missed == 0 {
		return nil
	}
	line := fmt.Appendf(nil, "... (%d lines of the log left out)\n", s.missed)
	s.missed = 0
	return line
}

func (s *sink) write() {
	defer close(s.done)
	for line := range s.queue {
		s.std.Write(line) // where it fails there is nobody to tell
		var gap []byte
		s.mu.Lock()
		if len(s.queue) == 0 { // all that came before the gap is written, and perhaps nothing will follow it
			gap = s.gap()
		}
		s.mu.Unlock()
		if gap != nil {
			s.std.Write(gap)
		}
	}
}

// close writes what is queued, and waits a moment at most: a stop never hangs on standard error either.
func (s *sink) close() {
	s.mu.Lock()
	s.closed = true
	close(s.queue)
	s.mu.Unlock()
	select {
	case <-s.done:
	case <-time.After(closeWait):
	}
}

func (s *sink) Sync() error { return nil }
