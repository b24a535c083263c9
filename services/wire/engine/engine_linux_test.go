package engine

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/sys/unix"

	"netlab.example/pkg/wire"
)

// greet is a server with one short answer for each connection, as hello-tcp is.
func greet(ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			conn.Read(make([]byte, 100))
			io.WriteString(conn, "Hello World, Michael!")
		}()
	}
}

// ask asks such a server, and returns the answer.
func ask(t *testing.T, conn net.Conn) string {
	t.Helper()
	io.WriteString(conn, "hello")
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Error(err)
	}
	conn.Close()
	return string(answer)
}

// both runs a test over IPv4 and over IPv6.
func both(t *testing.T, f func(t *testing.T, host string)) {
	for name, host := range map[string]string{"IPv4": server4, "IPv6": server6} {
		t.Run(name, func(t *testing.T) { f(t, host) })
	}
}

// startImpairing starts a wire that must be able to impair.
func startImpairing(t *testing.T, l *lab, service string) *child {
	t.Helper()
	w := l.start(service)
	if !w.status.Impairs {
		t.Fatalf("no packet queue here: %+v", w.status)
	}
	return w
}

// pick returns the records that fit.
func pick(records []*wire.Record, fits func(*wire.Record) bool) []*wire.Record {
	var some []*wire.Record
	for _, r := range records {
		if fits(r) {
			some = append(some, r)
		}
	}
	return some
}

func data(dir wire.Direction) func(*wire.Record) bool {
	return func(r *wire.Record) bool { return r.Dir == dir && r.Class == wire.ClassData }
}

func TestDropFirstAnswer(t *testing.T) {
	both(t, func(t *testing.T, host string) {
		l := newLab(t)
		go greet(l.listen("tcp", ":8080"))
		w := startImpairing(t, l, "tcp://:8080")
		w.tell("drop data #1 to client")
		if got := ask(t, l.dial("tcp", net.JoinHostPort(host, "8080"))); got != "Hello World, Michael!" {
			t.Errorf("answer %q", got)
		}
		w.until("the end", ends)
		out := pick(w.past, data(wire.Out))
		if len(out) < 2 {
			t.Fatalf("no drop and retransmission:\n%s", w.story())
		}
		first, again := out[0], out[1]
		if first.Fate.What != wire.Dropped || first.Fate.Cause != "drop data #1 to client" || again.Fate.What != wire.Delivered ||
			first.Seq != again.Seq || again.Label.Of != first.ID || string(again.Payload()) != "Hello World, Michael!" {
			t.Errorf("not the same packet again:\n%s", w.story())
		}
		if f := w.tell("faults"); f[0].State != wire.Fired || f[0].Packet != first.ID {
			t.Errorf("fault %+v", f[0])
		}
		if w.past[0].Label.Kind != wire.KindSYN || w.past[1].Label.Kind != wire.KindSYNACK {
			t.Errorf("no handshake first:\n%s", w.story())
		}
	})
}

// TestHandshakeLost: the SYN is dropped, and TCP tries again.
func TestHandshakeLost(t *testing.T) {
	both(t, func(t *testing.T, host string) {
		l := newLab(t)
		go greet(l.listen("tcp", ":8080"))
		w := startImpairing(t, l, "tcp://:8080")
		w.tell("drop SYN #1")
		if got := ask(t, l.dial("tcp", net.JoinHostPort(host, "8080"))); got != "Hello World, Michael!" {
			t.Errorf("answer %q", got)
		}
		w.until("the end", ends)
		a, b := w.past[0], w.past[1]
		if a.Class != wire.ClassSYN || a.Fate.What != wire.Dropped || b.Class != wire.ClassSYN || b.Dir != wire.In || b.Attempt != 1 || b.Conn != a.Conn {
			t.Errorf("SYN, SYN again:\n%s", w.story())
		}
	})
}

// echo answers each datagram with itself.
func echo(pc net.PacketConn) {
	for b := make([]byte, 1<<16); ; {
		n, from, err := pc.ReadFrom(b)
		if err != nil {
			return
		}
		pc.WriteTo(b[:n], from)
	}
}

// TestLossRepeats: two runs with one seed lose the same datagrams, and losing on the way out is no error for the sender.
func TestLossRepeats(t *testing.T) {
	const n = 300
	l := newLab(t)
	sent := make(chan error, 10*n)
	pc := l.listenPacket(":1314")
	go func() {
		for b := make([]byte, 100); ; {
			k, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			_, err = pc.WriteTo(b[:k], from)
			sent <- err
		}
	}()
	w := startImpairing(t, l, "udp://:1314")
	run := func() (fates []wire.What) {
		w.tell("link clear in.loss=20%% out.loss=30%% seed=42")
		w.past = nil
		conn := l.dial("udp", server4+":1314")
		for i := range n {
			fmt.Fprintf(conn, "%d", i)
			in := w.until("a question", data(wire.In)).Fate.What
			fates = append(fates, in)
			if in != wire.Dropped {
				if err := <-sent; err != nil {
					t.Errorf("send: %v", err)
				}
				fates = append(fates, w.until("an answer", data(wire.Out)).Fate.What)
			}
		}
		return fates
	}
	first, second := run(), run()
	if !slices.Equal(first, second) {
		t.Errorf("two runs differ:\n%v\n%v", first, second)
	}
	if !slices.Contains(first, wire.Dropped) || !slices.Contains(first, wire.Delivered) {
		t.Errorf("%v", first)
	}
}

// TestDelayKeepsOrder: what is delayed arrives, whole and in order, in both directions; on the way out as a copy.
func TestDelayKeepsOrder(t *testing.T) {
	both(t, func(t *testing.T, host string) {
		l := newLab(t)
		go echo(l.listenPacket(":1314"))
		w := startImpairing(t, l, "udp://:1314")
		w.tell("link delay=20ms")
		conn := l.dial("udp", net.JoinHostPort(host, "1314"))
		for i := range 50 {
			fmt.Fprintf(conn, "question %d", i)
		}
		for i := range 50 {
			if got, want := read(t, conn), fmt.Sprintf("question %d", i); got != want {
				t.Fatalf("%q, want %q", got, want)
			}
		}
		s := w.askStatus()
		if s.Refused != 0 || s.Unseen != 0 {
			t.Errorf("%+v", s)
		}
		for _, r := range w.past {
			if r.Fate.What != wire.Delayed || r.Fate.Delay != 20*time.Millisecond || r.Fate.Cause != "delay 20 ms" {
				t.Errorf("%s", tell(r))
			}
		}
	})
}

func read(t *testing.T, conn net.Conn) string {
	t.Helper()
	b := make([]byte, 1<<16)
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// TestDuplicate: each question comes twice, so does each answer, and the copies are not seen as packets of their own.
func TestDuplicate(t *testing.T) {
	both(t, func(t *testing.T, host string) {
		for _, delay := range []string{"", " delay=5ms"} {
			l := newLab(t)
			go echo(l.listenPacket(":1314"))
			w := startImpairing(t, l, "udp://:1314")
			w.tell("link duplicate=100%%%s", delay)
			conn := l.dial("udp", net.JoinHostPort(host, "1314"))
			io.WriteString(conn, "37")
			for range 4 {
				if got := read(t, conn); got != "37" {
					t.Errorf("%q", got)
				}
			}
			s := w.askStatus()
			if s.Refused != 0 || len(w.past) != 3 { // one question, and an answer to each of two
				t.Errorf("%+v\n%s", s, w.story())
			}
		}
	})
}

// TestCorrupt: the receiver's kernel throws damaged packets away and counts them; TCP delivers all the same.
func TestCorrupt(t *testing.T) {
	both(t, func(t *testing.T, host string) {
		l := newLab(t)
		go greet(l.listen("tcp", ":8080"))
		w := startImpairing(t, l, "tcp://:8080")
		before := [2]int{l.checksumErrors(l.server), l.checksumErrors(l.client)}
		w.tell("corrupt data #1 to server")
		w.tell("corrupt data #1 to client")
		if got := ask(t, l.dial("tcp", net.JoinHostPort(host, "8080"))); got != "Hello World, Michael!" {
			t.Errorf("answer %q", got)
		}
		w.until("the end", ends)
		damaged := pick(w.past, func(r *wire.Record) bool { return r.Fate.What == wire.Corrupted })
		if len(damaged) != 2 || damaged[0].Dir != wire.In || damaged[1].Dir != wire.Out {
			t.Errorf("damaged:\n%s", w.story())
		}
		after := [2]int{l.checksumErrors(l.server), l.checksumErrors(l.client)}
		if after[0]-before[0] != 1 || after[1]-before[1] != 1 {
			t.Errorf("checksum errors at server and client: %v, then %v", before, after)
		}
	})
}

// TestCorruptBurst: the verdict on a damaged packet carries its bytes, and those of a burst of long packets
// together are more than one netlink message can be. The burst goes out all the same, and the next packet too.
func TestCorruptBurst(t *testing.T) {
	const burst = 8
	l := newLab(t)
	pc := l.listenPacket(":1314")
	raw, err := pc.(*net.UDPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 4<<20) })
	if err != nil {
		t.Fatal(err)
	}
	w := startImpairing(t, l, "udp://:1314")
	conn := l.dial("udp", server4+":1314")
	io.WriteString(conn, "37")
	_, from, err := pc.ReadFrom(make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	w.tell("link out.corrupt=100%%")
	before := l.count(l.client, "Ip", "ReasmOKs")
	w.cmd.Process.Signal(syscall.SIGSTOP) // so that all of them wait for it
	for range burst {
		if _, err := pc.WriteTo(make([]byte, 60_000), from); err != nil {
			t.Fatal(err)
		}
	}
	w.cmd.Process.Signal(syscall.SIGCONT)
	for range burst {
		w.until("a damaged packet", func(r *wire.Record) bool { return r.Fate.What == wire.Corrupted })
	}
	w.tell("link clear")
	pc.WriteTo([]byte("98.6"), from)
	if got := read(t, conn); got != "98.6" { // what is damaged does not reach the program
		t.Errorf("%q", got)
	}
	if n := l.count(l.client, "Ip", "ReasmOKs") - before; n != burst {
		t.Errorf("%d of %d long packets came to the client's kernel", n, burst)
	}
	if s := w.askStatus(); s.Refused != 0 {
		t.Errorf("%+v", s)
	}
}

// checksumErrors is how many TCP segments a kernel threw away.
func (l *lab) checksumErrors(ns string) int { return l.count(ns, "Tcp", "InCsumErrors") }

// count is one of the kernel's counters in a namespace.
func (l *lab) count(ns, proto, name string) int {
	l.t.Helper()
	out, err := exec.Command("ip", "netns", "exec", ns, "cat", "/proc/net/snmp").Output()
	if err != nil {
		l.t.Fatal(err)
	}
	var names, values []string
	for line := range strings.Lines(string(out)) {
		if rest, ok := strings.CutPrefix(line, proto+":"); ok {
			names, values = values, strings.Fields(rest)
		}
	}
	n, err := strconv.Atoi(values[slices.Index(names, name)])
	if err != nil {
		l.t.Fatal(err)
	}
	return n
}

// TestSwap: the third datagram waits until the fourth has passed.
func TestSwap(t *testing.T) {
	both(t, func(t *testing.T, host string) {
		for _, to := range []string{"server", "client"} {
			l := newLab(t)
			go echo(l.listenPacket(":1314"))
			w := startImpairing(t, l, "udp://:1314")
			w.tell("swap data #3 #4 to %s", to)
			conn := l.dial("udp", net.JoinHostPort(host, "1314"))
			for i := 1; i <= 5; i++ {
				fmt.Fprint(conn, i)
			}
			got := ""
			for range 5 {
				got += read(t, conn)
			}
			if got != "12435" {
				t.Errorf("to %s: %s\n%s", to, got, w.story())
			}
		}
	})
}

// TestSwapAlone: the partner never comes, so the packet goes on alone, and the fault says so.
func TestSwapAlone(t *testing.T) {
	l := newLab(t)
	go echo(l.listenPacket(":1314"))
	w := startImpairing(t, l, "udp://:1314")
	w.tell("swap data #1 #2 to client")
	conn := l.dial("udp", server4+":1314")
	io.WriteString(conn, "37")
	if got := read(t, conn); got != "37" {
		t.Errorf("%q", got)
	}
	if f := w.tell("faults"); f[0].State != wire.Fired || !strings.Contains(f[0].Note, "went on alone") {
		t.Errorf("%+v", f[0])
	}
}

// TestRate: a slow link spreads packets out and drops what its queue has no room for.
func TestRate(t *testing.T) {
	l := newLab(t)
	go echo(l.listenPacket(":1314"))
	w := startImpairing(t, l, "udp://:1314")
	w.tell("link out.rate=400kbit") // 50 packets a second of 1000 bytes
	conn := l.dial("udp", server4+":1314")
	question := strings.Repeat("x", 1000-28)
	const n = 80
	began := time.Now()
	for range n {
		io.WriteString(conn, question)
	}
	for range n {
		w.until("an answer", data(wire.Out))
	}
	took := time.Since(began)
	out := pick(w.past, data(wire.Out))
	queued := pick(out, func(r *wire.Record) bool { return r.Fate.What == wire.Delayed })
	full := pick(out, func(r *wire.Record) bool { return r.Fate.Cause == "rate 400 kbit/s, its queue is full" })
	// A second's worth, and what left the queue while the questions came.
	room := 51 + int(took.Seconds()*50) + 1
	if len(queued) < 51 || len(queued) > room || len(queued)+len(full) != n {
		t.Errorf("%d queued and %d dropped, the questions took %s", len(queued), len(full), took)
	}
	for range queued {
		read(t, conn)
	}
}

// TestEverythingAtOnce: TCP delivers every byte over a link that loses, reorders, damages and duplicates.
func TestEverythingAtOnce(t *testing.T) {
	l := newLab(t)
	ln := l.listen("tcp", ":8080")
	text := bytes.Repeat([]byte("0123456789abcdef"), 4<<10) // 64 KiB
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		conn.Write(text)
		conn.Close()
	}()
	w := startImpairing(t, l, "tcp://:8080")
	w.tell("link loss=10%% reorder=20%% corrupt=5%% duplicate=10%% delay=2ms jitter=1ms seed=3")
	conn := l.dial("tcp", server4+":8080")
	got, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes of %d, %v", len(got), len(text), err)
	}
	conn.Close()
	w.askStatus()
	for _, what := range []wire.What{wire.Dropped, wire.Reordered, wire.Corrupted, wire.Duplicated, wire.Delayed} {
		if len(pick(w.past, func(r *wire.Record) bool { return r.Fate.What == what })) == 0 {
			t.Errorf("no packet was %s", what)
		}
	}
}

// TestPortUnreachable: nobody listens, and the ICMP error belongs to the question that drew it. Other
// services' errors are no affair of this wire.
func TestPortUnreachable(t *testing.T) {
	both(t, func(t *testing.T, host string) {
		l := newLab(t)
		w := startImpairing(t, l, "udp://:1314")
		other := l.dial("udp", net.JoinHostPort(host, "1315"))
		io.WriteString(other, "37")
		if _, err := other.Read(make([]byte, 10)); err == nil {
			t.Error("an answer from a port where nobody listens")
		}
		conn := l.dial("udp", net.JoinHostPort(host, "1314"))
		io.WriteString(conn, "37")
		if _, err := conn.Read(make([]byte, 10)); err == nil {
			t.Error("an answer from a port where nobody listens")
		}
		r := w.until("an ICMP error", func(r *wire.Record) bool { return r.Class == wire.ClassICMP })
		if r.Label.Kind != wire.KindPortUnreachable || r.Conn != 1 || r.Dir != wire.Out || len(w.past) != 2 {
			t.Errorf("\n%s", w.story())
		}
	})
}

// TestFragments: the pieces of a long datagram are shown, and the datagram itself is judged.
func TestFragments(t *testing.T) {
	both(t, func(t *testing.T, host string) {
		l := newLab(t)
		go echo(l.listenPacket(":1314"))
		w := startImpairing(t, l, "udp://:1314")
		w.tell("link duplicate=100%%")
		conn := l.dial("udp", net.JoinHostPort(host, "1314"))
		question := strings.Repeat("0123456789", 400)
		io.WriteString(conn, question)
		answers := 2 // the copy on the way in is sent whole, by lo; an answer is too long to be sent twice
		if host == server6 {
			answers = 1 // of IPv6 the first piece is judged, and a copy of it is no copy of the datagram
		}
		for range answers {
			if got := read(t, conn); got != question {
				t.Errorf("%d bytes came back", len(got))
			}
		}
		w.askStatus()
		pieces := pick(w.past, func(r *wire.Record) bool { return r.Class == wire.ClassFragment })
		if len(pieces) != 3 || len(pick(w.past, data(wire.In))) != 1 {
			t.Errorf("\n%s", w.story())
		}
		for _, r := range pick(w.past, data(wire.Out)) {
			if r.Fate.Copies != 0 || !strings.Contains(r.Fate.Cause, "too long") {
				t.Errorf("%s", tell(r))
			}
		}
		// What is decided for the datagram holds for the whole of it.
		w.tell("link clear in.loss=100%%")
		io.WriteString(conn, question)
		w.until("a loss", func(r *wire.Record) bool { return r.Dir == wire.In && r.Fate.What == wire.Dropped })
		w.tell("link clear")
		io.WriteString(conn, "short")
		if got := read(t, conn); got != "short" {
			t.Errorf("%d bytes came back", len(got))
		}
	})
}

// TestAtomicFragment: an IPv6 packet with a fragment header that is a whole one none the less (RFC 6946) is one packet, and
// is met once.
func TestAtomicFragment(t *testing.T) {
	l := newLab(t)
	l.listen("tcp", ":8080")
	w := startImpairing(t, l, "tcp://:8080")
	w.tell("drop SYN #1")
	ip := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolIPv6Fragment, SrcIP: net.ParseIP("fd77::1"), DstIP: net.ParseIP(server6)}
	tcp := &layers.TCP{SrcPort: 40000, DstPort: 8080, Seq: 1000, SYN: true, Window: 64000}
	tcp.SetNetworkLayerForChecksum(ip)
	segment, packet := gopacket.NewSerializeBuffer(), gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := tcp.SerializeTo(segment, options); err != nil {
		t.Fatal(err)
	}
	header := []byte{byte(layers.IPProtocolTCP), 0, 0, 0, 0, 0, 0, 7}
	if err := gopacket.SerializeLayers(packet, options, ip, gopacket.Payload(append(header, segment.Bytes()...))); err != nil {
		t.Fatal(err)
	}
	l.in(l.client, func() {
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		for range 2 {
			if err := unix.Sendto(fd, packet.Bytes(), 0, &unix.SockaddrInet6{Addr: [16]byte(ip.DstIP)}); err != nil {
				t.Error(err)
			}
		}
	})
	w.until("an answer", func(r *wire.Record) bool { return r.Dir == wire.Out })
	first, second, answer := w.past[0], w.past[1], w.past[2]
	if first.Class != wire.ClassSYN || first.Fate.What != wire.Dropped || second.Fate.What != wire.Delivered || second.Attempt != 1 || answer.Class != wire.ClassSYN {
		t.Errorf("\n%s", w.story())
	}
}

// TestOthersPass: other ports and other protocols are not in the picture, and not impaired.
func TestOthersPass(t *testing.T) {
	l := newLab(t)
	go greet(l.listen("tcp", ":8080"))
	go greet(l.listen("tcp", ":9100"))
	go echo(l.listenPacket(":8080"))
	w := startImpairing(t, l, "tcp://:8080")
	w.tell("link loss=100%%")
	if got := ask(t, l.dial("tcp", server4+":9100")); got != "Hello World, Michael!" {
		t.Errorf("answer %q", got)
	}
	conn := l.dial("udp", server4+":8080")
	io.WriteString(conn, "37")
	if got := read(t, conn); got != "37" {
		t.Errorf("answer %q", got)
	}
	var lo net.Conn
	var err error
	l.in(l.server, func() { lo, err = net.Dial("tcp", "127.0.0.1:8080") })
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, lo); got != "Hello World, Michael!" {
		t.Errorf("answer %q", got)
	}
	w.askStatus()
	if len(w.past) != 0 {
		t.Errorf("in the picture:\n%s", w.story())
	}
}

// TestDelayedIsNotHeld: while an answer is delayed for longer than TCP waits, TCP sends it again. It would
// not if the kernel still had the packet on its way out: therefore it is a copy that waits.
func TestDelayedIsNotHeld(t *testing.T) {
	both(t, func(t *testing.T, host string) {
		l := newLab(t)
		go echoTCP(l.listen("tcp", ":8080"))
		w := startImpairing(t, l, "tcp://:8080")
		conn := l.dial("tcp", net.JoinHostPort(host, "8080"))
		io.WriteString(conn, "quick")
		if got := read(t, conn); got != "quick" { // TCP has measured a short round trip now
			t.Errorf("%q", got)
		}
		w.tell("link out.delay=700ms")
		io.WriteString(conn, "slow")
		if got := read(t, conn); got != "slow" {
			t.Errorf("%q", got)
		}
		again := w.until("a retransmission", func(r *wire.Record) bool {
			return r.Dir == wire.Out && r.Class == wire.ClassData && r.Attempt == 1
		})
		if again.Ordinal != 2 || string(again.Payload()) != "slow" {
			t.Errorf("\n%s", w.story())
		}
	})
}

// TestKilled: wire gets SIGKILL in the middle of a transfer, with all packets delayed, and traffic flows on.
func TestKilled(t *testing.T) {
	l := newLab(t)
	go echoTCP(l.listen("tcp", ":8080"))
	w := startImpairing(t, l, "tcp://:8080")
	if here := l.tables(); !slices.Equal(here, []string{"wire"}) {
		t.Errorf("tables %q", here)
	}
	w.tell("link delay=50ms")
	conn := l.dial("tcp", server4+":8080")
	go func() {
		for range 1000 {
			conn.Write(make([]byte, 10_000))
		}
		conn.(*net.TCPConn).CloseWrite()
	}()
	w.until("some data", func(r *wire.Record) bool { return r.Class == wire.ClassData && r.Ordinal == 20 })
	w.cmd.Process.Kill()
	if n, err := io.Copy(io.Discard, conn); n != 10_000_000 || err != nil {
		t.Errorf("%d bytes came back, %v", n, err)
	}
	w.exit()
	if left := l.tables(); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	// And another wire can take over.
	if w := l.start("tcp://:8080"); !w.status.Impairs {
		t.Errorf("the next wire: %+v", w.status)
	}
}

// tables are the names of nftables' tables in the server's namespace.
func (l *lab) tables() (names []string) {
	l.t.Helper()
	ns, err := os.Open("/run/netns/" + l.server)
	if err != nil {
		l.t.Fatal(err)
	}
	defer ns.Close()
	c, err := nftables.New(nftables.WithNetNSFd(int(ns.Fd())))
	if err != nil {
		l.t.Fatal(err)
	}
	all, err := c.ListTables()
	if err != nil {
		l.t.Fatal(err)
	}
	for _, table := range all {
		names = append(names, table.Name)
	}
	return names
}

func echoTCP(ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			io.Copy(conn, conn)
			conn.Close()
		}()
	}
}

// TestCleanExit: at its end wire lets go what it keeps back, in both directions.
func TestCleanExit(t *testing.T) {
	l := newLab(t)
	pc := l.listenPacket(":1314")
	w := startImpairing(t, l, "udp://:1314")
	conn := l.dial("udp", server4+":1314")
	io.WriteString(conn, "first")
	b := make([]byte, 100)
	_, from, err := pc.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	w.tell("link delay=1m")
	io.WriteString(conn, "held")
	w.until("the question", func(r *wire.Record) bool { return r.Dir == wire.In && r.Fate.What == wire.Delayed })
	pc.WriteTo([]byte("copied"), from)
	w.until("the answer", func(r *wire.Record) bool { return r.Dir == wire.Out && r.Fate.What == wire.Delayed })
	if s := w.askStatus(); s.Waiting != 2 {
		t.Errorf("%+v", s)
	}
	w.cmd.Process.Signal(syscall.SIGTERM)
	if code := w.exit(); code != 0 {
		t.Errorf("exit code %d: %s", code, w.stderr)
	}
	pc.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, _, err := pc.ReadFrom(b); err != nil || string(b[:n]) != "held" {
		t.Errorf("%q %v", b[:n], err)
	}
	if got := read(t, conn); got != "copied" {
		t.Errorf("%q", got)
	}
}

// TestSecondWire: it says so in one line, and the first goes on.
func TestSecondWire(t *testing.T) {
	l := newLab(t)
	go greet(l.listen("tcp", ":8080"))
	w := startImpairing(t, l, "tcp://:8080")
	second := l.launch("tcp://:8081")
	if code := second.exit(); code != 1 || second.stderr.String() != ErrSecondWire.Error()+"\n" {
		t.Errorf("exit code %d: %q", code, second.stderr)
	}
	if got := ask(t, l.dial("tcp", server4+":8080")); got != "Hello World, Michael!" {
		t.Errorf("answer %q", got)
	}
	w.until("the end", ends)
}

// TestInterfaceLost: without its interface wire ends, and says why.
func TestInterfaceLost(t *testing.T) {
	l := newLab(t)
	w := startImpairing(t, l, "tcp://:8080")
	l.ip("-n " + l.server + " link del eth0")
	if code := w.exit(); code != 1 || !strings.Contains(w.stderr.String(), ErrInterfaceLost.Error()) {
		t.Errorf("exit code %d: %q", code, w.stderr)
	}
}

// TestInterfaceReplaced: another interface of the same name is not the one that is watched, which is gone.
func TestInterfaceReplaced(t *testing.T) {
	for name, prefix := range map[string][]string{"impairing": nil, "watching": withoutNetAdmin} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			w := l.start("tcp://:8080", prefix...)
			l.ip("-n " + l.server + " link del eth0")
			l.connect()
			if code := w.exit(); code != 1 || !strings.Contains(w.stderr.String(), ErrInterfaceLost.Error()) {
				t.Errorf("exit code %d: %q", code, w.stderr)
			}
		})
	}
}

var withoutNetAdmin = []string{"setpriv", "--inh-caps=-net_admin", "--bounding-set=-net_admin"}

// TestWatchingOnly: without NET_ADMIN wire watches, says so, and refuses to impair.
func TestWatchingOnly(t *testing.T) {
	both(t, func(t *testing.T, host string) {
		l := newLab(t)
		go greet(l.listen("tcp", ":8080"))
		w := l.start("tcp://:8080", withoutNetAdmin...)
		if w.status.Mechanism != wire.Observe || w.status.Impairs || !slices.ContainsFunc(w.status.Limits, func(l wire.Limit) bool {
			return l.Code == wire.NoImpairment && strings.Contains(l.Why, "NET_ADMIN")
		}) {
			t.Errorf("%+v", w.status)
		}
		fmt.Fprintln(w.stdin, "link loss=10%")
		if l := w.await("an answer", func(l line) bool { return l.Record == nil }); l.Error != ErrWatchingOnly.Error() {
			t.Errorf("%+v", l)
		}
		if got := ask(t, l.dial("tcp", net.JoinHostPort(host, "8080"))); got != "Hello World, Michael!" {
			t.Errorf("answer %q", got)
		}
		w.until("the end", ends)
		if out := pick(w.past, data(wire.Out)); len(out) != 1 || string(out[0].Payload()) != "Hello World, Michael!" || out[0].Fate.What != wire.Seen {
			t.Errorf("\n%s", w.story())
		}
	})
	t.Run("no capability at all", func(t *testing.T) {
		l := newLab(t)
		w := l.launch("tcp://:8080", "setpriv", "--inh-caps=-all", "--bounding-set=-all")
		if code := w.exit(); code != 1 || !strings.Contains(w.stderr.String(), ErrNoAccess.Error()) {
			t.Errorf("exit code %d: %q", code, w.stderr)
		}
	})
}
