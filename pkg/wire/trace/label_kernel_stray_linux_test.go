package trace_test

import (
	"context"
	"encoding/binary"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/sys/unix"

	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/trace"
)

// kinds is what the packets from a record on are, one a line.
func kinds(all []*wire.Record) string {
	var b strings.Builder
	for _, r := range all {
		l := r.Label
		l.Of = 0
		b.WriteString(string(r.Dir) + " " + words(&wire.Record{Label: l, Begins: r.Begins, Conn: r.Conn, Ends: r.Ends}) + "\n")
	}
	return b.String()
}

// tells demands that the records are as want says; lines of it are kinds.
func tells(t *testing.T, all []*wire.Record, want string) {
	t.Helper()
	var lines strings.Builder
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line != "" {
			lines.WriteString(line + "\n")
		}
	}
	if got := kinds(all); got != lines.String() {
		t.Errorf("it is\n%swant%s%s", got, want, list(all))
	}
}

// from makes the client's socket use one port, again and again.
func (w *tap) from(port int) *net.TCPConn {
	w.t.Helper()
	var c net.Conn
	var err error
	w.client.in(func() {
		c, err = (&net.Dialer{LocalAddr: &net.TCPAddr{Port: port}, Timeout: 10 * time.Second, KeepAlive: -1}).Dial("tcp4", serverAddress)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// TestKernelLateServer: the reset that answers the first SYN is dropped, and the server is there for the second.
func TestKernelLateServer(t *testing.T) {
	w := newWire(t, drop(wire.Out, wire.ClassRST, 1, 1))
	var connected sync.WaitGroup
	connected.Go(func() { w.from(40000) })
	w.waitFor(wire.KindRST)
	var l net.Listener
	var err error
	w.server.in(func() { l, err = net.Listen("tcp4", serverAddress) })
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	connected.Wait()
	all := w.wait("third packet", func(r *wire.Record) bool { return r.Label.Kind == wire.KindHandshakeACK })
	tells(t, all, `
		in syn
		out rst: refused
		in retransmission 1 by timer
		out syn-ack
		in handshake-ack
	`)
	if last := all[len(all)-1]; last.Seq != 1 || last.Ack != 1 || all[3].Seq != 0 {
		t.Errorf("numbers follow the reset: %s", list(all))
	}
}

// TestKernelSamePort: a client resets, the reset is dropped, and it connects again from the same port.
func TestKernelSamePort(t *testing.T) {
	w := newWire(t, drop(wire.In, wire.ClassRST, 1, 1))
	var l net.Listener
	var err error
	w.server.in(func() { l, err = net.Listen("tcp4", serverAddress) })
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	first := w.from(40000)
	send(t, first, "hello")
	w.wait("ACK of hello", func(r *wire.Record) bool { return r.Dir == wire.Out && r.Ack == 6 })
	first.SetLinger(0)
	first.Close()
	w.waitFor(wire.KindRST)
	send(t, w.from(40000), "again")
	all := w.wait("ACK of again", func(r *wire.Record) bool { return r.Conn == 2 && r.Dir == wire.Out && r.Ack == 6 })
	tells(t, all, `
		in syn
		out syn-ack
		in handshake-ack
		in data
		out ack
		in rst: abort
		in syn begins
		out challenge-ack
		in rst: unknown ends
		in retransmission 1 by timer
		out syn-ack
		in handshake-ack
		in data
		out ack
	`)
	if n := w.server.counter("TCPChallengeACK"); n != 1 {
		t.Errorf("the kernel counts %d challenge ACKs", n)
	}
	if c := w.tracker.Connections(); len(c) != 1 || c[0].Ordinal != 2 || c[0].State != wire.ConnOpen {
		t.Errorf("%+v", c)
	}
}

// forged is a packet of the client once more, changed.
func forged(t *testing.T, r *wire.Record, change func(*layers.TCP), data string) []byte {
	t.Helper()
	var ip layers.IPv4
	var tcp layers.TCP
	if err := ip.DecodeFromBytes(slices.Clone(r.Raw), gopacket.NilDecodeFeedback); err != nil {
		t.Fatal(err)
	}
	if err := tcp.DecodeFromBytes(ip.Payload, gopacket.NilDecodeFeedback); err != nil {
		t.Fatal(err)
	}
	ip.Id += 1000
	change(&tcp)
	tcp.SetNetworkLayerForChecksum(&ip)
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, &ip, &tcp, gopacket.Payload(data)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestKernelStrays: the server's kernel throws away what the labels say that it does, and its counters and answers say so.
func TestKernelStrays(t *testing.T) {
	for _, tc := range []struct {
		name       string
		change     func(*layers.TCP)
		data       string
		story      string
		challenges int // as the kernel counts them: those of RFC 5961; -1: not every kernel answers
	}{
		{"reset beyond the next number", func(h *layers.TCP) { h.RST, h.Seq = true, h.Seq+1000 }, "", `
			in not-accepted: not-exact
			out challenge-ack
		`, 1},
		{"SYN", func(h *layers.TCP) { h.SYN, h.ACK, h.Seq = true, false, h.Seq+1<<31 }, "", `
			in syn begins
			out challenge-ack
		`, 1},
		{"reset far away", func(h *layers.TCP) { h.RST, h.Seq = true, h.Seq+1<<30 }, "", `
			in not-accepted: outside-window
		`, 0},
		{"data far away", func(h *layers.TCP) { h.Seq += 1 << 30 }, "stray", `
			in not-accepted: outside-window
			out challenge-ack
		`, 0},
		{"data without ACK", func(h *layers.TCP) { h.ACK = false }, "stray", `
			in not-accepted: no-ack
		`, 0},
		{"ACK of what was never sent", func(h *layers.TCP) { h.FIN, h.Ack = true, h.Ack+10_000 }, "", `
			in not-accepted: wrong-ack
		`, -1},
		{"old clock", func(h *layers.TCP) {
			for _, o := range h.Options {
				if o.OptionType == layers.TCPOptionKindTimestamps {
					binary.BigEndian.PutUint32(o.OptionData, binary.BigEndian.Uint32(o.OptionData)-100_000)
				}
			}
		}, "stray", `
			in not-accepted: old-timestamp
			out challenge-ack
		`, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWire(t, nil)
			c, s := w.connect()
			send(t, c, "hello")
			expect(t, s, "hello")
			all := w.wait("ACK of hello", func(r *wire.Record) bool { return r.Dir == wire.Out && r.Ack == 6 })
			before := len(all)
			next := func(h *layers.TCP) { h.PSH, h.Seq = false, h.Seq+5; tc.change(h) }
			w.pass(wire.In, forged(t, all[3], next, tc.data))
			if strings.Contains(tc.story, "challenge-ack") {
				w.waitFor(wire.KindChallengeACK)
			}
			send(t, c, "world") // the connection goes on
			expect(t, s, "world")
			all = w.wait("ACK of world", func(r *wire.Record) bool { return r.Dir == wire.Out && r.Ack == 11 })
			after := all[before:]
			if tc.challenges < 0 {
				after = slices.DeleteFunc(after, func(r *wire.Record) bool { return r.Label.Kind == wire.KindChallengeACK })
			}
			tells(t, after, tc.story+`
				in data
				out ack
			`)
			if n := w.server.counter("TCPChallengeACK"); tc.challenges >= 0 && n != tc.challenges {
				t.Errorf("the kernel counts %d challenge ACKs, want %d", n, tc.challenges)
			}
		})
	}
}

// TestKernelKeepAlive: of a connection that is older than wire, and after a half-close.
func TestKernelKeepAlive(t *testing.T) {
	often := net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 9}
	t.Run("midway", func(t *testing.T) {
		w := newWire(t, nil)
		c, s := w.connect()
		send(t, c, "hello")
		expect(t, s, "hello")
		w.wait("ACK of hello", func(r *wire.Record) bool { return r.Dir == wire.Out && r.Ack == 6 })
		w.mu.Lock() // from now on another wire watches
		w.tracker, w.records = trace.New(), nil
		w.mu.Unlock()
		s.SetKeepAliveConfig(often)
		w.waitFor(wire.KindKeepAliveACK)
		w.mu.Lock()
		defer w.mu.Unlock()
		tells(t, w.records[:4], `
			out ack
			in ack
			out keep-alive by timer
			in keep-alive-ack
		`)
	})
	t.Run("half-closed", func(t *testing.T) {
		w := newWire(t, nil)
		c, s := w.connect()
		c.CloseWrite()
		expect(t, s, "")
		all := w.wait("ACK of the FIN", func(r *wire.Record) bool { return r.Dir == wire.Out && r.Ack == 2 })
		before := len(all)
		s.SetKeepAliveConfig(often)
		w.waitFor(wire.KindKeepAliveACK)
		s.SetKeepAlive(false)
		c.SetKeepAliveConfig(often)
		all = w.wait("the client's question and its answer", func(r *wire.Record) bool { return r.Dir == wire.Out && r.Label.Kind == wire.KindKeepAliveACK })
		if got := kinds(all[before:]); !strings.HasPrefix(got, "out keep-alive by timer\nin keep-alive-ack\n") ||
			!strings.HasSuffix(got, "in keep-alive by timer\nout keep-alive-ack\n") {
			t.Errorf("%s%s", got, list(all))
		}
	})
}

// TestKernelSimultaneousOpen: both ends call each other, and their SYNs cross.
func TestKernelSimultaneousOpen(t *testing.T) {
	w := newWire(t, func(r *wire.Record) {
		if r.Class == wire.ClassSYN {
			r.Fate.What, r.Fate.Delay = wire.Delayed, 300*time.Millisecond
		}
	})
	var both sync.WaitGroup
	both.Go(func() { w.from(40000) })
	w.waitFor(wire.KindSYN)
	both.Go(func() {
		w.server.in(func() {
			c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{Port: 8080}, Timeout: 10 * time.Second}).Dial("tcp4", "10.77.1.1:40000")
			if err != nil {
				t.Error(err)
				return
			}
			c.Close()
		})
	})
	both.Wait()
	all := w.wait("FIN", func(r *wire.Record) bool { return r.Label.Kind == wire.KindFIN })
	got := kinds(all)
	if !strings.HasPrefix(got, "in syn\nout syn\n") || strings.Count(got, "syn-ack") != 2 || strings.Contains(got, "retransmission") {
		t.Errorf("%s%s", got, list(all))
	}
}

// TestKernelFastOpen: data in a SYN, taken by the server or left.
func TestKernelFastOpen(t *testing.T) {
	for name, tc := range map[string]struct {
		takes bool
		until wire.Kind
		story string
	}{
		"taken": {true, wire.KindHandshakeACK, `
			in syn with data 1
			out syn-ack
			in handshake-ack
		`},
		"left": {false, wire.KindACK, `
			in syn with data 1
			out syn-ack
			in retransmission 1
			out ack
		`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire(t, nil)
			w.client.set("ipv4.tcp_fastopen", "5") // clients, and no cookie is needed
			w.server.set("ipv4.tcp_fastopen", "514")
			listen := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
				return c.Control(func(fd uintptr) {
					if tc.takes {
						unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_FASTOPEN, 5)
					}
				})
			}}
			listen.SetMultipathTCP(false)
			var l net.Listener
			var err error
			w.server.in(func() { l, err = listen.Listen(context.Background(), "tcp4", serverAddress) })
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			dial := net.Dialer{KeepAlive: -1, Control: func(_, _ string, c syscall.RawConn) error {
				return c.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_FASTOPEN_CONNECT, 1) })
			}}
			var c net.Conn
			w.client.in(func() { c, err = dial.Dial("tcp4", serverAddress) })
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			send(t, c, "hello")
			s, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			s.SetDeadline(time.Now().Add(30 * time.Second))
			expect(t, s, "hello")
			all := w.wait(string(tc.until), func(r *wire.Record) bool { return r.Label.Kind == tc.until })
			tells(t, all, tc.story)
		})
	}
}
