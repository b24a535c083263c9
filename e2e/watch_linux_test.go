package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A window in which "make watch" runs is closed. The engine does not end what it runs in a container when its client is
// gone: the watcher notices by itself that its terminal answers no more.
func TestWindowCloses(t *testing.T) {
	t.Parallel()
	lab := newMaker(t, "window")
	lab.run(0, "up")
	window, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer window.Close()
	fd := int(window.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	watch := lab.command(context.Background(), "watch")
	watch.Stdin, watch.Stdout, watch.Stderr = tty, tty, tty
	watch.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	t.Cleanup(func() { watch.Process.Kill(); watch.Wait() })

	answered := make(chan bool, 100)
	shown := newOutput(t, "make watch", true)
	go func() { // a terminal: it shows, and answers when it is asked for its status
		defer shown.end()
		b := make([]byte, 4096)
		for {
			n, err := window.Read(b)
			if err != nil {
				return
			}
			shown.Write(b[:n])
			if strings.Contains(string(b[:n]), "\x1b[5n") {
				window.WriteString("\x1b[0n")
				answered <- true
			}
		}
	}()
	<-answered // from now on silence means something
	watchers := func() int {
		out, err := cli("top", lab.project+"-wire-hello-1", "-eo", "pid,args")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(out, "wire watch")
	}
	if n := watchers(); n != 1 {
		t.Fatalf("%d watchers while the window is open", n)
	}
	window.Close()
	for late := time.Now().Add(patience); watchers() != 0; time.Sleep(100 * time.Millisecond) { // there is no event for it
		if time.Now().After(late) {
			t.Fatal("the watcher is still there")
		}
	}
}
