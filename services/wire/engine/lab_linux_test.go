package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/record"
)

// The tests of this package that touch the kernel run in a lab of two network namespaces:
//
//	client  10.77.0.1, fd77::1  eth0 -------- eth0  10.77.0.2, fd77::2  server, and a wire beside it
//
// Sockets are opened by this process, in one namespace or the other. The wire is this test binary once
// more, started in the server's namespace as a process of its own, so that it can be killed.

const (
	server4, server6 = "10.77.0.2", "fd77::2"
	childVariable    = "WIRE_TEST_CHILD"
	startVariable    = "WIRE_TEST_START"
)

func TestMain(m *testing.M) {
	if service := os.Getenv(childVariable); service != "" {
		os.Exit(runChild(service))
	}
	os.Exit(m.Run())
}

// line is what a child prints: a record, or an answer to what it was told.
type line struct {
	Record *wire.Record `json:",omitempty"`
	Change *wire.Change `json:",omitempty"`
	Status *wire.Status `json:",omitempty"`
	Faults []wire.Fault `json:",omitempty"`
	Error  string       `json:",omitempty"`
}

// runChild runs a wire until it gets SIGTERM. It obeys lines on its standard input and prints each record.
func runChild(service string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s, err := wire.ParseService(service)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	start, err := wire.ParseScenario(os.Getenv(startVariable))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	keep := 100_000
	e := New(Options{Service: s, Interface: "eth0", Queue: 10, Keep: 1 << 16, Start: start, Memory: record.NewLog(keep, 64<<20), Log: zap.NewNop()})
	out := make(chan line)
	say := func(l line) {
		select {
		case out <- l:
		case <-ctx.Done():
		}
	}
	go func() {
		for enc := json.NewEncoder(os.Stdout); ; {
			enc.Encode(<-out)
		}
	}()
	go func() {
		<-e.Ready()
		st := e.Status()
		say(line{Status: &st})
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			switch text := in.Text(); {
			case text == "status":
				st := e.Status()
				say(line{Status: &st})
			case text == "reset":
				if err := e.Reset("test"); err != nil {
					say(line{Error: err.Error()})
				} else {
					say(line{Faults: e.Link.Faults()})
				}
			case text == "faults":
				say(line{Faults: e.Link.Faults()})
			default:
				sc, err := wire.ParseScenario(text)
				if err == nil {
					_, err = e.Do(sc, "test")
				}
				if err != nil {
					say(line{Error: err.Error()})
				} else {
					say(line{Faults: e.Link.Faults()})
				}
			}
		}
	}()
	go func() {
		for p := (record.Place{}); ; {
			events, next, err := e.Log.Follow(ctx, p, 1000)
			if err != nil {
				return
			}
			for _, x := range events {
				switch {
				case x.Record != nil:
					say(line{Record: x.Record})
				case x.Change != nil:
					say(line{Change: x.Change})
				default:
					say(line{Error: fmt.Sprint("missed ", x.Missed)})
				}
			}
			p = next
		}
	}()
	lock, err := Alone()
	if err == nil {
		defer lock.Close()
		err = e.Run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// lab is the two namespaces.
type lab struct {
	t              *testing.T
	client, server string
}

func newLab(t *testing.T) *lab {
	t.Helper()
	if os.Getuid() != 0 {
		labtest.Lacks(t, "NETLAB_REQUIRE_ROOT", "needs root: network namespaces and a packet queue")
	}
	name := fmt.Sprintf("wire-%d-%d", os.Getpid(), time.Now().UnixNano()%1e6)
	l := &lab{t, name + "-c", name + "-s"}
	for _, ns := range []string{l.client, l.server} {
		l.ip("netns add " + ns)
		t.Cleanup(func() { exec.Command("ip", "netns", "del", ns).Run() })
		l.ip("-n " + ns + " link set lo up")
	}
	l.connect()
	return l
}

// connect puts the cable between the two.
func (l *lab) connect() {
	l.t.Helper()
	l.ip("link add eth0 netns " + l.server + " type veth peer name eth0 netns " + l.client)
	for ns, n := range map[string]string{l.client: "1", l.server: "2"} {
		l.ip("-n " + ns + " addr add 10.77.0." + n + "/24 dev eth0")
		l.ip("-n " + ns + " addr add fd77::" + n + "/64 dev eth0 nodad")
		l.ip("-n " + ns + " link set eth0 up")
	}
}

func (l *lab) ip(args string) {
	l.t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		l.t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

// in runs f with the calling thread in a namespace: sockets that f opens belong there for good.
func (l *lab) in(ns string, f func()) {
	l.t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		fd, err := unix.Open("/var/run/netns/"+ns, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Setns(fd, unix.CLONE_NEWNET)
			unix.Close(fd)
		}
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) listen(network, addr string) net.Listener {
	l.t.Helper()
	var ln net.Listener
	var err error
	l.in(l.server, func() { ln, err = net.Listen(network, addr) })
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { ln.Close() })
	return ln
}

func (l *lab) listenPacket(addr string) net.PacketConn {
	l.t.Helper()
	var pc net.PacketConn
	var err error
	l.in(l.server, func() { pc, err = net.ListenPacket("udp", addr) })
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { pc.Close() })
	return pc
}

func (l *lab) dial(network, addr string) net.Conn {
	l.t.Helper()
	var conn net.Conn
	var err error
	l.in(l.client, func() { conn, err = net.DialTimeout(network, addr, 20*time.Second) })
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	return conn
}

// child is a running wire.
type child struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.Writer
	stderr *strings.Builder
	lines  chan line
	past   []*wire.Record // what next and until have read so far
	last   int            // ID of the latest of them
	status wire.Status    // at its start

	changes []wire.Change // as past
}

// start starts a wire and waits until it takes packets. A prefix runs it by another program: setpriv.
func (l *lab) start(service string, prefix ...string) *child {
	l.t.Helper()
	w := l.launch(service, prefix...)
	w.status = *w.await("its first status", func(l line) bool { return l.Status != nil }).Status
	return w
}

func (l *lab) launch(service string, prefix ...string) *child {
	l.t.Helper()
	args := append([]string{"netns", "exec", l.server}, append(prefix, os.Args[0])...)
	w := &child{t: l.t, cmd: exec.Command("ip", args...), stderr: new(strings.Builder), lines: make(chan line, 1000)}
	w.cmd.Env = append(os.Environ(), childVariable+"="+service)
	w.cmd.Stderr = w.stderr
	in, err := w.cmd.StdinPipe()
	if err != nil {
		l.t.Fatal(err)
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		l.t.Fatal(err)
	}
	w.stdin = in
	if err := w.cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	go func() {
		defer close(w.lines)
		for dec := json.NewDecoder(out); ; {
			var l line
			if dec.Decode(&l) != nil {
				return
			}
			w.lines <- l
		}
	}()
	l.t.Cleanup(func() {
		w.cmd.Process.Kill()
		go func() {
			for range w.lines {
			}
		}()
		w.cmd.Wait()
	})
	return w
}

// await reads lines until one is what is waited for. Records are kept in past.
func (w *child) await(what string, is func(line) bool) line {
	w.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case l, ok := <-w.lines:
			if !ok {
				w.t.Fatalf("wire ended while waiting for %s; it said: %s\n%s", what, w.stderr, w.story())
			}
			if l.Record != nil {
				w.past, w.last = append(w.past, l.Record), l.Record.ID
			}
			if l.Change != nil {
				w.changes = append(w.changes, *l.Change)
			}
			if is(l) {
				return l
			}
		case <-timeout:
			w.t.Fatalf("timeout while waiting for %s\n%s", what, w.story())
		}
	}
}

// tell gives wire a line and waits until it is in force.
func (w *child) tell(format string, args ...any) []wire.Fault {
	w.t.Helper()
	text := fmt.Sprintf(format, args...)
	fmt.Fprintln(w.stdin, text)
	l := w.await("an answer to "+text, func(l line) bool { return l.Record == nil && l.Status == nil && l.Change == nil })
	if l.Error != "" {
		w.t.Fatalf("%s: %s", text, l.Error)
	}
	return l.Faults
}

// askStatus asks for the status, and waits until all records that it counts have been read.
func (w *child) askStatus() wire.Status {
	w.t.Helper()
	fmt.Fprintln(w.stdin, "status")
	s := *w.await("status", func(l line) bool { return l.Status != nil }).Status
	for w.last < s.Memory.Last {
		w.until("the last record", func(*wire.Record) bool { return true })
	}
	return s
}

// until reads records until one fits, and returns it.
func (w *child) until(what string, fits func(*wire.Record) bool) *wire.Record {
	w.t.Helper()
	return w.await(what, func(l line) bool { return l.Record != nil && fits(l.Record) }).Record
}

// ends is the last packet of a connection.
func ends(r *wire.Record) bool { return r.Ends }

// exit waits for the end of the process and returns its exit code.
func (w *child) exit() int {
	w.t.Helper()
	defer time.AfterFunc(20*time.Second, func() { w.cmd.Process.Kill() }).Stop()
	for l := range w.lines {
		if l.Record != nil {
			w.past = append(w.past, l.Record)
		}
	}
	w.cmd.Wait()
	return w.cmd.ProcessState.ExitCode()
}

// story is the ladder so far, one line for each packet: for a failed test to show, and for others to compare.
func (w *child) story() string {
	var b strings.Builder
	for _, r := range w.past {
		b.WriteString(tell(r) + "\n")
	}
	return b.String()
}

func tell(r *wire.Record) string {
	s := fmt.Sprintf("%3d %-3s c%d %s #%d.%d %s", r.ID, r.Dir, r.Conn, r.Class, r.Ordinal, r.Attempt, r.Label.Kind)
	if r.Packet.TCP != nil {
		s += fmt.Sprintf(" [%s] seq %d ack %d", r.Packet.TCP.Flags, r.Seq, r.Ack)
	}
	return s + fmt.Sprintf(" len %d %s (%s)", r.Packet.Data.Len, r.Fate.What, r.Fate.Cause)
}
