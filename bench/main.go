//go:build linux

// Bench measures the three servers beside what an engineer would take instead, on one machine, in one run.
//
//	make bench-servers                    measure everything, about five minutes; make bench measures wire, too
//	make bench-servers ARGS=-quick        less of everything, about two
//	make bench-servers ARGS='-only hello' one part: hello, chat, burst, temp, idle, growth
//	make bench-servers ARGS=-write        and write docs/benchmarks.md with its picture
//
// Figures of one machine say little about another, and on a shared machine little about the next minute. So
// what is compared runs in turn, A B C A B C, and what counts is the ratio within a round; the processor
// time for each answer stands beside it, which a busy neighbour changes less.
//
// Everything runs on loopback, and every server that is started here ends with the bench.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

type bench struct {
	ctx     context.Context
	work    string // for what is built
	ran     bool
	verbose bool
	found   map[string]string
	rounds  int
	howLong time.Duration // one measurement

	tables  []*table
	targets table
	missed  int
	growths []growth
}

// The parent-death signal of a server comes when the thread that started it ends: main stays on its own,
// which ends last.
func init() { runtime.LockOSThread() }

func main() {
	quick := flag.Bool("quick", false, "fewer and shorter rounds")
	only := flag.String("only", "hello,chat,burst,temp,idle,growth", "what to measure, separated by commas")
	write := flag.Bool("write", false, "write docs/benchmarks.md and its picture")
	rounds := flag.Int("rounds", 9, "how often each contender has its turn")
	howLong := flag.Duration("each", 700*time.Millisecond, "length of one measurement")
	limit := flag.Duration("limit", 20*time.Minute, "end everything after this time")
	verbose := flag.Bool("v", false, "say each measurement as it is made")
	flag.Parse()
	if *quick {
		*rounds, *howLong = 3, 400*time.Millisecond
	}
	ctx, cancel := context.WithTimeout(context.Background(), *limit)
	defer cancel()
	b := &bench{ctx: ctx, work: os.Getenv(insideVar), rounds: *rounds, howLong: *howLong, verbose: *verbose, targets: table{title: "Targets", head: []string{"", "at least", "measured", ""}}}
	run := func() error { return b.run(strings.Split(*only, ","), *write) }
	if b.work == "" {
		run = b.prepare
	}
	switch err := run(); {
	case errors.Is(err, errMissed), errors.As(err, new(*exec.ExitError)) && b.ran: // has been said
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

var errMissed = errors.New("a target was missed")

// prepare builds what is measured, and has it measured in a network namespace.
func (b *bench) prepare() error {
	ctx, cancel := signal.NotifyContext(b.ctx, os.Interrupt, syscall.SIGTERM)
	defer cancel()
	b.ctx = ctx
	var err error
	if b.work, err = os.MkdirTemp("", "netlab-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.work)
	if err := os.Chmod(b.work, 0o755); err != nil { // a server that is not root has its configuration there
		return err
	}
	b.find()
	if err := b.build(); err != nil {
		return err
	}
	b.ran = true
	return inside(b.ctx, b.work)
}

func (b *bench) run(parts []string, write bool) error {
	if err := loopbackUp(); err != nil {
		return err
	}
	b.find()
	measure := map[string]func() error{"hello": b.hello, "chat": b.chat, "burst": b.burst, "temp": b.temp, "idle": b.idle, "growth": b.growth}
	for _, part := range parts {
		f := measure[part]
		if f == nil {
			return fmt.Errorf("nothing is called %q", part)
		}
		if err := f(); err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
	}
	for i := range b.growths {
		b.print(b.growths[i].table())
	}
	b.targets.text(os.Stdout)
	if write {
		if err := b.write("../docs"); err != nil { // go run -C bench: this is the module's folder
			return err
		}
	}
	if b.missed > 0 {
		return errMissed
	}
	return nil
}

// contest starts all programs and measures them in turn, round by round, beginning with another one each time.
func (b *bench) contest(rounds int, programs []program, measure func(*server) (sample, error)) (*results, error) {
	res := new(results)
	var servers []*server
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	for _, p := range programs {
		s, err := p.start(b.ctx, b.work)
		if err != nil {
			return nil, err
		}
		servers = append(servers, s)
		res.names = append(res.names, p.name)
	}
	for round := range rounds {
		for i := range servers {
			s := servers[(round+i)%len(servers)]
			got, err := measure(s)
			if b.ctx.Err() != nil {
				return nil, context.Cause(b.ctx)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			res.add(s.name, got)
			b.progress(fmt.Sprintf("round %d: %s", round+1, s.name), got)
		}
	}
	return res, nil
}

func (b *bench) progress(what string, s sample) {
	if b.verbose {
		fmt.Fprintf(os.Stderr, "%-48s %9.0f/s  %6.2f µs  p50 %.2f p99 %.2f ms  generator %.0f %%  %s\n", what, s.rate, s.cost, s.p50, s.p99, 100*s.generator, s.bad)
	}
}

func (b *bench) print(t *table) {
	b.tables = append(b.tables, t)
	t.text(os.Stdout)
}

// target says whether the median of the rounds is what issue and README promise.
func (b *bench) target(what string, least float64, got series) {
	if len(got) == 0 {
		b.targets.row(what, fmt.Sprintf("%.2f", least), "nothing to compare with", "")
		return
	}
	b.verdict(got.median() >= least, what, fmt.Sprintf("%.2f", least), got.String())
}

func (b *bench) faultless(what, bad string) { b.verdict(bad == "none", what, "none", bad) }

func (b *bench) verdict(met bool, what, want, got string) {
	word := "met"
	if !met {
		word = "missed"
		b.missed++
	}
	b.targets.row(what, want, got, word)
}
