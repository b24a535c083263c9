package terminal

import (
	"errors"
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
	joins  rune     // the key that rl deals with now, if rl has joining in its place
	last   [][]byte // lines that were written, for a person who attaches

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

func (e *editor) attached() <-chan struct{}   { return e.there }
func (e *editor) interrupts() <-chan struct{} { return e.keys.interrupts }

func (e *editor) close() error {
	signal.Stop(e.winch)
	close(e.closed)
	e.keys.close()
	e.in.SetReadDeadline(time.Unix(1, 0)) // ends the read if that can be done: not on os.Stdin
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
