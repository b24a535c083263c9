//go:build linux

package main

import (
	"fmt"
	"slices"
)

// A growth is how something grows with something else: a table, and a panel of the picture.
type growth struct {
	title, x, y string
	ticks       []int
	lines       []line
}

// A line has a figure for each tick, or for the first of them.
type line struct {
	name string
	y    []float64
}

func (g *growth) table() *table {
	t := &table{title: "Growth: " + g.title, head: []string{g.y + ", at " + g.x}}
	for _, x := range g.ticks {
		t.head = append(t.head, fmt.Sprint(x))
	}
	for _, l := range g.lines {
		row := []string{l.name}
		for _, y := range l.y {
			row = append(row, digits(y))
		}
		for len(row) < len(t.head) {
			row = append(row, "-")
		}
		t.row(row...)
	}
	return t
}

// add gives a line its next figure.
func (g *growth) add(name string, y float64) {
	i := slices.IndexFunc(g.lines, func(l line) bool { return l.name == name })
	if i < 0 {
		g.lines = append(g.lines, line{name: name})
		i = len(g.lines) - 1
	}
	g.lines[i].y = append(g.lines[i].y, y)
}

const growthRounds = 2

// growth: hello-tcp by connections at once. By people and by length of a line chat measures, by idle connections idle.
func (b *bench) growth() error {
	atOnce := []int{1, 4, 16, 64, 256, 1024}
	connections := growth{title: "hello-tcp, by connections at once", x: "connections at once", y: "thousand answers/s", ticks: atOnce}
	programs := b.present(b.ourHello("hello-tcp, DEFER_ACCEPT", "hello-tcp", "HELLO_TCP_DEFER_ACCEPT=on"), b.ourHello("hello-tcp", "hello-tcp"), b.nginx("nginx", "reuseport"), b.plain("plain Go", "hello", false))
	for _, n := range atOnce {
		got, err := b.contest(growthRounds, programs, func(s *server) (sample, error) { return b.askHello(s, n, b.howLong/2) })
		if err != nil {
			return err
		}
		for _, p := range programs {
			connections.add(p.name, got.of(p.name, rate).median()/1000)
		}
	}
	b.growths = append(b.growths, connections)
	return nil
}
