//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	startWait = 10 * time.Second
	stopWait  = 3 * time.Second
	tick      = time.Second / 100 // USER_HZ, the unit of /proc/PID/stat
)

// A program is how to start a server on a port of 127.0.0.1. In args, env and conf, PORT stands for the
// port and DIR for a folder of its own, where conf is written to the file of that name.
type program struct {
	name   string
	needs  string // the tool that must be installed; "": none
	args   []string
	env    []string
	conf   string
	udp    bool
	nobody bool // it refuses to be root
}

// A server is a program that runs. It and what it starts are one process group.
type server struct {
	program
	addr netip.AddrPort
	cmd  *exec.Cmd
	done chan struct{}
	told *bytes.Buffer
	took time.Duration // from the start to the open port
}

// start starts p and waits until it answers.
func (p program) start(ctx context.Context, dir string) (*server, error) {
	dir, err := os.MkdirTemp(dir, "")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	port, err := freePort(p.udp)
	if err != nil {
		return nil, err
	}
	fill := strings.NewReplacer("PORT", strconv.Itoa(port), "DIR", dir).Replace
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte(fill(p.conf)), 0o644); err != nil {
		return nil, err
	}
	s := &server{
		program: p, addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port)),
		done: make(chan struct{}), told: new(bytes.Buffer),
	}
	s.cmd = exec.Command(p.args[0])
	for _, a := range p.args[1:] {
		s.cmd.Args = append(s.cmd.Args, fill(a))
	}
	s.cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	for _, e := range p.env {
		s.cmd.Env = append(s.cmd.Env, fill(e))
	}
	s.cmd.Dir = dir
	s.cmd.Stderr = s.told // nothing here says much
	s.cmd.WaitDelay = time.Second
	// SIGTERM, not SIGKILL: a server with processes of its own ends those too. main keeps its thread.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if p.nobody && os.Getuid() == 0 {
		s.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	go func() { s.cmd.Wait(); close(s.done) }()
	if err := s.ready(ctx); err != nil {
		s.stop()
		return nil, fmt.Errorf("%s: %w: %s", p.name, err, bytes.TrimSpace(s.told.Bytes()))
	}
	s.took = time.Since(began)
	return s, nil
}

// ready waits until the port is open: until then nobody can be refused, and from then on nobody is.
func (s *server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	for !s.isOpen() {
		select {
		case <-s.done:
			return errors.New("it ended")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Microsecond):
		}
	}
	return nil
}

// isOpen looks the port up in proc(5)'s list of sockets. To connect instead would be to be the first client:
// ncat does not survive one that leaves at once.
func (s *server) isOpen() bool {
	table, state := "/proc/net/tcp", "0A" // listening; those come first
	if s.udp {
		table, state = "/proc/net/udp", "07" // bound and not connected
	}
	f, err := os.Open(table)
	if err != nil {
		return false
	}
	defer f.Close()
	b := make([]byte, 16<<10)
	n, _ := f.Read(b)
	return strings.Contains(string(b[:n]), fmt.Sprintf(":%04X 00000000:0000 %s", s.addr.Port(), state))
}

// stop ends the whole group: kindly, and then not.
func (s *server) stop() {
	syscall.Kill(-s.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(stopWait):
	}
	syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // who is left of it
	<-s.done
}

func freePort(udp bool) (int, error) {
	if udp {
		c, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		defer c.Close()
		return c.LocalAddr().(*net.UDPAddr).Port, nil
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}

// processorTime is what the group has used so far. What an ended process used is not in it: ours do not end.
func (s *server) processorTime() time.Duration {
	var sum time.Duration
	for _, p := range s.group() {
		user, _ := strconv.Atoi(p.stat[11]) // utime and stime: fields 14 and 15 of proc(5)
		system, _ := strconv.Atoi(p.stat[12])
		sum += time.Duration(user+system) * tick
	}
	return sum
}

// memory is what the group keeps in memory, in bytes. A page that processes share counts once.
func (s *server) memory() int {
	sum := 0
	for _, p := range s.group() {
		b, _ := os.ReadFile(filepath.Join("/proc", p.pid, "smaps_rollup"))
		for line := range strings.Lines(string(b)) {
			if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
				kb, _ := strconv.Atoi(strings.Fields(rest)[0])
				sum += kb << 10
			}
		}
	}
	return sum
}

type process struct {
	pid  string
	stat []string // behind the name, which may hold anything: from field 3 on
}

func (s *server) group() []process {
	var group []process
	names, _ := fs.Glob(os.DirFS("/proc"), "[0-9]*")
	for _, pid := range names {
		b, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
		if err != nil {
			continue // it has ended
		}
		stat := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(stat) > 12 && stat[2] == strconv.Itoa(s.cmd.Process.Pid) {
			group = append(group, process{pid, stat})
		}
	}
	return group
}
