//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// A sample is what one round measured of one contender.
type sample struct {
	rate      float64 // of what is counted: answers or deliveries a second
	cost      float64 // processor time of the server for each, in microseconds
	p50, p99  float64 // milliseconds
	generator float64 // how much of its one processor the generator used
	bad       string  // what should not have been: "" for nothing
}

// results are the samples of each contender, round by round.
type results struct {
	names   []string
	samples map[string][]sample
}

func (r *results) add(name string, s sample) {
	if r.samples == nil {
		r.samples = make(map[string][]sample)
	}
	if !slices.Contains(r.names, name) {
		r.names = append(r.names, name)
	}
	r.samples[name] = append(r.samples[name], s)
}

// of is one figure of one contender, round by round.
func (r *results) of(name string, figure func(sample) float64) series {
	var s series
	for _, x := range r.samples[name] {
		s = append(s, figure(x))
	}
	return s
}

func rate(s sample) float64      { return s.rate }
func cost(s sample) float64      { return s.cost }
func p50(s sample) float64       { return s.p50 }
func p99(s sample) float64       { return s.p99 }
func generator(s sample) float64 { return s.generator }

// bad is everything that should not have been.
func (r *results) bad(name string) string {
	var all []string
	for _, s := range r.samples[name] {
		if s.bad != "" {
			all = append(all, s.bad)
		}
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, "; ")
}

// A series has a figure for each round.
type series []float64

func (s series) median() float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// over divides round by round: what the machine was busy with besides slows both.
func (s series) over(peer series) series {
	var ratios series
	for i := range min(len(s), len(peer)) {
		if peer[i] > 0 {
			ratios = append(ratios, s[i]/peer[i])
		}
	}
	return ratios
}

// largest and smallest are those of each round.
func largest(all ...series) series  { return eachRound(slices.Max[[]float64], all) }
func smallest(all ...series) series { return eachRound(slices.Min[[]float64], all) }

func eachRound(choose func([]float64) float64, all []series) series {
	var chosen series
	for round := 0; ; round++ {
		var these []float64
		for _, s := range all {
			if round < len(s) {
				these = append(these, s[round])
			}
		}
		if len(these) == 0 {
			return chosen
		}
		chosen = append(chosen, choose(these))
	}
}

// String is the median, and how far the rounds lie apart.
func (s series) String() string {
	if len(s) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", s.median(), slices.Min(s), slices.Max(s))
}

// A table can be printed for a person or as Markdown.
type table struct {
	title string
	notes []string // above it
	head  []string
	rows  [][]string
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) text(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n", t.title)
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.head}, t.rows...) {
		fmt.Fprintf(tab, "  %s\n", strings.Join(row, "\t"))
	}
	tab.Flush()
}

func (t *table) markdown(w io.Writer) {
	fmt.Fprintf(w, "\n## %s\n\n", t.title)
	for _, n := range t.notes {
		fmt.Fprintf(w, "%s\n\n", fold(n))
	}
	fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(t.head, " | "), strings.Repeat("---|", len(t.head)))
	for _, row := range t.rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
}

const foldAt = 118 // characters of a line of prose

// fold breaks a paragraph into lines, at spaces and after Chinese full stops.
func fold(text string) string {
	var lines strings.Builder
	wide := 0
	for _, word := range strings.Split(strings.ReplaceAll(text, "。", "。\x00 "), " ") {
		chinese := strings.HasSuffix(word, "\x00") // no space follows it
		word = strings.TrimSuffix(word, "\x00")
		n := utf8.RuneCountInString(word)
		if wide > 0 && wide+n > foldAt {
			lines.WriteByte('\n')
			wide = 0
		}
		lines.WriteString(word)
		if wide += n; !chinese {
			lines.WriteByte(' ')
			wide++
		}
	}
	return strings.ReplaceAll(strings.TrimSpace(lines.String()), " \n", "\n")
}

func thousands(x float64) string { return fmt.Sprintf("%.1f", x/1000) }

// digits keeps three of them, and no exponent.
func digits(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

func percent(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) }
