package terminal

import (
	"os"

	"golang.org/x/sys/unix"
)

// isTTY reports whether f is a terminal.
func isTTY(f *os.File) bool {
	_, err := getTermios(f)
	return err == nil
}

// makeRaw turns off everything that the kernel does with keys: lines, echo,
// signals. What is written keeps its treatment (a line feed also returns the
// carriage), so that a panic's text stays readable.
func makeRaw(f *os.File) (before *unix.Termios, err error) {
	before, err = getTermios(f)
	if err != nil {
		return nil, os.NewSyscallError("tcgetattr", err)
	}
	raw := *before
	raw.Iflag &^= unix.BRKINT | unix.ICRNL | unix.IGNBRK | unix.IGNCR | unix.INLCR | unix.ISTRIP | unix.IXON | unix.PARMRK
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.IEXTEN | unix.ISIG
	raw.Cflag = raw.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	return before, restore(f, &raw)
}

func restore(f *os.File, t *unix.Termios) error {
	err := withFD(f, func(fd int) error { return unix.IoctlSetTermios(fd, ioctlSetTermios, t) })
	return os.NewSyscallError("tcsetattr", err)
}

func getTermios(f *os.File) (t *unix.Termios, err error) {
	err = withFD(f, func(fd int) error {
		t, err = unix.IoctlGetTermios(fd, ioctlGetTermios)
		return err
	})
	return t, err
}

// screenSize is what the kernel says of the size of a screen: 0x0 if nobody has told it.
func screenSize(f *os.File) (s size) {
	withFD(f, func(fd int) error {
		ws, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		if err == nil {
			s = size{int(ws.Col), int(ws.Row)}
		}
		return err
	})
	return s
}

// withFD calls do with f's descriptor. f.Fd() would do, but it makes the file's
// reads and writes blocking for good.
func withFD(f *os.File, do func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil {
		return err
	}
	return failed
}
