//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// link measures each impairment against its bounds.
func (b *bench) link(l *lab) error {
	w, err := l.watch("udp://:1314")
	if err != nil {
		return err
	}
	defer func() { w.stop() }()
	client, server, err := l.udp()
	if err != nil {
		return err
	}
	defer client.Close()
	defer server.Close()
	if err := b.chances(w, client, server); err != nil {
		return err
	}
	if err := b.delays(w, client, server); err != nil {
		return err
	}
	if err := b.rateUDP(w, client, server); err != nil {
		return err
	}
	w.stop()
	if w, err = l.watch("tcp://:8080"); err != nil {
		return err
	}
	if err := b.rateTCP(l, w); err != nil {
		return err
	}
	b.table(said{"Each impairment acts as asked", "每种干扰都照所要求的起作用"}, said{
		"Chance: datagrams, numbered and paced, counted where they arrive; the bounds are those of the binomial distribution at four standard deviations. " +
			"Delay: what the median round trip of a datagram and its echo gains over one without delay, asked as seldom. " +
			"Rate: bytes of IP packets that arrive in a second, once the queue is full; TCP by what its user gets, with the headers of full segments, and a window that the queue has room for.",
		"概率: 编了号, 按节奏发出的数据报, 在到达处计数; 界限是二项分布的四个标准差。 延迟: 数据报与其回声的往返中位数, 比没有延迟时多出多少, 两者一样疏。 " +
			"速率: 队列满了以后每秒到达的 IP 数据包字节数; TCP 按用户得到的算, 加上满报文段的首部, 窗口在队列容得下的范围内。"},
		said{"asked", "所要求的"}, said{"measured", "测得"}, said{"bounds", "界限"}, said{})
	return nil
}

// ends sends and receives datagrams in one direction of the link.
type ends struct {
	dir  string
	send func([]byte) error
	recv *net.UDPConn
}

// both are the two directions. The server learns from a first datagram where the client is.
func both(client, server *net.UDPConn) ([]ends, error) {
	buf := make([]byte, 2000)
	if _, err := client.Write([]byte("here")); err != nil {
		return nil, err
	}
	server.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, from, err := server.ReadFromUDPAddrPort(buf)
	if err != nil {
		return nil, err
	}
	return []ends{
		{"in", func(p []byte) error { _, err := client.Write(p); return err }, server},
		{"out", func(p []byte) error { _, err := server.WriteToUDPAddrPort(p, from); return err }, client},
	}, nil
}

// numbered sends n numbered datagrams, one every gap, and returns the numbers that arrived in their order.
func (e ends) numbered(n int, gap time.Duration) (arrived []int, err error) {
	var receiving sync.WaitGroup
	quit := make(chan struct{})
	receiving.Go(func() {
		buf := make([]byte, 2000)
		for {
			e.recv.SetReadDeadline(time.Now().Add(500 * time.Millisecond)) // longer than any delay here
			k, err := e.recv.Read(buf)
			if err == nil && k >= 8 {
				arrived = append(arrived, int(binary.BigEndian.Uint64(buf)))
				continue
			}
			select {
			case <-quit: // and nothing has come for a while
				return
			default:
			}
		}
	})
	began := time.Now()
	p := make([]byte, 100)
	for i := range n {
		time.Sleep(time.Until(began.Add(time.Duration(i) * gap)))
		binary.BigEndian.PutUint64(p, uint64(i))
		if err = e.send(p); err != nil {
			break
		}
	}
	close(quit)
	receiving.Wait()
	return arrived, err
}

func (b *bench) chances(w *process, client, server *net.UDPConn) error {
	ways, err := both(client, server)
	if err != nil {
		return err
	}
	n := b.n(8000)
	for _, e := range ways {
		for _, c := range []struct {
			line  string
			p     float64
			count func(arrived []int) int
		}{
			{"loss=30%", 0.3, func(a []int) int { return n - len(a) }},
			{"loss=1%", 0.01, func(a []int) int { return n - len(a) }},
			{"duplicate=10%", 0.1, func(a []int) int { return len(a) - n }},
			{"corrupt=10%", 0.1, func(a []int) int { return n - len(a) }},
			{"reorder=25% " + e.dir + ".delay=10ms", 0.25, overtakers},
		} {
			if err := w.link(e.dir + "." + c.line + " seed=1"); err != nil {
				return err
			}
			before, err := w.counter("Udp.InCsumErrors")
			if err != nil {
				return err
			}
			arrived, err := e.numbered(n, 200*time.Microsecond)
			if err != nil {
				return err
			}
			got, mean, sigma := c.count(arrived), float64(n)*c.p, math.Sqrt(float64(n)*c.p*(1-c.p))
			b.row(math.Abs(float64(got)-mean) <= 4*sigma, e.dir+"."+c.line, fmt.Sprintf("%d of %d: %.2f %%", got, n, 100*float64(got)/float64(n)),
				fmt.Sprintf("%.0f ± %.0f", mean, 4*sigma))
			if c.line[0] == 'c' && e.dir == "in" { // the server's kernel counts what arrives there
				after, err := w.counter("Udp.InCsumErrors")
				if err != nil {
					return err
				}
				b.row(after-before == got, "the kernel's count of wrong checksums", fmt.Sprint(after-before), fmt.Sprint(got))
			}
		}
	}
	return w.link("")
}

// overtakers counts the datagrams that arrive before one which was sent before them.
func overtakers(arrived []int) (n int) {
	least := math.MaxInt
	for i := len(arrived) - 1; i >= 0; i-- {
		if arrived[i] > least {
			n++
		}
		least = min(least, arrived[i])
	}
	return n
}

// delays measures round trips of single datagrams.
func (b *bench) delays(w *process, client, server *net.UDPConn) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 2000)
		for {
			n, from, err := server.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			server.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
	server.SetReadDeadline(time.Time{})
	defer func() { server.SetReadDeadline(time.Now()); <-done }()
	roundTrips := func(line string, n int, pause time.Duration) ([]time.Duration, error) {
		if err := w.link(line); err != nil {
			return nil, err
		}
		client.SetReadDeadline(time.Now().Add(time.Minute))
		var times []time.Duration
		buf := make([]byte, 100)
		for range n {
			time.Sleep(pause)
			began := time.Now()
			if _, err := client.Write(buf[:8]); err != nil {
				return nil, err
			}
			if _, err := client.Read(buf); err != nil {
				return nil, err
			}
			times = append(times, time.Since(began))
		}
		return times, nil
	}
	for _, d := range []time.Duration{time.Millisecond, 5 * time.Millisecond, 50 * time.Millisecond} {
		for _, dir := range []string{"in", "out"} {
			// As seldom as with the delay: a process that has slept for long wakes slowly.
			n := max(b.n(int(8*time.Second/(d+20*time.Millisecond)))/4, 20)
			plain, err := roundTrips("", n, d)
			if err != nil {
				return err
			}
			line := fmt.Sprintf("%s.delay=%s", dir, d)
			delayed, err := roundTrips(line, n, 0)
			if err != nil {
				return err
			}
			gain := median(delayed) - median(plain)
			b.row(gain >= d-200*time.Microsecond && gain <= d+time.Millisecond, line, fmt.Sprintf("+%s (p99 +%s)", milli(gain), milli(p(99, delayed)-median(plain))),
				fmt.Sprintf("+%s to +%s", milli(d), milli(d+time.Millisecond)))
		}
	}
	return w.link("")
}

// steady is how many bits a second arrive, measured after the link's queue has filled.
type steady struct {
	from, to     time.Time
	bytes        int
	first, ended time.Time
}

func (s *steady) add(bytes int) {
	now := time.Now()
	switch {
	case now.Before(s.from) || now.After(s.to):
	case s.first.IsZero():
		s.first, s.ended = now, now // its own bytes came in the time before
	default:
		s.bytes, s.ended = s.bytes+bytes, now
	}
}

func (s *steady) rate() float64 { return float64(s.bytes) * 8 / s.ended.Sub(s.first).Seconds() }

func (b *bench) window() steady {
	from := time.Now().Add(2 * time.Second)
	return steady{from: from, to: from.Add(time.Duration(b.n(4)) * time.Second)}
}

func (b *bench) rated(line, how string, want, got float64) {
	b.row(math.Abs(got-want) <= 0.05*want, line+", "+how, fmt.Sprintf("%.2f Mbit/s", got/1e6), fmt.Sprintf("%.2f to %.2f", 0.95*want/1e6, 1.05*want/1e6))
}

func (b *bench) rateUDP(w *process, client, server *net.UDPConn) error {
	ways, err := both(client, server)
	if err != nil {
		return err
	}
	const rate, size = 10e6, 1000
	for _, e := range ways {
		line := e.dir + ".rate=10mbit"
		if err := w.link(line); err != nil {
			return err
		}
		s := b.window()
		go func() { // twice what the link takes
			for p, began, i := make([]byte, size), time.Now(), 0; time.Now().Before(s.to) && e.send(p) == nil; i++ {
				time.Sleep(time.Until(began.Add(time.Duration(float64(i) * (size + 28) * 8 / (2 * rate) * 1e9))))
			}
		}()
		buf := make([]byte, 2000)
		for e.recv.SetReadDeadline(s.to); ; {
			n, err := e.recv.Read(buf)
			if err != nil {
				break
			}
			s.add(n + 28) // with the headers of UDP and IP
		}
		b.rated(line, "UDP, twice as much offered", rate, s.rate())
		if err := w.link(""); err != nil { // what still waits comes, and is no one's
			return err
		}
		for e.recv.SetReadDeadline(time.Now().Add(1500 * time.Millisecond)); ; {
			if _, err := e.recv.Read(buf); err != nil {
				break
			}
		}
	}
	return nil
}

func (b *bench) rateTCP(l *lab, w *process) error {
	const rate = 10e6
	for _, dir := range []string{"in", "out"} {
		line := dir + ".rate=10mbit"
		if err := w.link(line); err != nil {
			return err
		}
		client, server, err := l.tcp()
		if err != nil {
			return err
		}
		from, to := client, server
		if dir == "out" {
			from, to = server, client
		}
		// A window of a quarter of a second: the queue stays full, and nothing is lost.
		if err := to.(*net.TCPConn).SetReadBuffer(300_000); err != nil {
			return err
		}
		if err := set(from.(*net.TCPConn), func(fd int) error { return unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "reno") }); err != nil {
			return err
		}
		s := b.window()
		go func() {
			for p := make([]byte, 1<<16); ; {
				if _, err := from.Write(p); err != nil {
					return
				}
			}
		}()
		to.SetReadDeadline(s.to)
		for buf := make([]byte, 1<<16); ; {
			n, err := to.Read(buf)
			if err != nil {
				break
			}
			s.add(n * 1500 / 1448) // full segments, with their headers and timestamps
		}
		b.rated(line, "TCP", rate, s.rate())
		client.Close()
		server.Close()
	}
	return nil
}
