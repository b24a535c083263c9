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

const pageEn = `# Benchmarks

%s writes this page; %s measures and only prints. Nothing here is typed by hand.

%s

Everything runs on loopback, in a network namespace of its own, so neither a firewall nor another program's
connections are measured. What is compared runs in turn, A B C A B C, and a ratio is formed within a round: the median
of the rounds and, in brackets, the least and the greatest value. Absolute figures are those of this machine and this
hour. The floors are C programs that make only the necessary system calls ([bench/floor](../bench/floor)), and nobody
should run them; the plain programs are what one writes first ([bench/plain](../bench/plain)). The load generator is
ours ([bench/load](../bench/load)): one thread, for hello-tcp two, which share the processors with the server and
check every answer. If a single thread is busy nearly all the time, that thread is the limit, and the processor time
for each answer says more than the rate.
`

const pageZh = `# 性能测量

%s 写出这一页; %s 只测量并打印。这里没有一个数字是手工输入的。

%s

一切都在回环接口上、在自己的网络命名空间里运行, 所以既不测到防火墙, 也不测到别的程序的连接。
相互比较的程序轮流运行, A B C A B C, 比值在同一轮之内计算: 各轮的中位数, 括号里是最小值和最大值。
绝对数字只属于这台机器和这个时刻。“下限”是只做必要系统调用的 C 程序 ([bench/floor](../bench/floor)),
没有人应该真的使用它们; “普通”程序是人们最先写出来的那种 ([bench/plain](../bench/plain))。
负载发生器是我们自己的 ([bench/load](../bench/load)): 一个线程, 对 hello-tcp 用两个; 它和服务器共用处理器, 并检查每一个回答。
如果单个线程几乎一直在忙, 它就是瓶颈, 这时每个回答所用的处理器时间比速率更能说明问题。
`

// write makes docs/benchmarks.md, docs/benchmarks.zh-CN.md and docs/benchmarks.svg from what has been measured.
func (b *bench) write(docs string) error {
	tables := append([]*table{&b.targets}, b.tables...)
	var zh []*table
	for _, t := range tables {
		chinese, err := t.inChinese()
		if err != nil {
			return err
		}
		zh = append(zh, chinese)
	}
	for _, page := range []struct {
		name, text, measured, picture string
		tables                        []*table
	}{
		{"benchmarks.md", pageEn, "Measured on %s: %s.", "How cost grows", tables},
		{"benchmarks.zh-CN.md", pageZh, "测量于 %s: %s。", "代价怎样增长", zh},
	} {
		var md bytes.Buffer
		measured := fmt.Sprintf(page.measured, time.Now().Format("2006-01-02"), b.machine())
		fmt.Fprintf(&md, page.text, "`make bench-servers ARGS=-write`", "`make bench-servers`", fold(measured))
		if len(b.growths) > 0 {
			fmt.Fprintf(&md, "\n![%s](benchmarks.svg)\n", page.picture)
		}
		for _, t := range page.tables {
			t.markdown(&md)
		}
		if err := os.WriteFile(filepath.Join(docs, page.name), md.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if len(b.growths) == 0 {
		return nil
	}
	var svg bytes.Buffer
	drawAll(&svg, b.growths)
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
	return strings.Join(facts, ", ")
}
