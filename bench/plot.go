//go:build linux

package main

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// The picture: one panel for each growth, the horizontal axis logarithmic, the vertical one from 0.
const (
	panelWide, panelHigh     = 490, 300
	left, right, top, bottom = 56, 180, 34, 44 // margins; the names of the lines stand on the right
	plotWide, plotHigh       = panelWide - left - right, panelHigh - top - bottom
	panelsInRow, namesApart  = 2, 13
)

var colours = []string{"#0b62a4", "#d1495b", "#3a7d44", "#8f5fbf", "#e08e0b", "#4a4a4a", "#12939a", "#b8860b"}

// drawAll gives each name one colour, in all panels.
func drawAll(w io.Writer, growths []growth) {
	colour := make(map[string]string)
	for _, g := range growths {
		for _, l := range g.lines {
			if colour[l.name] == "" {
				colour[l.name] = colours[len(colour)%len(colours)]
			}
		}
	}
	rows := (len(growths) + panelsInRow - 1) / panelsInRow
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11" fill="#222">`+"\n", panelsInRow*panelWide, rows*panelHigh)
	fmt.Fprintln(w, `<rect width="100%" height="100%" fill="#fff"/>`)
	for i, g := range growths {
		fmt.Fprintf(w, `<g transform="translate(%d %d)">`+"\n", i%panelsInRow*panelWide, i/panelsInRow*panelHigh)
		g.draw(w, colour)
		fmt.Fprintln(w, `</g>`)
	}
	fmt.Fprintln(w, `</svg>`)
}

func (g *growth) draw(w io.Writer, colours map[string]string) {
	most := 0.0
	for _, l := range g.lines {
		for _, y := range l.y {
			most = max(most, y)
		}
	}
	step := roundStep(most / 4)
	scale := step * math.Max(1, math.Ceil(most/step))
	first, last := math.Log(float64(g.ticks[0])), math.Log(float64(g.ticks[len(g.ticks)-1]))
	at := func(tick int) float64 { return left + plotWide*(math.Log(float64(tick))-first)/(last-first) }
	height := func(y float64) float64 { return top + plotHigh*(1-y/scale) }

	fmt.Fprintf(w, `<text x="%d" y="16" font-size="13" font-weight="bold">%s</text>`+"\n", left, escape(g.title))
	fmt.Fprintf(w, `<text x="%d" y="%d">%s</text>`+"\n", left, top-5, escape(g.y))
	for y := 0.0; y <= scale*1.001; y += step {
		fmt.Fprintf(w, `<path d="M%d %.1fh%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", left, height(y), plotWide, left-5, height(y)+4, digits(y))
	}
	for _, tick := range g.ticks {
		fmt.Fprintf(w, `<text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n", at(tick), top+plotHigh+15, tick)
	}
	fmt.Fprintf(w, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", left+plotWide/2, top+plotHigh+32, escape(g.x))
	for i, l := range g.lines {
		var points []string
		for j, y := range l.y {
			points = append(points, fmt.Sprintf("%.1f,%.1f", at(g.ticks[j]), height(y)))
		}
		colour := colours[l.name]
		fmt.Fprintf(w, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), colour)
		for _, p := range points {
			x, y, _ := strings.Cut(p, ",")
			fmt.Fprintf(w, `<circle cx="%s" cy="%s" r="2.5" fill="%s"/>`+"\n", x, y, colour)
		}
		name := top + namesApart*(i+1)
		fmt.Fprintf(w, `<rect x="%d" y="%d" width="12" height="3" fill="%s"/><text x="%d" y="%d">%s</text>`+"\n", panelWide-right+8, name-5, colour, panelWide-right+24, name, escape(l.name))
	}
}

// roundStep is 1, 2 or 5 times a power of ten, and no less than x.
func roundStep(x float64) float64 {
	if x <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= x {
			return m * power
		}
	}
	return 10 * power
}

func escape(s string) string { return strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(s) }
