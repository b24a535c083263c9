package trace_test

import (
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/packet"
	"netlab.example/pkg/wire/trace"
)

// These tests let two real TCPs talk, through a wire of a few lines:
//
//	client  10.77.1.1  tun0 -------- wire, in this process -------- tun0  10.77.1.2  server
//
// Each end is a network namespace of its own, so the kernel's counters are those of one TCP: they say
// what it really did.

const serverAddress = "10.77.1.2:8080"

// host is one of the two namespaces. Its thread lives there.
type host struct {
	t   *testing.T
	tun *os.File
	run chan func()
}

func newHost(t *testing.T, address string) *host {
	h := &host{t: t, run: make(chan func())}
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine, and takes the namespace with it
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			h.tun, err = openTun()
		}
		failed <- err
		for f := range h.run {
			f()
		}
	}()
	if err := <-failed; err != nil {
		close(h.run)
		labtest.Lacks(t, "NETLAB_REQUIRE_ROOT", fmt.Sprint("no namespaces or no tun here: ", err))
	}
	t.Cleanup(func() { h.tun.Close(); close(h.run) })
	h.command("ip", "addr", "add", address+"/24", "dev", "tun0")
	h.command("ip", "link", "set", "tun0", "up")
	h.command("ip", "link", "set", "lo", "up")
	h.set("ipv4.tcp_congestion_control", "reno")
	return h
}

func openTun() (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ifr, err := unix.NewIfreq("tun0")
	if err != nil {
		return nil, err
	}
	ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "tun0"), nil
}

// in runs f on the host's thread and waits for it. Sockets that f opens are the host's.
func (h *host) in(f func()) {
	done := make(chan struct{})
	h.run <- func() { defer close(done); f() }
	<-done
}

func (h *host) command(name string, args ...string) {
	h.in(func() {
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			h.t.Errorf("%s %s: %v: %s", name, args, err, out)
		}
	})
}

func (h *host) set(sysctl, value string) {
	h.in(func() {
		path := "/proc/sys/net/" + strings.Replace(sysctl, ".", "/", 1)
		if err := os.WriteFile(path, []byte(value), 0); err != nil {
			h.t.Errorf("%s: %v", sysctl, err)
		}
	})
}

// counter reads what the host's TCP has counted.
func (h *host) counter(name string) (n int) {
	h.in(func() {
		for _, file := range []string{"snmp", "netstat"} {
			text, err := os.ReadFile("/proc/thread-self/net/" + file)
			if err != nil {
				h.t.Error(err)
			}
			lines := strings.Split(string(text), "\n")
			for i := 0; i+1 < len(lines); i += 2 {
				if at := slices.Index(strings.Fields(lines[i]), name); at > 0 && strings.HasPrefix(lines[i], "Tcp") {
					fmt.Sscan(strings.Fields(lines[i+1])[at], &n)
					return
				}
			}
		}
		h.t.Errorf("no counter %s", name)
	})
	return n
}

// tap is the two hosts with a tracker between them.
type tap struct {
	t              *testing.T
	client, server *host
	tracker        *trace.Tracker

	mu      sync.Mutex
	records []*wire.Record
	changed chan struct{}
	impair  func(*wire.Record)      // sets a fate other than delivered
	copies  func(*wire.Record) bool // what the network in front of wire copies
	swap    int                     // the packet that it lets the next one of the client overtake
	kept    []byte
	later   map[wire.Direction]chan parcel // what is delayed; the delay is the same for all of a direction
}

type parcel struct {
	due time.Time
	raw []byte
}

func newWire(t *testing.T, impair func(*wire.Record)) *tap {
	t.Helper()
	if testing.Short() {
		t.Skip("short")
	}
	w := &tap{t: t, tracker: trace.New(), changed: make(chan struct{}), impair: impair,
		later: map[wire.Direction]chan parcel{wire.In: make(chan parcel, 4096), wire.Out: make(chan parcel, 4096)}}
	w.client, w.server = newHost(t, "10.77.1.1"), newHost(t, "10.77.1.2")
	type item struct {
		dir wire.Direction
		raw []byte
	}
	queue := make(chan item, 1024)
	var readers sync.WaitGroup
	for dir, h := range map[wire.Direction]*host{wire.In: w.client, wire.Out: w.server} {
		readers.Go(func() {
			for buffer := make([]byte, 1<<16); ; {
				n, err := h.tun.Read(buffer)
				if err != nil {
					return // closed
				}
				queue <- item{dir, slices.Clone(buffer[:n])}
			}
		})
	}
	go func() { readers.Wait(); close(queue) }()
	var running sync.WaitGroup
	for dir, parcels := range w.later {
		running.Go(func() {
			for p := range parcels {
				time.Sleep(time.Until(p.due))
				w.to(dir).Write(p.raw)
			}
		})
	}
	running.Go(func() {
		for i := range queue {
			for _, raw := range w.arrange(i.dir, i.raw) {
				for w.pass(i.dir, raw) {
				}
			}
		}
		close(w.later[wire.In])
		close(w.later[wire.Out])
	})
	t.Cleanup(func() {
		w.client.tun.Close()
		w.server.tun.Close()
		running.Wait()
	})
	return w
}

// arrange is the network in front of wire: it lets one packet overtake another.
func (w *tap) arrange(dir wire.Direction, raw []byte) [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	if dir == wire.In && len(w.records)+1 == w.swap && w.kept == nil {
		w.kept = raw
		return nil
	}
	if kept := w.kept; dir == wire.In && len(kept) > 0 {
		w.kept = []byte{}
		return [][]byte{raw, kept}
	}
	return [][]byte{raw}
}

// copyOnce has the network copy the client's first packet of each class.
func (w *tap) copyOnce(classes ...wire.Class) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.copies = func(r *wire.Record) bool {
		return r.Dir == wire.In && slices.Contains(classes, r.Class) && r.Attempt == 0
	}
}

// pass does what the engine does with a packet. It returns whether the packet comes once more, copied
// by the network in front of wire.
func (w *tap) pass(dir wire.Direction, raw []byte) (again bool) {
	w.mu.Lock()
	r := &wire.Record{ID: len(w.records) + 1, Time: time.Now(), Dir: dir, Packet: packet.Decode(raw), Raw: raw}
	if r.Packet.TCP == nil && r.Packet.ICMP == nil && r.Packet.Proto != wire.ProtoUDP || r.Packet.Version != 4 {
		w.mu.Unlock()
		return false // IPv6's neighbour discovery and the like
	}
	w.tracker.Identify(r)
	r.Fate.What = wire.Delivered
	if w.impair != nil {
		w.impair(r)
	}
	w.tracker.Label(r)
	w.records = append(w.records, r)
	close(w.changed)
	w.changed = make(chan struct{})
	again = w.copies != nil && w.copies(r)
	w.mu.Unlock()
	if r.Fate.What == wire.Dropped {
		return again
	}
	for range 1 + r.Fate.Copies {
		if r.Fate.Delay > 0 {
			w.later[dir] <- parcel{r.Time.Add(r.Fate.Delay), r.Sent()}
		} else {
			w.to(dir).Write(r.Sent())
		}
	}
	return again
}

// to is where packets of a direction go.
func (w *tap) to(dir wire.Direction) *os.File {
	if dir == wire.In {
		return w.server.tun
	}
	return w.client.tun
}

// wait waits for a record that is as wanted, and returns all records.
func (w *tap) wait(what string, wanted func(*wire.Record) bool) []*wire.Record {
	w.t.Helper()
	limit := time.After(30 * time.Second)
	for seen := 0; ; {
		w.mu.Lock()
		all, changed := slices.Clone(w.records), w.changed
		w.mu.Unlock()
		for ; seen < len(all); seen++ {
			if wanted(all[seen]) {
				return all
			}
		}
		select {
		case <-changed:
		case <-limit:
			w.t.Fatalf("no %s among %s", what, list(all))
		}
	}
}

func list(all []*wire.Record) string {
	var b strings.Builder
	for _, r := range all[:min(len(all), 400)] {
		fate := ""
		if r.Fate.What != wire.Delivered {
			fate = strings.ToUpper(string(r.Fate.What))
		}
		fmt.Fprintf(&b, "\n#%-3d %12s %-3s %-12s seq %d ack %d len %d %s: %s", r.ID, r.Time.Sub(all[0].Time), r.Dir, flags(r), r.Seq, r.Ack, r.Packet.Data.Len, fate, words(r))
	}
	return b.String()
}

func flags(r *wire.Record) string {
	if r.Packet.TCP == nil {
		return string(r.Packet.Proto)
	}
	return r.Packet.TCP.Flags.String()
}

// connect returns the two ends of a connection.
func (w *tap) connect() (client, server *net.TCPConn) {
	w.t.Helper()
	var l net.Listener
	var err error
	w.server.in(func() { l, err = net.Listen("tcp4", serverAddress) })
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	var c net.Conn
	w.client.in(func() {
		c, err = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: -1}).Dial("tcp4", serverAddress)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	client, server = c.(*net.TCPConn), (<-accepted).(*net.TCPConn)
	server.SetKeepAlive(false)
	w.t.Cleanup(func() { client.Close(); server.Close() })
	for _, c := range []net.Conn{client, server} {
		c.SetDeadline(time.Now().Add(60 * time.Second))
	}
	return client, server
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Error(err)
	}
}

func expect(t *testing.T, c net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Errorf("got %q, %v; want %q", got, err, text)
	}
}

// drop drops transmissions of one packet: data #2 to the client, say, the first n times.
func drop(dir wire.Direction, class wire.Class, ordinal, times int) func(*wire.Record) {
	return func(r *wire.Record) {
		if r.Dir == dir && r.Class == class && r.Ordinal == ordinal && r.Attempt < times {
			r.Fate.What = wire.Dropped
		}
	}
}

// slow adds 10 ms in each direction. Without, RACK does not wait for a third duplicate ACK: it gives late
// packets a quarter of a round trip, which is nothing here.
func slow(impair func(*wire.Record)) func(*wire.Record) {
	return func(r *wire.Record) {
		if impair(r); r.Fate.What == wire.Delivered {
			r.Fate.What, r.Fate.Delay = wire.Delayed, 10*time.Millisecond
		}
	}
}

func (w *tap) waitFor(kind wire.Kind) {
	w.t.Helper()
	w.wait(string(kind), func(r *wire.Record) bool { return r.Label.Kind == kind })
}

// story is what happened beside the usual, in order: who sends what, and what it is.
func story(all []*wire.Record) string {
	var b strings.Builder
	for _, r := range all {
		l := r.Label
		switch l.Kind {
		case wire.KindSYN, wire.KindSYNACK, wire.KindHandshakeACK, wire.KindData, wire.KindACK, wire.KindDupACK, wire.KindDSACK, wire.KindWindowUpdate:
			continue
		}
		l.Of = 0
		fmt.Fprintf(&b, "%s %s#%d %s\n", r.Dir, r.Class, r.Ordinal, words(&wire.Record{Label: l}))
	}
	return b.String()
}

// check compares the labels with what the kernels counted and with what tshark says.
func (w *tap) check() []*wire.Record {
	w.t.Helper()
	counted := map[wire.Direction]int{wire.In: w.client.counter("RetransSegs"), wire.Out: w.server.counter("RetransSegs")}
	// Short of memory, Linux marks its last segment with the FIN after that has been sent, and lets the timer bring it: the
	// first FIN on the wire is a retransmission then, to the kernel. The segment's PSH gives it away (tcp_send_fin).
	isAgain := func(r *wire.Record) bool {
		return r.Label.Kind == wire.KindRetransmission || r.Label.Kind == wire.KindFIN && r.Packet.TCP.Flags.Has(wire.PSH)
	}
	again := map[wire.Direction]int{}
	all := w.wait("packet that the kernel counts as sent again", func(r *wire.Record) bool {
		if isAgain(r) {
			again[r.Dir]++
		}
		return again[wire.In] >= counted[wire.In] && again[wire.Out] >= counted[wire.Out]
	})
	again = map[wire.Direction]int{}
	for i, r := range all {
		if problem := invalid(all[:i], r); problem != "" {
			w.t.Errorf("#%d: %s", r.ID, problem)
		}
		if isAgain(r) {
			again[r.Dir]++
		}
	}
	// What the kernel sent again after it was asked has a label, too, but no part in the comparison.
	for dir, h := range map[wire.Direction]*host{wire.In: w.client, wire.Out: w.server} {
		if now := h.counter("RetransSegs"); again[dir] < counted[dir] || again[dir] > now {
			w.t.Errorf("%s: %d labels, and the kernel counts %d retransmissions", dir, again[dir], counted[dir])
		}
	}
	for dir, h := range map[wire.Direction]*host{wire.In: w.client, wire.Out: w.server} {
		by := map[wire.By]int{}
		for _, r := range all {
			if r.Label.Kind == wire.KindRetransmission && r.Dir == dir {
				by[r.Label.By]++
			}
		}
		if counted[dir] == 0 {
			continue
		}
		// Why it sent again cannot be known for sure from outside. On an idle machine the numbers are equal; on a busy one packets
		// pass here at other times than the kernel believes.
		fast := h.counter("TCPFastRetrans")
		w.t.Logf("%s: %v; the kernel: %d timeouts, %d probes, %d fast, %d in slow start", dir, by,
			h.counter("TCPTimeouts"), h.counter("TCPLossProbes"), fast, h.counter("TCPSlowStartRetrans"))
		if wrong := by[wire.ByDupACKs] + by[wire.BySACK] - fast; max(wrong, -wrong) > 1+counted[dir]/3 {
			w.t.Errorf("%s: %v, and the kernel counts %d fast retransmissions of %d", dir, by, fast, counted[dir])
		}
	}
	for i, said := range tshark(w.t, all) {
		if r := all[i]; !agrees(r.Label, said) {
			if key := why(r, said); key == "" || !differences(w.t)[key] {
				w.t.Errorf("#%d is %q, and tshark says %q; the table does not say why", r.ID, words(r), said)
			}
		}
	}
	if w.t.Failed() {
		w.t.Log(list(all))
	}
	return all
}

func TestKernel(t *testing.T) {
	for _, tc := range []struct {
		name   string
		impair func(*wire.Record)
		talk   func(t *testing.T, w *tap)
		story  string // "" if it is not the same each time
	}{
		{"timer", drop(wire.Out, wire.ClassData, 1, 3), func(t *testing.T, w *tap) {
			c, s := w.connect()
			send(t, s, "hello")
			expect(t, c, "hello")
		}, `
			out data#1 retransmission 1 by timer
			out data#1 retransmission 2 by timer
			out data#1 retransmission 3 by timer
		`},
		// Two ways: the usual one, and that of a kernel which is short of memory (see check).
		{"answer lost before FIN", drop(wire.Out, wire.ClassData, 1, 1), func(t *testing.T, w *tap) {
			c, s := w.connect()
			send(t, c, "hello")
			expect(t, s, "hello")
			send(t, s, "world")
			s.Close()
			expect(t, c, "world")
			c.Close()
			w.wait("end", func(r *wire.Record) bool { return r.Ends })
		}, `
			out fin#1 fin half
			out data#1 retransmission 1 by sack
			in fin#1 fin
			or
			out data#1 retransmission 1 by timer half
			in fin#1 fin
		`},
		{"duplicate ACKs", slow(drop(wire.Out, wire.ClassData, 1, 1)), func(t *testing.T, w *tap) {
			c, s := w.connect()
			for range 8 {
				send(t, s, "0123456789")
			}
			expect(t, c, strings.Repeat("0123456789", 8))
		}, `
			out data#1 retransmission 1 by dup-acks
		`},
		{"duplicate ACKs without SACK", drop(wire.Out, wire.ClassData, 1, 1), func(t *testing.T, w *tap) {
			w.client.set("ipv4.tcp_sack", "0")
			c, s := w.connect()
			for range 8 {
				send(t, s, "0123456789")
			}
			expect(t, c, strings.Repeat("0123456789", 8))
		}, `
			out data#1 retransmission 1 by dup-acks
		`},
		{"tail-loss probe", slow(func(r *wire.Record) {
			if r.Dir == wire.Out && r.Class == wire.ClassData && r.Ordinal >= 2 && r.Attempt == 0 {
				r.Fate.What = wire.Dropped
			}
		}), func(t *testing.T, w *tap) {
			c, s := w.connect()
			for range 3 {
				send(t, s, "0123456789")
			}
			expect(t, c, strings.Repeat("0123456789", 3))
		}, `
			out data#3 retransmission 1 by tlp
			...
		`},
		{"SYN", drop(wire.In, wire.ClassSYN, 1, 1), func(t *testing.T, w *tap) {
			w.connect()
		}, `
			in syn#1 retransmission 1 by timer
		`},
		{"FIN", drop(wire.In, wire.ClassFIN, 1, 2), func(t *testing.T, w *tap) {
			c, s := w.connect()
			c.CloseWrite()
			expect(t, s, "")
			io.ReadAll(s)
		}, `
			in fin#1 fin half
			in fin#1 retransmission 1 by timer half
			in fin#1 retransmission 2 by timer half
		`},
		{"corrupted", func(r *wire.Record) {
			if r.Dir == wire.In && r.Class == wire.ClassData && r.Attempt == 0 {
				r.Fate.What, r.Fate.Damage = wire.Corrupted, &wire.Damage{Offset: r.Packet.Data.At, Mask: 4}
			}
		}, func(t *testing.T, w *tap) {
			c, s := w.connect()
			send(t, c, "hello")
			expect(t, s, "hello")
			if n := w.server.counter("InCsumErrors"); n != 1 {
				t.Errorf("the kernel saw %d damaged packets", n)
			}
		}, `
			in data#1 retransmission 1 by timer
		`},
		{"needless", func(r *wire.Record) {
			if r.Dir == wire.Out && r.Class == wire.ClassData {
				r.Fate.What, r.Fate.Delay = wire.Delayed, 300*time.Millisecond
			}
		}, func(t *testing.T, w *tap) {
			c, s := w.connect()
			send(t, s, "hello")
			expect(t, c, "hello")
		}, `
			out data#1 retransmission 1 by timer
			...
		`},
		{"duplicated by wire", func(r *wire.Record) {
			if r.Class == wire.ClassData {
				r.Fate.What, r.Fate.Copies = wire.Duplicated, 1
			}
		}, func(t *testing.T, w *tap) {
			c, s := w.connect()
			send(t, s, "hello")
			expect(t, c, "hello")
			w.waitFor(wire.KindDSACK)
		}, `
		`},
		{"keep-alive", nil, func(t *testing.T, w *tap) {
			_, s := w.connect()
			s.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 5})
			w.waitFor(wire.KindKeepAliveACK)
		}, `
			out ack#1 keep-alive by timer
			in ack#1 keep-alive-ack
		`},
		{"half-close", nil, func(t *testing.T, w *tap) {
			c, s := w.connect()
			c.CloseWrite()
			io.ReadAll(s)
			send(t, s, "hello")
			expect(t, c, "hello")
			s.Close()
			w.wait("end", func(r *wire.Record) bool { return r.Ends })
		}, `
			in fin#1 fin half
			out fin#1 fin
		`},
		{"refused", nil, func(t *testing.T, w *tap) {
			w.client.in(func() { net.Dial("tcp4", serverAddress) })
			w.waitFor(wire.KindRST)
		}, `
			out rst#1 rst: refused
		`},
		{"unread data", nil, func(t *testing.T, w *tap) {
			c, s := w.connect()
			send(t, c, "hello")
			w.wait("ACK of hello", func(r *wire.Record) bool { return r.Dir == wire.Out && r.Ack == 6 })
			s.Close()
			w.waitFor(wire.KindRST)
		}, `
			out rst#1 rst: unread-data
		`},
		{"abort", nil, func(t *testing.T, w *tap) {
			c, _ := w.connect()
			c.SetLinger(0)
			c.Close()
			w.waitFor(wire.KindRST)
		}, `
			in rst#1 rst: abort
		`},
		{"after close", nil, func(t *testing.T, w *tap) {
			c, s := w.connect()
			s.Close()
			expect(t, c, "")
			io.ReadAll(c)
			send(t, c, "hello")
			w.waitFor(wire.KindRST)
		}, `
			out fin#1 fin half
			out rst#1 rst: after-close
		`},
		{"zero window", nil, func(t *testing.T, w *tap) {
			w.server.set("ipv4.tcp_rmem", "4096 8192 8192")
			c, s := w.connect()
			text := strings.Repeat("netlab\n", 100_000)
			go io.WriteString(c, text)
			w.waitFor(wire.KindZeroWindowProbe)
			expect(t, s, text)
			w.waitFor(wire.KindWindowUpdate)
		}, ""},
		{"copies", func(r *wire.Record) {}, func(t *testing.T, w *tap) {
			w.copyOnce(wire.ClassData, wire.ClassSYN, wire.ClassFIN)
			c, s := w.connect()
			send(t, c, "hello")
			expect(t, s, "hello")
			s.Close()
			c.Close()
			w.wait("end", func(r *wire.Record) bool { return r.Ends })
		}, `
			in syn#1 duplicate
			out syn#1 retransmission 1
			in data#1 duplicate
			...
		`},
		{"overtaken", nil, func(t *testing.T, w *tap) {
			w.mu.Lock()
			w.swap = 4 // the client's second data overtakes its first
			w.mu.Unlock()
			c, s := w.connect()
			send(t, c, "hello")
			send(t, c, "world")
			expect(t, s, "helloworld")
		}, `
			in data#2 out-of-order
			...
		`},
		{"lossy", chance(10), func(t *testing.T, w *tap) { exchange(t, w) }, ""},
		{"lossy and slow", slow(chance(10)), func(t *testing.T, w *tap) { exchange(t, w) }, ""},
		{"lossy without SACK", slow(chance(5)), func(t *testing.T, w *tap) {
			w.client.set("ipv4.tcp_sack", "0")
			exchange(t, w)
		}, ""},
		{"lossy without timestamps", chance(10), func(t *testing.T, w *tap) {
			w.client.set("ipv4.tcp_timestamps", "0")
			exchange(t, w)
		}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWire(t, tc.impair)
			tc.talk(t, w)
			all := w.check()
			got, ok := story(all), tc.story == ""
			probes := regexp.MustCompile("(?m)^.* by tlp.*\n") // on a busy machine an ACK may be later than any probe
			for _, want := range strings.Split(strings.ReplaceAll(strings.TrimLeft(tc.story, "\n\t"), "\t", ""), "or\n") {
				begins, open := strings.CutSuffix(want, "...\n") // and then something, which is not the same in all kernels
				ok = ok || got == want || probes.ReplaceAllString(got, "") == want || open && strings.HasPrefix(got, begins)
			}
			if !ok {
				t.Errorf("the story is\n%swant%s%s", got, tc.story, list(all))
			}
		})
	}
}

// chance drops so many percent of all packets: the same each time, by their names.
func chance(percent uint32) func(*wire.Record) {
	return func(r *wire.Record) {
		h := fnv.New32a()
		fmt.Fprint(h, r.Dir, r.Class, r.Ordinal, r.Attempt)
		if h.Sum32()>>8%100 < percent && r.Class != wire.ClassSYN {
			r.Fate.What = wire.Dropped
		}
	}
}

// exchange sends much in both directions at once.
func exchange(t *testing.T, w *tap) {
	c, s := w.connect()
	text := strings.Repeat("netlab\n", 30_000)
	var both sync.WaitGroup
	for _, ends := range [][2]*net.TCPConn{{c, s}, {s, c}} {
		both.Go(func() { send(t, ends[0], text) })
		both.Go(func() { expect(t, ends[1], text) })
	}
	both.Wait()
	s.Close()
	c.Close()
	w.wait("end", func(r *wire.Record) bool { return r.Ends })
}

func TestKernelDatagrams(t *testing.T) {
	w := newWire(t, nil)
	var server, client net.Conn
	var err error
	w.server.in(func() {
		address, _ := net.ResolveUDPAddr("udp4", serverAddress)
		server, err = net.ListenUDP("udp4", address)
	})
	if err != nil {
		t.Fatal(err)
	}
	w.client.in(func() { client, err = net.Dial("udp4", serverAddress) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close(); client.Close() })
	client.SetDeadline(time.Now().Add(30 * time.Second))
	server.SetDeadline(time.Now().Add(30 * time.Second))
	send(t, client, "37")
	buffer := make([]byte, 100)
	_, from, err := server.(*net.UDPConn).ReadFromUDPAddrPort(buffer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.(*net.UDPConn).WriteToUDPAddrPort([]byte("98.6"), from); err != nil {
		t.Fatal(err)
	}
	expect(t, client, "98.6")
	server.Close()
	send(t, client, "100")
	all := w.wait("port unreachable", func(r *wire.Record) bool { return r.Label.Kind == wire.KindPortUnreachable })
	var got []string
	for _, r := range all {
		got = append(got, words(r))
	}
	if want := []string{"datagram", "datagram of 1", "datagram", "icmp-port-unreachable of 3"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
