//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"netlab.example/bench/load"
)

const (
	starts       = 10 // of each program
	growPatience = 20 * time.Second
)

var crowds = []int{1000, 2500, 5000, 10000}

// idle: what a server costs that nobody speaks to.
func (b *bench) idle() error {
	registers := func(i int) string { return fmt.Sprintf("NICK p%d\r\nUSER p 0 * :p\r\n", i) }
	rivals := []chatPeer{
		{program: b.ourHello("hello-tcp", "hello-tcp")}, {program: b.nginx("nginx", "reuseport")}, {program: b.plain("plain Go", "hello", false)},
		{program: b.ourChat()}, {program: b.ncat(), greets: true, most: 1}, {program: b.ngircd(), greets: true, hello: registers},
		{program: b.ourTemp()},
	}
	t := &table{
		title: "At rest",
		notes: []string{
			"Memory is the proportional set size of all processes of a server. What the kernel keeps for a socket is the same for all, and not counted. " +
				"The people of chat-server are in the room; those of ngircd have registered and joined no channel; ncat needs minutes for a thousand. " +
				fmt.Sprintf("Start to listening is the median of %d starts. A program's size is that of its file, without libraries; an image of ours holds only that file.", starts),
		},
		head: []string{"server", "start to listening, ms", "memory, nobody connected", "for each of 1,000 idle", "for each of 10,000 idle", "program", "image"},
	}
	g := growth{title: "memory, by idle connections", x: "idle connections", y: "MB", ticks: crowds}
	for _, p := range rivals {
		if len(b.present(p.program)) == 0 {
			continue
		}
		var took series
		for range starts {
			s, err := p.start(b.ctx, b.work)
			if err != nil {
				return err
			}
			took = append(took, milliseconds(s.took))
			s.stop()
		}
		empty, used, err := b.grow(p)
		if err != nil {
			return err
		}
		each := func(i int) string {
			if len(used) <= i {
				return "-"
			}
			return fmt.Sprintf("%.1f kB", float64(used[i]-empty)/float64(crowds[i])/1000)
		}
		size := "-"
		if info, err := os.Stat(p.args[0]); err == nil {
			size = megabytes(int(info.Size()))
		}
		t.row(p.name, digits(took.median()), megabytes(empty), each(0), each(len(crowds)-1), size, b.image(p.name))
		if len(used) > 0 {
			l := line{name: p.name}
			for _, n := range used {
				l.y = append(l.y, float64(n)/1e6)
			}
			g.lines = append(g.lines, l)
		}
	}
	b.print(t)
	b.growths = append(b.growths, g)
	return nil
}

// grow is the server's memory with nobody, and with each crowd that it and this machine's limits can hold.
func (b *bench) grow(p chatPeer) (empty int, used []int, err error) {
	s, err := p.start(b.ctx, b.work)
	if err != nil {
		return 0, nil, err
	}
	defer s.stop()
	time.Sleep(200 * time.Millisecond) // until it has settled
	empty = s.memory()
	if p.udp { // no connections to hold
		return empty, nil, nil
	}
	crowd, err := load.NewCrowd(s.addr)
	if err != nil {
		return 0, nil, err
	}
	defer crowd.Close()
	for _, n := range crowds {
		var limit unix.Rlimit
		if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil && uint64(n)+100 > limit.Cur || p.most > 0 && n > p.most {
			break
		}
		if err := crowd.Grow(n, p.greets, p.hello, growPatience); err != nil {
			fmt.Fprintf(os.Stderr, "%s: no %d idle connections: %v %s\n", p.name, n, err, s.told)
			break
		}
		used = append(used, s.memory())
		if b.verbose {
			fmt.Fprintf(os.Stderr, "%s: %d idle connections, %s\n", p.name, n, megabytes(used[len(used)-1]))
		}
	}
	return empty, used, nil
}

func megabytes(n int) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// image is the size of our image of that name, where Docker has one.
func (b *bench) image(name string) string {
	if b.found["docker"] == "" {
		return "-"
	}
	out, err := exec.CommandContext(b.ctx, b.found["docker"], "image", "inspect", "-f", "{{.Size}}", "localhost/netlab/"+name+":dev").Output()
	n, bad := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || bad != nil {
		return "-"
	}
	return megabytes(n)
}
