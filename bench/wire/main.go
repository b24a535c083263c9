//go:build linux

// Wire measures what services/wire does to packets and what it costs, in two network namespaces of its own.
//
//	make bench-wire                     all of it, about two minutes; as root
//	make bench-wire ARGS=-quick         less of everything
//	make bench-wire ARGS='-only cost'   one part: link, cost, load, limit
//	make bench-wire ARGS=-write         and write docs/wire.md, in both languages
//
//	main.go    what is promised, and whether it is met
//	lab.go     two namespaces, and a wire in one of them
//	link.go    each impairment against its bounds
//	cost.go    round trips beside no wire and beside tshark; 60,000 packets a second
//	limit.go   more and more packets a second, until some are not seen
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
	tables said // as Markdown
	missed int
}

// said is a text in both languages of the page.
type said struct{ en, zh string }

// cells are the words that tables' cells are made of.
var cells = strings.NewReplacer(
	"**missed**", "**未达到**", "met", "达到", "nothing", "没有", "most with none unseen", "没有遗漏的最高值",
	"the kernel's count of wrong checksums", "内核数到的错误校验和", "UDP, twice as much offered", "UDP, 想发的是两倍",
	" of which ", " 其中 ", " are ", " 是 ", " packets", " 个数据包", " of ", " / ", " to ", " 到 ", ", TCP", ", TCP")

func main() {
	quick := flag.Bool("quick", false, "fewer packets, fewer rounds")
	only := flag.String("only", "link,cost,load,limit", "what to measure, separated by commas")
	write := flag.Bool("write", false, "write docs/wire.md and its Chinese twin")
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
		measure := map[string]func(*lab) error{"link": b.link, "cost": b.cost, "load": b.load, "limit": b.limit}[part]
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

// n is a number of packets, or fewer if it is to be quick.
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

// table prints the rows so far, and keeps them as Markdown in both languages.
func (b *bench) table(title, note said, head ...said) {
	fmt.Printf("\n%s\n", title.en)
	text := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	var en, zh []string
	for _, h := range head {
		en, zh = append(en, h.en), append(zh, h.zh)
	}
	fmt.Fprintf(text, "  %s\n", strings.Join(en, "\t"))
	line := func(cells []string) string { return "| " + strings.Join(cells, " | ") + " |\n" }
	rule := "|" + strings.Repeat("---|", len(head)) + "\n"
	b.tables.en += fmt.Sprintf("\n## %s\n\n%s\n\n%s%s", title.en, fold(note.en), line(en), rule)
	b.tables.zh += fmt.Sprintf("\n## %s\n\n%s\n\n%s%s", title.zh, fold(note.zh), line(zh), rule)
	for _, row := range b.rows {
		fmt.Fprintf(text, "  %s\n", strings.Join(row, "\t"))
		b.tables.en += line(row)
		b.tables.zh += cells.Replace(line(row))
	}
	text.Flush()
	b.rows = nil
}

// fold breaks a paragraph into lines of at most 118 signs, at spaces.
func fold(text string) string {
	var b strings.Builder
	n := 0
	for word := range strings.FieldsSeq(text) {
		size := 0
		for _, r := range word {
			size++
			if r > 0x2e80 { // as wide as two
				size++
			}
		}
		switch {
		case n > 0 && n+1+size > 118:
			b.WriteByte('\n')
			n = 0
		case n > 0:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += size
	}
	return b.String()
}

var page = said{"# What wire does, measured\n\n", "# wire 做什么, 测得的\n\n"}

var intro = said{
	"`make bench-wire ARGS=-write` wrote this page on %s, with %s, on %d processors and Linux %s; load average at the end: %s. " +
		"It builds wire, makes two network namespaces with a cable between them, puts a wire beside the server's end, and measures from the client's. " +
		"It needs root, and ends with an error if a target is missed.",
	"这一页由 `make bench-wire ARGS=-write` 写于 %s, 使用 %s, %d 个处理器, Linux %s; 结束时的平均负载: %s。" +
		"它编译 wire, 建立两个网络命名空间并用一根线相连, 把 wire 放在服务器一端, 从客户端一端测量。 需要 root; 有目标没有达到时以错误结束。"}

func (b *bench) write() error {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return err
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return err
	}
	for name, text := range map[string][3]string{"wire.md": {page.en, intro.en, b.tables.en}, "wire.zh-CN.md": {page.zh, intro.zh, b.tables.zh}} {
		above := fmt.Sprintf(text[1], time.Now().Format("2006-01-02"), runtime.Version(), runtime.NumCPU(), strings.TrimSpace(string(release)), strings.Fields(string(load))[0])
		if err := os.WriteFile(filepath.Join("..", "docs", name), []byte(text[0]+fold(above)+"\n"+text[2]), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// p is a percentile of times.
func p(percent int, times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)]
}

func median(times []time.Duration) time.Duration { return p(50, times) }

func micro(d time.Duration) string { return fmt.Sprintf("%.1f µs", float64(d)/1e3) }
func milli(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/1e6) }
