//go:build unix

package referee

import (
	"os"
	"os/exec"
	"syscall"

	"github.com/creack/pty"
)

// A Program is a server that the referee runs on a terminal of its own, to be the operator there.
type Program struct {
	Screen
	line string
	cmd  *exec.Cmd
	term *os.File
	done chan struct{} // closed when the program has ended
}

// RunProgram starts a server. Its terminal is wide, so that no message is broken into two lines.
func RunProgram(line string) (*Program, error) {
	p := &Program{line: line}
	return p, p.start()
}

func (p *Program) start() (err error) {
	p.cmd = command(p.line)
	if p.term, err = pty.StartWithSize(p.cmd, &pty.Winsize{Rows: 50, Cols: 2000}); err != nil {
		return err
	}
	p.Attach(p.term)
	cmd, done := p.cmd, make(chan struct{})
	p.done = done
	go func() {
		cmd.Wait()
		close(done)
	}()
	return nil
}

func (p *Program) Runs() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Again ends the program, if it still runs, and starts it once more.
func (p *Program) Again() error {
	p.Close()
	return p.start()
}

// Close ends the program and what it has started: pty makes it the leader of a session, and so of a process group.
func (p *Program) Close() error {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
	return p.term.Close()
}
