package referee

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"netlab.example/pkg/language"
	"netlab.example/pkg/text"
)

// An Operator answers at the server: a server that takes turns has a person there, and a check is a conversation with
// both.
type Operator interface {
	// Sees reports whether text is shown at the server within a time. What was shown before the last Fresh does not count.
	Sees(ctx context.Context, text string, within time.Duration) bool
	Fresh()
	Shown() string // what stands there now
	Types(line string) error
	Patience() time.Duration // for what is typed to arrive
	Watches() bool           // Sees is more than a guess
	Runs() bool              // the server has not ended
	Again() error            // starts it once more, from its beginning
}

const (
	maxShown = 64 << 10 // bytes of a screen that are kept: the newest
	maxLast  = 300      // and of those that are told
)

// A Screen is a terminal on which the referee sees what a server shows, and types. It implements what of an Operator
// does not depend on how the server runs.
type Screen struct {
	mu    sync.Mutex
	keys  io.Writer
	shown []byte
	more  chan struct{} // closed when more is shown
}

// Attach has the screen follow a terminal until that ends.
func (s *Screen) Attach(terminal io.ReadWriter) {
	s.mu.Lock()
	s.keys, s.shown, s.more = terminal, nil, make(chan struct{})
	s.mu.Unlock()
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := terminal.Read(buf)
			if s.show(terminal, buf[:n]); err != nil {
				return
			}
		}
	}()
}

func (s *Screen) show(from io.ReadWriter, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys != from || len(b) == 0 {
		return
	}
	s.shown = append(s.shown, b...)
	s.shown = s.shown[max(0, len(s.shown)-maxShown):]
	close(s.more)
	s.more = make(chan struct{})
}

func (s *Screen) Sees(ctx context.Context, text string, within time.Duration) bool {
	over := time.NewTimer(within)
	defer over.Stop()
	for {
		s.mu.Lock()
		seen, more := bytes.Contains(s.shown, []byte(text)), s.more
		s.mu.Unlock()
		if seen {
			return true
		}
		select {
		case <-more:
		case <-over.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

func (s *Screen) Fresh() {
	s.mu.Lock()
	s.shown = nil
	s.mu.Unlock()
}

func (s *Screen) Shown() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.shown[max(0, len(s.shown)-maxLast):])
}

// Types presses Enter after the line: a carriage return, as a keyboard sends it.
func (s *Screen) Types(line string) error {
	s.mu.Lock()
	keys := s.keys
	s.mu.Unlock()
	_, err := io.WriteString(keys, line+"\r")
	return err
}

func (s *Screen) Patience() time.Duration { return patience }
func (s *Screen) Watches() bool           { return true }

// A Learner sits at the server, and is asked to type what the referee needs.
type Learner struct {
	Out  io.Writer
	Lang language.Lang
}

const learnersPatience = time.Minute

func (p Learner) Types(line string) error {
	_, err := fmt.Fprintf(p.Out, learnerWords.In(p.Lang), text.Escape(line))
	return err
}

var learnerWords = language.Both[string]{Zh: "      在服务器那里输入这一行 (一分钟以内): %s\n", En: "      type this line at the server, within a minute: %s\n"}

// Sees believes that the person sees what there is: nobody else does.
func (p Learner) Sees(context.Context, string, time.Duration) bool { return true }
func (p Learner) Fresh()                                           {}
func (p Learner) Shown() string                                    { return "" }
func (p Learner) Patience() time.Duration                          { return learnersPatience }
func (p Learner) Watches() bool                                    { return false }
func (p Learner) Runs() bool                                       { return true }
func (p Learner) Again() error                                     { return nil }
