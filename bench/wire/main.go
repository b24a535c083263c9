//go:build linux

// Wire measures what services/wire does to packets and what it costs, in two network namespaces of its own.
//
//	make bench-wire                     all of it, about two minutes; as root
//	make bench-wire ARGS=-quick         less of everything
//	make bench-wire ARGS='-only cost'   one part: link, cost, load
//	make bench-wire ARGS=-write         and write docs/wire.md
//
//	main.go    what is promised, and whether it is met
//	lab.go     two namespaces, and a wire in one of them
//	link.go    each impairment against its bounds
//	cost.go    round trips beside no wire and beside tshark; 60,000 packets a second
//
// Figures of one machine say little about another. What is compared therefore runs in turn, A B C A B C, and
// each figure is the median of its rounds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

type bench struct {
	ctx    context.Context
	quick  bool
	rows   [][]string
	tables []string // as Markdown
	missed int
}

func main() {
	quick := flag.Bool("quick", false, "fewer packets, fewer rounds")
	only := flag.String("only", "link,cost,load", "what to measure, separated by commas")
	write := flag.Bool("write", false, "write docs/wire.md")
	server := flag.Bool("echo", false, "for its own use: be the server of the round trips")
	flag.Parse()
	if *server {
		if err := echo(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	b := &bench{ctx: ctx, quick: *quick}
	if err := b.run(strings.Split(*only, ","), *write); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(parts []string, write bool) error {
	l, err := newLab(b.ctx)
	if err != nil {
		return err
	}
	defer l.close()
	for _, part := range parts {
		measure := map[string]func(*lab) error{"link": b.link, "cost": b.cost, "load": b.load}[part]
		if measure == nil {
			return fmt.Errorf("nothing is called %q", part)
		}
		if err := measure(l); err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
	}
	if write {
		if err := b.write(); err != nil {
			return err
		}
	}
	if b.missed > 0 {
		return errors.New("a target was missed")
	}
	return nil
}

// n is a number of packets, or fewer where it is to be quick.
func (b *bench) n(n int) int {
	if b.quick {
		return n / 4
	}
	return n
}

// row adds a line to the table, with whether the target was met.
func (b *bench) row(met bool, cells ...string) {
	word := "met"
	if !met {
		word = "**missed**"
		b.missed++
	}
	b.rows = append(b.rows, append(cells, word))
}

// beside adds a line that has no target.
func (b *bench) beside(cells ...string) { b.rows = append(b.rows, append(cells, "")) }

// table prints the rows so far, and keeps them as Markdown.
func (b *bench) table(title, note string, head ...string) {
	fmt.Printf("\n%s\n", title)
	text := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	var md strings.Builder
	fmt.Fprintf(&md, "\n## %s\n\n%s\n\n| %s |\n|%s\n", title, note, strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for i, row := range append([][]string{head}, b.rows...) {
		fmt.Fprintf(text, "  %s\n", strings.Join(row, "\t"))
		if i > 0 {
			fmt.Fprintf(&md, "| %s |\n", strings.Join(row, " | "))
		}
	}
	text.Flush()
	b.tables, b.rows = append(b.tables, md.String()), nil
}

const page = `# What wire does, measured

` + "`make bench-wire ARGS=-write`" + ` wrote this page on %s, with %s, on %d processors and Linux %s%s.
It builds wire, makes two network namespaces with a cable between them, puts a wire beside the server's end, and
measures from the client's. It needs root, and ends with an error where a target is missed.
%s`

func (b *bench) write() error {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return err
	}
	busy := ""
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		busy = " (load average at the end: " + strings.Fields(string(load))[0] + ")"
	}
	text := fmt.Sprintf(page, time.Now().Format("2006-01-02"), runtime.Version(), runtime.NumCPU(), strings.TrimSpace(string(release)), busy, strings.Join(b.tables, ""))
	return os.WriteFile(filepath.Join("..", "docs", "wire.md"), []byte(text), 0o644)
}

// p is a percentile of times.
func p(percent int, times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)]
}

func median(times []time.Duration) time.Duration { return p(50, times) }

func micro(d time.Duration) string { return fmt.Sprintf("%.1f µs", float64(d)/1e3) }
func milli(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/1e6) }
