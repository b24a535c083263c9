//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A lab is two network namespaces:
//
//	client  10.79.0.1  eth0 -------- eth0  10.79.0.2  server, and a wire beside it
//
// Sockets are opened by this process, in one or the other. Wire is a process of its own.
type lab struct {
	ctx            context.Context
	client, server string
	dir, wire      string // for what is built, and the program
	self           string // this program
}

const address = "10.79.0.2"

func newLab(ctx context.Context) (l *lab, err error) {
	if os.Getuid() != 0 {
		return nil, errors.New("network namespaces and packet queues are root's: sudo make bench-wire")
	}
	name := fmt.Sprintf("wire-bench-%d", os.Getpid())
	l = &lab{ctx: ctx, client: name + "-c", server: name + "-s"}
	if l.dir, err = os.MkdirTemp("", "wire-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.self, err = os.Executable(); err != nil {
		return nil, err
	}
	l.wire = filepath.Join(l.dir, "wire")
	if out, err := exec.CommandContext(ctx, "go", "build", "-C", "../services/wire", "-trimpath", "-o", l.wire, ".").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w: %s", err, out)
	}
	for _, args := range []string{
		"netns add " + l.client, "netns add " + l.server,
		"link add eth0 netns " + l.server + " type veth peer name eth0 netns " + l.client,
		"-n " + l.client + " addr add 10.79.0.1/24 dev eth0", "-n " + l.client + " link set eth0 up",
		"-n " + l.server + " addr add " + address + "/24 dev eth0", "-n " + l.server + " link set eth0 up",
		"-n " + l.server + " link set lo up", // where copies on the way in arrive
	} {
		if out, err := exec.CommandContext(ctx, "ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ip %s: %w: %s", args, err, out)
		}
	}
	return l, nil
}

func (l *lab) close() {
	for _, ns := range []string{l.client, l.server} {
		exec.Command("ip", "netns", "del", ns).Run()
	}
	os.RemoveAll(l.dir)
}

// in opens a socket in a namespace.
func in[T any](ns string, open func() (T, error)) (v T, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		var fd int
		if fd, err = unix.Open("/var/run/netns/"+ns, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return
		}
		defer unix.Close(fd)
		if err = unix.Setns(fd, unix.CLONE_NEWNET); err == nil {
			v, err = open()
		}
	}()
	<-done
	return v, err
}

// udp is a socket for datagrams at either end, with room for many.
func (l *lab) udp() (client, server *net.UDPConn, err error) {
	pc, err := in(l.server, func() (net.PacketConn, error) { return net.ListenPacket("udp4", address+":1314") })
	if err != nil {
		return nil, nil, err
	}
	server = pc.(*net.UDPConn)
	conn, err := in(l.client, func() (net.Conn, error) { return net.Dial("udp4", address+":1314") })
	if err != nil {
		server.Close()
		return nil, nil, err
	}
	client = conn.(*net.UDPConn)
	for _, c := range []*net.UDPConn{client, server} {
		if err := set(c, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 32<<20) }); err != nil {
			return nil, nil, err
		}
	}
	return client, server, nil
}

// tcp is a connection, and its other end.
func (l *lab) tcp() (client, server net.Conn, err error) {
	ln, err := in(l.server, func() (net.Listener, error) { return net.Listen("tcp4", address+":8080") })
	if err != nil {
		return nil, nil, err
	}
	defer ln.Close()
	if client, err = l.dial(); err != nil {
		return nil, nil, err
	}
	server, err = ln.Accept()
	return client, server, err
}

func (l *lab) dial() (net.Conn, error) {
	return in(l.client, func() (net.Conn, error) { return net.DialTimeout("tcp4", address+":8080", 5*time.Second) })
}

// echo is a server in a process of its own. It ends with its only connection.
func echo() error {
	ln, err := net.Listen("tcp4", address+":8080")
	if err != nil {
		return err
	}
	fmt.Println("listening")
	conn, err := ln.Accept()
	if err != nil {
		return err
	}
	for buf := make([]byte, 1000); ; {
		n, err := conn.Read(buf)
		if err != nil {
			return nil
		}
		conn.Write(buf[:n])
	}
}

// set sets an option of a socket.
func set(conn syscall.Conn, option func(fd int) error) error {
	raw, err := conn.SyscallConn()
	if err == nil {
		raw.Control(func(fd uintptr) { err = option(int(fd)) })
	}
	return err
}

// A process is a program in the server's namespace.
type process struct {
	cmd  *exec.Cmd
	errs bytes.Buffer
	api  *http.Client
}

func (l *lab) run(env []string, stdout io.Writer, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(l.ctx, "ip", append([]string{"netns", "exec", l.server}, args...)...)}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = append(os.Environ(), env...), stdout, &p.errs
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	return p, p.cmd.Start()
}

func (p *process) stop() error {
	p.cmd.Process.Signal(syscall.SIGTERM)
	return p.cmd.Wait()
}

// watch starts a wire beside the server and waits until it takes packets.
func (l *lab) watch(service string) (*process, error) {
	socket := filepath.Join(l.dir, "api.sock")
	p, err := l.run([]string{"WIRE_SERVICE=" + service, "WIRE_API=unix://" + socket, "WIRE_OPS="}, nil, l.wire, "serve")
	if err != nil {
		return nil, err
	}
	p.api = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		s, err := p.status()
		if err == nil && !s.Impairs {
			err = errors.New("no packet queue here")
		} else if err != nil && time.Now().Before(end) {
			continue
		}
		if err != nil {
			p.stop()
			return nil, fmt.Errorf("wire: %w: %s", err, p.errs.String())
		}
		return p, nil
	}
}

// ask asks wire's API.
func (p *process) ask(method, path, body string, answer any) error {
	r, err := http.NewRequest(method, "http://wire"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Netlab-Wire", "1")
	resp, err := p.api.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%s %s: %s", method, path, text)
	}
	return json.NewDecoder(resp.Body).Decode(answer)
}

type status struct {
	Mechanism string `json:"mechanism"`
	Impairs   bool   `json:"impairs"`
	Unseen    int    `json:"unseen"`
	Refused   int    `json:"refused"`
	Memory    struct{ Last, Forgotten, Bytes int }
}

func (p *process) status() (s status, err error) { return s, p.ask("GET", "/status", "", &s) }

// link sets the link to what a line says, and nothing else.
func (p *process) link(line string) error { return p.ask("PATCH", "/link", "clear "+line, new(any)) }

// counter is by how much one of the kernel's counters has grown since wire began.
func (p *process) counter(name string) (int, error) {
	var all struct {
		Counters []struct {
			Name  string
			Delta int
		}
	}
	if err := p.ask("GET", "/counters", "", &all); err != nil {
		return 0, err
	}
	for _, c := range all.Counters {
		if c.Name == name {
			return c.Delta, nil
		}
	}
	return 0, nil
}

// peak is the most memory that the process has had, in MiB.
func (p *process) peak() int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	_, kib, _ := strings.Cut(string(text), "VmHWM:")
	fields := strings.Fields(kib)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(fields[0])
	return n >> 10
}

// busy is the processor time that the process has used, in the program and in the kernel.
func (p *process) busy() (user, system time.Duration) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, 0
	}
	u, _ := strconv.Atoi(fields[11])
	s, _ := strconv.Atoi(fields[12])
	const tick = 10 * time.Millisecond // the kernel counts in hundredths for programs
	return time.Duration(u) * tick, time.Duration(s) * tick
}
