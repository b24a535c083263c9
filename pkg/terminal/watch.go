package terminal

import (
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// watchPause is the least time between two greetings: a person may hold a key.
const watchPause = time.Second

// Watch is for a server that tells its story and asks nothing, in a container with a terminal. Who attaches sees
// greeting: where one is, and how to leave. Any key shows it again and does nothing else: Ctrl-C must not stop a
// server that others use. stop gives the terminal back.
//
// It does nothing unless this process is a container's first: in a shell Ctrl-C stops a server, as people expect.
func Watch(in, out *os.File, greeting string) (stop func()) {
	if os.Getpid() != 1 {
		return func() {}
	}
	return watch(in, out, greeting)
}

func watch(in, out *os.File, greeting string) (stop func()) {
	if in == nil || out == nil || !isTTY(in) || !isTTY(out) {
		return func() {}
	}
	before, err := makeRaw(in)
	if err != nil {
		return func() {}
	}
	attach := make(chan os.Signal, 2)
	signal.Notify(attach, syscall.SIGWINCH) // before the size is looked at: no change is missed
	if screenSize(out).known() {            // somebody is there already: see Attached
		attach <- syscall.SIGWINCH
	}
	key := make(chan struct{}, 1)
	go func() { // as in tty.go, it may stay in read(2) until the process ends
		for buf := make([]byte, 64); ; {
			if _, err := in.Read(buf); err != nil {
				return
			}
			select {
			case key <- struct{}{}:
			default:
			}
		}
	}()
	stopped, ended := make(chan struct{}), make(chan struct{})
	rest := func(d time.Duration) bool {
		select {
		case <-time.After(d):
			return true
		case <-stopped:
			return false
		}
	}
	go func() {
		defer close(ended)
		for {
			select {
			case <-attach:
			case <-key:
			case <-stopped:
				return
			}
			if !rest(settleTime) { // docker attach resizes twice
				return
			}
			for len(attach)+len(key) > 0 {
				select {
				case <-attach:
				case <-key:
				}
			}
			io.WriteString(out, greeting+"\n")
			if !rest(watchPause) {
				return
			}
		}
	}()
	return func() {
		signal.Stop(attach)
		close(stopped)
		select {
		case <-ended:
		case <-time.After(leaveTime): // the screen is blocked
		}
		restore(in, before)
	}
}
