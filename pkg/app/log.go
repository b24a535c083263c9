package app

import (
	"io"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"netlab.example/pkg/outlet"
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
	return zap.New(zapcore.NewCore(encoder, w, zapcore.Level(c.LogLevel)))
}

// A sink is where the log goes: to standard error, or to a terminal's line editor once there is one. Neither
// makes a server wait.
type sink struct {
	std *outlet.Outlet

	mu sync.Mutex
	to io.Writer // nil: std
}

func newSink(std io.Writer) *sink {
	return &sink{std: outlet.New(std, outlet.Options{LeftOut: "... (%d lines of the log left out)"})}
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
	return s.std.Write(p)
}

func (s *sink) Sync() error { return nil }
