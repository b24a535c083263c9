//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// write makes docs/benchmarks.md and docs/benchmarks.svg from what has been measured.
func (b *bench) write(docs string) error {
	var md, svg bytes.Buffer
	fmt.Fprintf(&md, `# Benchmarks

%s writes this page; %s measures and only prints. Nothing here is typed by hand.

%s

Everything runs on loopback, in a network namespace of its own: so neither a firewall nor a neighbour's connections are measured.
What is compared runs in turn, A B C A B C, and a ratio is formed within a round; given are its median and, in brackets, its least and its
greatest value. Absolute figures are those of this machine and this hour. The floors are C programs that do nothing but the system calls
(`+"[`bench/floor`](../bench/floor)"+`), and nobody should run them; the plain programs are what one writes first (`+"[`bench/plain`](../bench/plain)"+`). The load
generator is ours (`+"[`bench/load`](../bench/load)"+`): a thread, for hello-tcp two, which share the processors with the server and check every
answer. Where a single thread is busy nearly all the time, it is the limit, and the processor time that a server takes for each answer tells more than the rate.
`, "`make bench ARGS=-write`", "`make bench`", b.machine())
	if len(b.growths) > 0 {
		drawAll(&svg, b.growths)
		md.WriteString("\n![How cost grows](benchmarks.svg)\n")
	}
	b.targets.markdown(&md)
	for _, t := range b.tables {
		t.markdown(&md)
	}
	if err := os.WriteFile(filepath.Join(docs, "benchmarks.md"), md.Bytes(), 0o644); err != nil {
		return err
	}
	if svg.Len() == 0 {
		return nil
	}
	return os.WriteFile(filepath.Join(docs, "benchmarks.svg"), svg.Bytes(), 0o644)
}

// machine is what the figures depend on: no names, no paths.
func (b *bench) machine() string {
	var facts []string
	info, _ := os.ReadFile("/proc/cpuinfo")
	model := "unknown processor"
	if m := regexp.MustCompile(`model name\s*:\s*(.*)`).FindSubmatch(info); m != nil {
		model = string(m[1])
	}
	facts = append(facts, fmt.Sprintf("%d × %s", runtime.NumCPU(), model))
	var sys unix.Sysinfo_t
	if unix.Sysinfo(&sys) == nil {
		facts = append(facts, fmt.Sprintf("%.0f GB of memory", float64(sys.Totalram)*float64(sys.Unit)/1e9))
	}
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		kernel, _, _ := strings.Cut(unix.ByteSliceToString(uts.Release[:]), "-")
		facts = append(facts, "Linux "+kernel)
	}
	facts = append(facts, strings.Replace(runtime.Version(), "go", "Go ", 1))
	for _, tool := range []struct{ name, flag, version string }{
		{"nginx", "-v", `nginx/([0-9.]+)`}, {"ngircd", "-V", `ngIRCd ([0-9.]+)`}, {"ncat", "--version", `Version ([0-9.]+)`},
		{"gcc", "--version", `(?m)([0-9.]+)$`}, {"python3", "--version", `([0-9.]+)`},
	} {
		if b.found[tool.name] == "" {
			facts = append(facts, "no "+tool.name+" (left out)")
			continue
		}
		out, _ := exec.CommandContext(b.ctx, b.found[tool.name], tool.flag).CombinedOutput()
		if m := regexp.MustCompile(tool.version).FindSubmatch(out); m != nil {
			facts = append(facts, tool.name+" "+string(m[1]))
		}
	}
	return "Measured on " + time.Now().Format("2006-01-02") + ": " + strings.Join(facts, ", ") + "."
}
