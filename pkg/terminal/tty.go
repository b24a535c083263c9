package terminal

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/ergochat/readline"
	"golang.org/x/sys/unix"

	"netlab.example/pkg/outlet"
	"netlab.example/pkg/text"
)

const (
	cursorQuery  = "\x1b[6n"
	cursorAnswer = "\x1b[1;1R" // true, save for the row, which nobody uses
	settleTime   = 50 * time.Millisecond
	leaveTime    = 500 * time.Millisecond // never needed, unless rl hangs
	maxHistory   = 100                    // lines

	interruptPrompt = "^C"
)

// editor is the line editor on a TTY.
type editor struct {
	in      *os.File
	tty     *os.File // the screen
	out     *outlet.Outlet
	before  *unix.Termios
	keys    *keys
	rl      *readline.Instance
	cfg     *readline.Config
	look    func()         // makes rl look at the size again
	winch   chan os.Signal // the size has changed
	there   chan struct{}  // closed when somebody is
	arrive  func()         // closes there
	closed  chan struct{}
	reading chan struct{} // holds a token while a ReadLine is under way

	// mu makes one thing at a time of: a key, a message, a repaint. rl has locks
	// of its own, but not where it empties the line after Enter.
	mu     sync.Mutex
	inKey  bool   // mu is held for the key that rl is dealing with; only ReadLine's goroutine looks at it
	vanish bool   // the line is being left without a trace
	prompt string // what setPrompt wants
	signs  signs
	typed  []rune   // on rl's line, before the cursor
	joins  rune     // the key that rl is dealing with, where it has joining in its place
	last   [][]byte // lines that were written, for whoever attaches

	container bool
	greet     func() string
	sizes     attaching // only watch looks at it
}

func newEditor(in, tty *os.File, out *outlet.Outlet, opt Options, container bool) (*editor, error) {
	e := &editor{
		in:      in,
		tty:     tty,
		out:     out,
		keys:    newKeys(),
		winch:   make(chan os.Signal, 1),
		there:   make(chan struct{}),
		closed:  make(chan struct{}),
		prompt:  text.Escape(opt.Prompt),
		reading: make(chan struct{}, 1),

		container: container,
		greet:     opt.Greet,
	}
	e.keys.notUTF8 = func() { e.write([]byte(notUTF8.In(opt.Lang) + "\n")) }
	if opt.OutOfTurn != "" {
		e.keys.outOfTurn = func() { e.write([]byte(opt.OutOfTurn + "\n")) }
	}
	e.arrive = sync.OnceFunc(func() { close(e.there) })
	signal.Notify(e.winch, syscall.SIGWINCH) // before the size is looked at: no change is missed
	now := screenSize(tty)
	if !container || now.known() {
		e.arrive()
	}
	e.sizes.from = now
	e.cfg = &readline.Config{
		Prompt:              e.prompt,
		InterruptPrompt:     interruptPrompt,
		HistoryLimit:        maxHistory,
		Stdin:               e.keys,
		Stdout:              (*screen)(e),
		Stderr:              (*screen)(e),
		FuncIsTerminal:      func() bool { return true },
		FuncMakeRaw:         func() error { return nil }, // raw from Open to Close
		FuncExitRaw:         func() error { return nil },
		FuncGetSize:         e.size,
		FuncOnWidthChanged:  func(f func()) { e.look = f },
		FuncFilterInputRune: e.keyBegins,
		Listener:            e.keyEnds,
		Painter:             func(line []rune, _ int) []rune { return e.signs.unfold(line) },
	}
	var err error
	if e.rl, err = readline.NewFromConfig(e.cfg); err != nil {
		signal.Stop(e.winch)
		return nil, err
	}
	if e.before, err = makeRaw(in); err != nil {
		signal.Stop(e.winch)
		e.rl.Close()
		return nil, err
	}
	go e.watch()
	go e.read()
	return e, nil
}

// read is the goroutine that reads the terminal. After Close it may stay in
// read(2) until the process ends, and swallow a key then: a blocked read of
// os.Stdin cannot be interrupted.
func (e *editor) read() {
	buf := make([]byte, 4096)
	for {
		n, err := e.in.Read(buf)
		if n > 0 {
			e.keys.feed(buf[:n])
			e.arrive()
		}
		if err != nil { // EIO: it hung up
			e.keys.end()
			e.arrive()
			return
		}
		select {
		case <-e.closed:
			return
		default:
		}
	}
}

// watch paints the line again when the size has changed, which docker attach
// sees to for everybody who attaches.
func (e *editor) watch() {
	opened := time.Now()
	settled := time.NewTimer(0)
	<-settled.C
	there, first := e.there, false
	var before [][]byte // the last lines when somebody came: what is written from then on they see
	settling := false
	begin := func() {
		if !settling {
			settling, before = true, slices.Clone(e.last)
		}
		settled.Reset(settleTime) // the screen may be arriving at its size in steps
	}
	for {
		select {
		case <-there:
			there, first = nil, true
			e.lock()
			begin()
			e.unlock()
		case <-e.winch:
			e.lock()
			e.look()
			begin()
			e.unlock()
			e.sizes.add(screenSize(e.tty))
			e.arrive()
		case <-settled.C:
			attached := e.sizes.settle()
			settling = false
			if e.container && (first || attached) {
				if first && time.Since(opened) < startTime {
					before = nil
				}
				e.welcome(before)
				first = false
			}
			e.lock()
			e.rl.Refresh()
			e.unlock()
		case <-e.closed:
			return
		}
	}
}

func (e *editor) readLine(ctx context.Context) (string, error) {
	select {
	case e.reading <- struct{}{}:
		defer func() { <-e.reading }()
	case <-e.closed:
		return "", ErrClosed
	case <-ctx.Done():
		return "", ctx.Err()
	}
	select {
	case <-e.there: // until then nothing is painted
	case <-e.closed:
		return "", ErrClosed
	case <-ctx.Done():
		return "", ctx.Err()
	}
	turn, err := e.keys.begin()
	if err != nil {
		return "", err
	}
	defer context.AfterFunc(ctx, func() { e.keys.cancel(turn) })()
	line, err := e.rl.ReadLine()
	e.afterLine()
	switch end := e.keys.finish(); end {
	case nil:
	case errCancelled:
		return "", ctx.Err()
	default:
		return "", end
	}
	switch err {
	case nil:
		return string(e.signs.unfold([]rune(line))), nil
	case io.EOF: // Ctrl-D
		return "", io.EOF
	default:
		return "", ErrInterrupt
	}
}

// keyBegins is called by rl with each key, and keyEnds after it, unless the key
// has ended the line: then ReadLine returns.
func (e *editor) keyBegins(key rune) (rune, bool) {
	e.lock()
	e.inKey = true
	over, cancelled := e.keys.notTyped()
	if over || cancelled {
		e.cfg.InterruptPrompt = ""
	}
	if cancelled { // its text is wiped, now its prompt, and the newline is not painted
		e.vanish = true
		e.rl.Write(nil)
	}
	e.joins = 0
	if !isStand(key) && !e.signs.joins(e.typed, key) {
		return key, true
	}
	e.joins = key
	return joining, true
}

// afterLine is called when rl has left a line: with Enter, or otherwise.
func (e *editor) afterLine() {
	if e.vanish {
		e.vanish = false
		e.cfg.InterruptPrompt = interruptPrompt
		e.rl.Write(nil) // the prompt is as it was, for the next line
	}
	e.unlockKey()
}

func (e *editor) keyEnds(line []rune, pos int, _ rune) ([]rune, int, bool) {
	if e.keys.isWiping() {
		e.keys.setLength(0)
		e.typed = e.typed[:0]
		e.unlockKey()
		return nil, 0, true
	}
	before, after := e.signs.unfold(line[:pos]), e.signs.unfold(line[pos:])
	if e.joins != 0 { // rl has put joining before the cursor
		before = append(slices.Clip(before), e.joins)
	}
	all := slices.Concat(before, after)
	all = all[:min(len(all), maxText)] // Ctrl-Y may have doubled it
	folded := e.signs.fold(all)
	changed := !slices.Equal(line, folded)
	if changed {
		line, pos = folded, e.signs.count(folded, len(before))
	}
	e.typed = append(e.typed[:0], line[:pos]...)
	e.keys.setLength(len(all))
	e.unlockKey()
	return line, pos, changed || e.joins != 0
}

func (e *editor) unlockKey() {
	if e.inKey {
		e.inKey = false
		e.unlock()
	}
}

// lock and unlock enclose all that paints: it reaches the screen in one piece.
func (e *editor) lock() {
	e.mu.Lock()
	e.out.Hold(true)
}

func (e *editor) unlock() {
	e.out.Hold(false)
	e.mu.Unlock()
}

// write is for the editor's own words.
func (e *editor) write(line []byte) {
	if ok, _ := e.out.Admit(line); ok {
		e.show(line)
	}
}

func (e *editor) show(line []byte) {
	e.lock()
	defer e.unlock()
	e.remember(line)
	e.paint(line)
}

// paint wipes the line being typed, writes, and paints it again. Called with mu held.
func (e *editor) paint(lines []byte) { e.rl.Write(wrap(lines, screenSize(e.tty).width)) }

// setPrompt changes the prompt between wiping the old line and painting the
// new one, each with the right width: an empty message is what happens there.
func (e *editor) setPrompt(s string) {
	e.lock()
	defer e.unlock()
	if s != e.prompt {
		e.prompt = s
		e.rl.Write(nil)
	}
}

// screen is where rl paints: the outlet, without the cursor query. Its Write is
// called with a lock of rl held, so that the prompt may be changed here.
type screen editor

func (s *screen) Write(p []byte) (int, error) {
	if string(p) == cursorQuery {
		s.keys.reply(cursorAnswer)
		return len(p), nil
	}
	if len(p) == 0 {
		s.cfg.Prompt = s.prompt
		if s.vanish {
			s.cfg.Prompt = ""
		}
		return 0, nil
	}
	if s.vanish {
		p = bytes.TrimPrefix(p, newline)
	}
	s.out.Put(p)
	return len(p), nil
}

func (e *editor) attached() <-chan struct{}   { return e.there }
func (e *editor) interrupts() <-chan struct{} { return e.keys.interrupts }

func (e *editor) close() error {
	signal.Stop(e.winch)
	close(e.closed)
	e.keys.close()
	e.in.SetReadDeadline(time.Unix(1, 0)) // ends the read where that can be done: not on os.Stdin
	select {
	case e.reading <- struct{}{}: // ReadLine has left its line, or there is none; there will be no other
	case <-time.After(leaveTime):
	}
	e.rl.Close()
	e.out.Close()
	if err := restore(e.in, e.before); !errors.Is(err, syscall.EIO) { // EIO: it hung up
		return err
	}
	return nil
}

// size is the size of the screen, or the classic one while it is unknown.
func (e *editor) size() (width, height int) {
	if s := screenSize(e.tty); s.known() {
		return s.width, s.height
	}
	return 80, 24
}
