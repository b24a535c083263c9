package main

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"netlab.example/pkg/labtest"
)

// newTTY is a desk with a terminal: Enter is \r.
func newTTY(t *testing.T) *desk {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		labtest.Lacks(t, "NETLAB_REQUIRE_ROOT", err) // a machine without ptys
	}
	t.Cleanup(func() { master.Close() })
	raw, err := master.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	var err1, err2, err3 error
	raw.Control(func(fd uintptr) {
		n, err1 = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		err2 = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0)
		err3 = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: 80, Row: 24})
	})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return &desk{t: t, in: tty, out: tty, keys: master, read: master, tty: true}
}
