package terminal

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"unicode/utf8"

	"netlab.example/pkg/text"
)

var newline = []byte{'\n'}

const (
	maxTyped = 64 << 10 // bytes typed ahead, beyond which the keyboard waits
	maxKey   = 16       // bytes of an escape sequence; no key has more
	maxText  = 4096     // characters on the line being typed; the kernel's own editor takes as many bytes

	ctrlC = 0x03
	bell  = 0x07 // a key at which the editor does nothing
	esc   = 0x1b
)

// keys is the editor's keyboard. It is fed by the goroutine that reads the
// terminal, and hands the editor one key at a time.
type keys struct {
	mu     sync.Mutex
	change sync.Cond
	typed  []byte // not yet taken by the editor
	answer []byte // to the editor's cursor query; goes before what is typed
	last   byte   // of the key before, to see \r\n as one Enter
	length int    // characters on the line being typed
	active bool   // a ReadLine waits
	turn   int    // which one
	leave  leaving
	ended  bool // the terminal hung up
	closed bool
	over   bool // the editor was told so

	before  rune   // the character before, to see a tag in a flag
	notUTF8 func() // is called once for each line when bytes are typed that are no text
	toldOf8 bool   // it has been called

	interrupts chan struct{} // Ctrl-C was typed while no ReadLine waits

	// outOfTurn, if set, is called when keys are thrown away because no ReadLine waits: once before each ReadLine, and
	// once after each Enter.
	outOfTurn func()
	quiet     bool // it has been called
}

// leaving is how far the editor is in leaving a line that nobody is to finish.
type leaving int

const (
	staying leaving = iota
	wiping          // next it gets a key at which the text is wiped ...
	going           // ... and then Ctrl-C
	gone
)

func newKeys() *keys {
	k := &keys{interrupts: make(chan struct{}, 1)}
	k.change.L = &k.mu
	return k
}

// feed adds bytes from the terminal. It waits when too much is typed ahead.
func (k *keys) feed(p []byte) {
	k.mu.Lock()
	for len(k.typed) > maxTyped && !k.closed {
		k.change.Wait()
	}
	k.typed = append(k.typed, p...)
	k.interrupt()
	told := k.forget()
	k.change.Broadcast()
	k.mu.Unlock()
	if told {
		k.outOfTurn()
	}
}

// forget throws away what was typed out of turn, if such keys are not to be kept, and reports whether outOfTurn is to
// be called. Called with mu held.
func (k *keys) forget() bool {
	if k.outOfTurn == nil || k.active {
		return false
	}
	typed := k.typed
	k.typed = nil
	if k.last == '\r' {
		typed = bytes.TrimPrefix(typed, newline) // it belongs to the Enter before
	}
	k.last = 0
	tell := false
	for _, c := range typed {
		if !k.quiet && c != ctrlC { // who interrupts has been heard
			k.quiet, tell = true, true
		}
		if c == '\r' || c == '\n' {
			k.quiet = false
		}
	}
	return tell
}

// cancel ends the ReadLine whose number is turn, if it still waits.
func (k *keys) cancel(turn int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.active && k.turn == turn && k.leave == staying {
		k.leave = wiping
		k.change.Broadcast()
	}
}

// interrupt tells a program that is busy with something else of a Ctrl-C.
// The key stays, for the next ReadLine. Called with mu held.
func (k *keys) interrupt() {
	if !k.active && bytes.IndexByte(k.typed, ctrlC) >= 0 {
		select {
		case k.interrupts <- struct{}{}:
		default:
		}
	}
}

// end says that nothing more will be typed.
func (k *keys) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ended = true
	k.change.Broadcast()
}

// close ends a ReadLine that waits.
func (k *keys) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	k.change.Broadcast()
}

// begin is called before the editor reads a line. It returns the number of this ReadLine.
func (k *keys) begin() (turn int, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return 0, ErrClosed
	}
	if k.over {
		return 0, io.EOF
	}
	k.active, k.leave, k.quiet, k.toldOf8 = true, staying, false, false
	k.turn++
	select {
	case <-k.interrupts: // this ReadLine will return it
	default:
	}
	return k.turn, nil
}

// errCancelled is what finish returns for a line that cancel has ended.
var errCancelled = errors.New("cancelled")

// finish is called when the editor has read a line.
func (k *keys) finish() error {
	k.mu.Lock()
	k.active = false
	k.interrupt()
	told := k.forget()
	err := k.outcome()
	k.mu.Unlock()
	if told {
		k.outOfTurn()
	}
	return err
}

// outcome is what has ended the line, or nil. Called with mu held.
func (k *keys) outcome() error {
	switch {
	case !k.over && k.leave == gone:
		return errCancelled
	case !k.over:
		return nil
	case k.closed:
		return ErrClosed
	default:
		return io.EOF
	}
}

// notTyped reports whether the Ctrl-C that ends the line is none that was typed: it stands for the end of the input,
// or for cancel.
func (k *keys) notTyped() (over, cancelled bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.over, k.leave == gone
}

// isWiping reports whether the text is to be wiped at the key that the editor has just got.
func (k *keys) isWiping() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.leave == going
}

// Read gives the editor the next key. The end is told as Ctrl-C: it leaves the
// line without handing over text that nobody finished with Enter, as the
// editor would do at a real end.
func (k *keys) Read(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for {
		if len(k.answer) > 0 {
			n := copy(p, k.answer)
			k.answer = nil
			return n, nil
		}
		if k.over {
			return 0, io.EOF
		}
		n := 0
		if !k.closed {
			n = nextKey(k.typed)
		}
		switch {
		case k.leave == wiping && !k.closed && !k.ended:
			k.leave = going
			p[0] = bell
			return 1, nil
		case k.leave == going && !k.closed && !k.ended:
			k.leave = gone
			p[0] = ctrlC
			return 1, nil
		case n > 0:
			key := k.typed[:n]
			k.typed = k.typed[n:]
			k.change.Broadcast()
			if k.wanted(key) {
				return copy(p, key), nil
			}
			if key[0] >= utf8.RuneSelf && len(key) == 1 && !k.toldOf8 && k.notUTF8 != nil {
				k.toldOf8 = true
				k.mu.Unlock() // it paints
				k.notUTF8()
				k.mu.Lock()
			}
		case k.closed || k.ended:
			k.over = true
			p[0] = ctrlC
			return 1, nil
		default:
			k.change.Wait()
		}
	}
}

// reply answers the editor's cursor query.
func (k *keys) reply(answer string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answer = []byte(answer)
}

// setLength is told how long the line being typed is.
func (k *keys) setLength(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.length = n
}

// wanted reports whether the editor is to see key. Called with mu held.
func (k *keys) wanted(key []byte) bool {
	last := k.last
	k.last = key[0]
	switch c := key[0]; {
	case c == '\n' && last == '\r':
		return false // \r\n is one Enter
	case c == esc:
		return sequence(key)
	case c < ' ':
		return bytes.IndexByte(editing, c+'@') >= 0
	case c == 0x7f:
		return true // Backspace
	case k.length >= maxText:
		return false // the line is full; a pasted megabyte ends here
	default:
		r, n := utf8.DecodeRune(key)
		inFlag := isTag(r) && (isTag(k.before) || k.before == blackFlag)
		if r == utf8.RuneError && n == 1 || !text.Visible(r) && !inFlag {
			k.before = 0
			return false
		}
		k.before = r
		return true
	}
}
