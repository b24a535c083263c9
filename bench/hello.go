//go:build linux

package main

import (
	"cmp"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"netlab.example/bench/load"
)

const (
	helloRequest = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
	helloAtOnce  = 64
	abRounds     = 5

	// One thread that asks is busy all the time before the faster servers are, and would be what is measured. With
	// two, both processors are busy, and what a server does not need of them answers more questions.
	helloThreads = 2
)

// hello: one connection a request, 64 at a time.
func (b *bench) hello() error {
	const on, off, bare, nginx, floor = "hello-tcp, DEFER_ACCEPT", "hello-tcp", "hello-tcp without its lobby", "nginx", "floor (C)"
	programs := b.present(
		b.ourHello(on, "hello-tcp", "HELLO_TCP_DEFER_ACCEPT=on"), b.ourHello(off, "hello-tcp"),
		b.nginx(nginx, "reuseport"), b.nginx("nginx, deferred", "reuseport deferred"),
		b.floor(floor, "hello", false, "0"), b.floor("floor, DEFER_ACCEPT", "hello", false, "1"), b.plain("plain Go", "hello", false),
		b.ourHello(bare, "hello-tcp-nolobby"), b.ourHello("hello-tcp, transcript on", "hello-tcp", "HELLO_TCP_TRANSCRIPT=on"),
	)
	res, err := b.contest(b.rounds, programs, func(s *server) (sample, error) { return b.askHello(s, helloAtOnce, b.howLong) })
	if err != nil {
		return err
	}
	t := &table{
		title: "hello-tcp: one connection a request, 64 at a time",
		notes: []string{
			"One request is one connection: connect, ask, answer, close. The transcript is off unless the row says that it is on.",
			fmt.Sprintf("The lobby ([lobby](../services/hello-tcp/lobby)) answers %s times as many as the same server without it, with DEFER_ACCEPT %s times. "+
				"Without DEFER_ACCEPT a connection whose request has not arrived when it is accepted gets a goroutine; that is the difference between the two.",
				res.of(off, rate).over(res.of(bare, rate)), res.of(on, rate).over(res.of(bare, rate))),
		},
		head: []string{"server", "thousand answers/s", "µs of processor each", "p50 ms", "p99 ms", "generator busy", "wrong or failed", "rate ÷ nginx", "rate ÷ floor"},
	}
	for _, name := range res.names {
		rates := res.of(name, rate)
		t.row(name, thousands(rates.median()), digits(res.of(name, cost).median()), digits(res.of(name, p50).median()), digits(res.of(name, p99).median()),
			percent(res.of(name, generator).median()), res.bad(name), rates.over(res.of(nginx, rate)).String(), rates.over(res.of(floor, rate)).String())
	}
	b.print(t)
	b.target("hello-tcp, DEFER_ACCEPT=on ÷ nginx", 1.0, res.of(on, rate).over(res.of(nginx, rate)))
	b.target("hello-tcp, DEFER_ACCEPT=on ÷ floor", 0.9, res.of(on, rate).over(res.of(floor, rate)))
	b.target("hello-tcp, DEFER_ACCEPT=off ÷ nginx", 0.85, res.of(off, rate).over(res.of(nginx, rate)))
	return b.crossCheck(programs[:min(len(programs), 5)])
}

func (b *bench) askHello(s *server, atOnce int, how time.Duration) (sample, error) {
	out, err := load.Hello{Addr: s.addr, Request: helloRequest, Want: helloWords, AtOnce: atOnce, Threads: min(helloThreads, atOnce), How: how, Meter: s.processorTime}.Run()
	if err != nil {
		return sample{}, err
	}
	return sampleOf(out), nil
}

func sampleOf(out *load.Outcome) sample {
	s := sample{
		rate: out.PerSecond(), cost: float64(out.Server.Microseconds()) / float64(max(out.Answers, 1)),
		p50: milliseconds(out.Latency.Quantile(0.5)), p99: milliseconds(out.Latency.Quantile(0.99)),
		generator: out.Busy.Seconds() / out.Elapsed.Seconds(),
	}
	if out.Wrong+out.Failed > 0 {
		s.bad = fmt.Sprintf("%d wrong, %d failed", out.Wrong, out.Failed)
	}
	return s
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

var abRate = regexp.MustCompile(`Requests per second: +([0-9.]+)`)

// crossCheck asks again with ab, which others have written: are our generator's ratios its own?
func (b *bench) crossCheck(programs []program) error {
	if b.found["ab"] == "" {
		return nil
	}
	res, err := b.contest(min(b.rounds, abRounds), programs, func(s *server) (sample, error) {
		cmd := exec.CommandContext(b.ctx, b.found["ab"], "-q", "-t", strconv.Itoa(cmp.Or(int(b.howLong.Seconds()), 1)), "-n", "1000000",
			"-c", strconv.Itoa(helloAtOnce), "http://"+s.addr.String()+"/")
		text, err := cmd.Output()
		found := abRate.FindSubmatch(text)
		if err != nil || found == nil {
			return sample{}, fmt.Errorf("ab: %v, %q", err, text)
		}
		x, err := strconv.ParseFloat(string(found[1]), 64)
		return sample{rate: x}, err
	})
	if err != nil {
		return err
	}
	t := &table{
		title: "hello-tcp again, asked by ab",
		notes: []string{"`ab -c 64`, from apache2-utils: a generator that is not ours."},
		head:  []string{"server", "thousand answers/s", "rate ÷ nginx"},
	}
	for _, name := range res.names {
		t.row(name, thousands(res.of(name, rate).median()), res.of(name, rate).over(res.of("nginx", rate)).String())
	}
	b.print(t)
	return nil
}
