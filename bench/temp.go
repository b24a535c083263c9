//go:build linux

package main

import (
	"netlab.example/bench/load"
)

const tempPrefix = "转换后的温度(华氏温度):"

// temp: 192 questions under way from 16 sockets.
func (b *bench) temp() error {
	const ours, floor = "udp-temp", "floor (C)"
	programs := b.present(b.ourTemp(), b.floor(floor, "temp", true), b.plain("plain Go", "temp", true), b.plainPython())
	res, err := b.contest(b.rounds, programs, func(s *server) (sample, error) {
		out, err := load.Temp{Addr: s.addr, Prefix: tempPrefix, How: b.howLong, Meter: s.processorTime}.Run()
		if err != nil {
			return sample{}, err
		}
		return sampleOf(out), nil
	})
	if err != nil {
		return err
	}
	t := &table{
		title: "udp-temp: 192 questions under way",
		notes: []string{"Twelve clients with sixteen questions each, all different. An answer is right only if it belongs to a question that is under way."},
		head:  []string{"server", "thousand answers/s", "µs of processor each", "p50 ms", "p99 ms", "generator busy", "wrong or lost", "rate ÷ floor"},
	}
	for _, name := range res.names {
		rates := res.of(name, rate)
		t.row(name, thousands(rates.median()), digits(res.of(name, cost).median()), digits(res.of(name, p50).median()), digits(res.of(name, p99).median()),
			percent(res.of(name, generator).median()), res.bad(name), rates.over(res.of(floor, rate)).String())
	}
	b.print(t)
	b.target("udp-temp ÷ floor", 0.9, res.of(ours, rate).over(res.of(floor, rate)))
	b.faultless("udp-temp: wrong or lost answers", res.bad(ours))
	return nil
}
