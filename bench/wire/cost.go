//go:build linux

package main

import (
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// A contender is something that may stand beside the server: nothing, tshark, a wire.
type contender struct {
	name  string
	start func(service string) (*process, error)
}

func (b *bench) contenders(l *lab) []contender {
	all := []contender{
		{"nothing", func(string) (*process, error) { return nil, nil }},
		{"wire", l.watch},
	}
	if _, err := exec.LookPath("tshark"); err == nil {
		all = append(all, contender{"tshark", func(string) (*process, error) { return l.tshark() }})
	} else {
		fmt.Println("no tshark: apt-get install tshark")
	}
	return all
}

// tshark watches the server's interface, and says each packet in a line as a learner would have it.
func (l *lab) tshark() (*process, error) {
	p, err := l.run(nil, io.Discard, "tshark", "-n", "-l", "-i", "eth0")
	if err != nil {
		return nil, err
	}
	time.Sleep(3 * time.Second) // it says that it captures before it does
	return p, nil
}

// cost measures the round trip of a few bytes over TCP, beside each contender in turn.
func (b *bench) cost(l *lab) error {
	all := b.contenders(l)
	medians := make(map[string][]time.Duration)
	added := make(map[string][]time.Duration)
	nines := make(map[string][]time.Duration)
	for range max(b.n(8), 3) {
		for _, c := range all {
			times, err := b.roundTrips(l, c)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			medians[c.name] = append(medians[c.name], p(50, times))
			nines[c.name] = append(nines[c.name], p(99, times))
			n := len(medians[c.name]) - 1
			added[c.name] = append(added[c.name], medians[c.name][n]-medians["nothing"][n]) // of the same round
		}
	}
	for _, c := range all {
		cells := []string{c.name, micro(median(medians[c.name])), micro(median(nines[c.name])), "", ""}
		if c.name != "nothing" {
			gain := added[c.name]
			cells[3] = fmt.Sprintf("%s (%s to %s)", micro(median(gain)), micro(p(0, gain)), micro(p(100, gain)))
		}
		if c.name == "wire" {
			cells[4] = "80 µs"
			b.row(median(added[c.name]) <= 80*time.Microsecond, cells...)
		} else {
			b.beside(cells...)
		}
	}
	b.table(said{"What a round trip costs", "一次往返的代价"}, said{
		"A question of five bytes over TCP and its echo from another process, p50 of each round; what stands beside the server takes turns. " +
			"\"Added\" is the difference to nothing within a round: median, least and most.",
		"TCP 上五个字节的提问和另一个进程的回声, 每轮取 p50; 服务器旁边轮流是不同的东西。 「多出」是同一轮里与没有时的差: 中位数, 最小和最大。"},
		said{"beside the server", "服务器旁边"}, said{"p50", "p50"}, said{"p99", "p99"}, said{"added to p50", "p50 多出"}, said{"at most", "至多"}, said{})
	return nil
}

func (b *bench) roundTrips(l *lab, c contender) ([]time.Duration, error) {
	beside, err := c.start("tcp://:8080")
	if err != nil {
		return nil, err
	}
	if beside != nil {
		defer beside.stop()
	}
	ready, said := io.Pipe()
	server, err := l.run(nil, said, l.self, "-echo")
	if err != nil {
		return nil, err
	}
	defer server.stop()
	if _, err := ready.Read(make([]byte, 10)); err != nil {
		return nil, err
	}
	client, err := l.dial()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var times []time.Duration
	buf := make([]byte, 100)
	client.SetDeadline(time.Now().Add(time.Minute))
	for i := range b.n(8000) {
		began := time.Now()
		if _, err := client.Write(buf[:5]); err != nil {
			return nil, err
		}
		if _, err := client.Read(buf); err != nil {
			return nil, err
		}
		if i >= 200 { // warm
			times = append(times, time.Since(began))
		}
	}
	return times, nil
}

// A flood is one round of load.
type flood struct {
	speed  float64 // sent a second
	lost   int
	unseen int
	busy   time.Duration // of the contender, for each packet
	user   time.Duration // its part in the program
	system time.Duration // and in the kernel
	peak   int           // MiB
	memory string
}

const perSecond = 60_000

// load sends 60,000 datagrams a second past each contender, in turn.
func (b *bench) load(l *lab) error {
	all := b.contenders(l)
	rounds := make(map[string][]flood)
	for range 3 {
		for _, c := range all {
			f, err := b.flood(l, c)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			rounds[c.name] = append(rounds[c.name], f)
		}
	}
	for _, c := range all {
		fs := rounds[c.name]
		var lost, unseen, busy []string
		best := fs[0]
		for _, f := range fs {
			lost, unseen, busy = append(lost, fmt.Sprint(f.lost)), append(unseen, fmt.Sprint(f.unseen)), append(busy, micro(f.busy))
			if f.unseen < best.unseen {
				best = f
			}
		}
		cells := []string{c.name, fmt.Sprintf("%.0f", best.speed), strings.Join(lost, ", "), "", "", ""}
		if c.name != "nothing" {
			cells[3] = strings.Join(unseen, ", ")
		}
		if c.name == "wire" {
			cells[4], cells[5] = strings.Join(busy, ", "), best.memory
		}
		if c.name == "wire" {
			b.row(best.speed >= 50_000 && best.unseen == 0 && best.lost == 0 && best.peak < 256, cells...)
		} else {
			b.beside(cells...)
		}
	}
	b.table(said{"Packets a second", "每秒的数据包"}, said{
		"Datagrams of 100 bytes, one way, 60 in each millisecond, three rounds. The target is 50,000 a second with none unseen, and memory " +
			"within the container's 256 MiB. Whatever else runs on the machine can only add to what is not seen, so the best round counts; all are shown. " +
			"Wire remembers at most 100,000 packets, in at most 64 MiB (WIRE_RECORDS, WIRE_MEMORY).",
		"100 字节的数据报, 单向, 每毫秒 60 个, 三轮。 目标是每秒 50,000 个而没有遗漏, 内存在 256 MiB 以内。 机器上运行的别的东西只会增加遗漏, 所以取最好的一轮; 各轮都列出。 " +
			"wire 至多记住 100,000 个数据包, 至多 64 MiB (WIRE_RECORDS, WIRE_MEMORY)。"},
		said{"beside the server", "服务器旁边"}, said{"sent a second", "每秒发出"}, said{"did not arrive", "没有到达"}, said{"not seen", "没有看见"},
		said{"processor time for each", "每个所用的处理器时间"}, said{"memory at most", "内存至多"}, said{})
	return nil
}

var droppedByTshark = regexp.MustCompile(`(\d+) packets? dropped`)

// flood is one round.
func (b *bench) flood(l *lab, c contender) (f flood, err error) {
	return b.floodAt(l, c, perSecond, b.n(240_000))
}

// floodAt sends n datagrams, so many a second.
func (b *bench) floodAt(l *lab, c contender, rate, n int) (f flood, err error) {
	beside, err := c.start("udp://:1314")
	if err != nil {
		return f, err
	}
	if beside != nil {
		defer beside.stop()
	}
	client, server, err := l.udp()
	if err != nil {
		return f, err
	}
	defer client.Close()
	defer server.Close()
	var arrived atomic.Int64
	go func() {
		for buf := make([]byte, 2000); ; arrived.Add(1) {
			if _, err := server.Read(buf); err != nil {
				return
			}
		}
	}()
	datagram := make([]byte, 100)
	var user, system time.Duration
	if beside != nil {
		user, system = beside.busy()
	}
	began := time.Now()
	for i := range n {
		if i%60 == 0 {
			time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		}
		if _, err := client.Write(datagram); err != nil {
			return f, err
		}
	}
	f.speed = float64(n) / time.Since(began).Seconds()
	for last := int64(-1); last != arrived.Load(); time.Sleep(300 * time.Millisecond) {
		last = arrived.Load()
	}
	f.lost = n - int(arrived.Load())
	switch c.name {
	case "wire":
		s, err := beside.status()
		if err != nil {
			return f, err
		}
		u, s1 := beside.busy()
		f.user, f.system = (u-user)/time.Duration(n), (s1-system)/time.Duration(n)
		f.busy = f.user + f.system
		f.unseen, f.peak = n-s.Memory.Last, beside.peak()
		f.memory = fmt.Sprintf("%d MiB, of which %d MiB are %d packets", f.peak, s.Memory.Bytes>>20, s.Memory.Last-s.Memory.Forgotten)
	case "tshark":
		beside.cmd.Process.Signal(syscall.SIGINT) // it says at its end what it has missed
		beside.cmd.Wait()
		if m := droppedByTshark.FindStringSubmatch(beside.errs.String()); m != nil {
			f.unseen, _ = strconv.Atoi(m[1])
		}
	}
	return f, nil
}
