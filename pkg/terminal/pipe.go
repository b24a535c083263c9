package terminal

import (
	"bufio"
	"context"
	"io"
	"os"
	"sync"
	"time"

	"netlab.example/pkg/outlet"
	"netlab.example/pkg/text"
)

const maxLine = 64 << 10

// pipe reads plain lines, and shows prompts as lines of their own.
type pipe struct {
	in     *os.File
	out    *outlet.Outlet
	lines  chan result // closed after the end of the input
	closed chan struct{}

	reading sync.Mutex // one ReadLine at a time
	ended   bool       // and it has seen the end

	mu     sync.Mutex
	prompt string
}

type result struct {
	line string
	err  error
}

// present is what Attached is where somebody always is.
var present = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func newPipe(in *os.File, out *outlet.Outlet, prompt string) *pipe {
	p := &pipe{
		in:     in,
		out:    out,
		lines:  make(chan result),
		closed: make(chan struct{}),
		prompt: text.Escape(prompt),
	}
	go p.read()
	return p
}

// read is the goroutine that reads. After Close it may stay in read(2) until
// the process ends: a blocked read of os.Stdin cannot be interrupted.
func (p *pipe) read() {
	defer close(p.lines)
	in := bufio.NewReaderSize(p.in, maxLine+2) // room for \r\n
	for {
		line, err := readLine(in)
		if err == io.EOF {
			return
		}
		select {
		case p.lines <- result{line, err}:
		case <-p.closed:
			return
		}
		if err != nil && err != ErrTooLong {
			return
		}
	}
}

// readLine returns the next line, or ErrTooLong when it has skipped one.
func readLine(in *bufio.Reader) (string, error) {
	line, more, err := in.ReadLine()
	if !more && len(line) <= maxLine {
		return string(line), err
	}
	for more && err == nil {
		_, more, err = in.ReadLine()
	}
	return "", ErrTooLong // an error of the last read comes again
}

func (p *pipe) readLine(ctx context.Context) (string, error) {
	p.reading.Lock()
	defer p.reading.Unlock()
	select {
	case <-p.closed:
		return "", ErrClosed
	default:
	}
	if p.ended {
		return "", io.EOF // without another prompt
	}
	p.showPrompt()
	select {
	case r, ok := <-p.lines:
		if !ok {
			select {
			case <-p.closed: // Close has ended the input
				return "", ErrClosed
			default:
			}
			p.ended = true
			return "", io.EOF
		}
		return r.line, r.err
	case <-p.closed:
		return "", ErrClosed
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// showPrompt prints the prompt as a line: there is no half line on a pipe.
func (p *pipe) showPrompt() {
	p.mu.Lock()
	prompt := p.prompt
	p.mu.Unlock()
	if prompt == "" {
		return
	}
	line := []byte(prompt + "\n")
	if ok, _ := p.out.Admit(line); ok {
		p.show(line)
	}
}

func (p *pipe) setPrompt(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prompt = s
}

func (p *pipe) show(line []byte)            { p.out.Put(line) }
func (p *pipe) attached() <-chan struct{}   { return present }
func (p *pipe) interrupts() <-chan struct{} { return nil }

func (p *pipe) close() error {
	close(p.closed)
	p.in.SetReadDeadline(time.Unix(1, 0)) // ends the read if that can be done: not on os.Stdin
	p.out.Close()
	return nil
}
