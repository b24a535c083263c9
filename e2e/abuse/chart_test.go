package abuse

import (
	"fmt"
	"math"
	"strings"
	"time"
)

const (
	chartWidth  = 900
	panelHeight = 150
	left, top   = 60, 60
	gap         = 50
)

var lineColours = []string{"#0969da", "#bf3989", "#1a7f37"}

// draw makes a picture of a soak: a panel for each figure, a line for each server, grey where there was bad traffic.
func draw(title string, services []string, samples [][]sample) string {
	panels := []struct {
		title string
		value func(sample) float64
	}{
		{"resident memory, MiB", func(s sample) float64 { return s.figures.memory }},
		{"goroutines", func(s sample) float64 { return float64(s.figures.goroutines) }},
		{"descriptors", func(s sample) float64 { return float64(s.figures.descriptors) }},
		{"good client's answer, median of a second, ms", func(s sample) float64 { return milliseconds(s.p50) }},
		{"good client's answer, slowest of a second, ms", func(s sample) float64 { return milliseconds(s.slowest) }},
	}
	height := top + len(panels)*(panelHeight+gap)
	end := time.Second
	for _, one := range samples {
		end = max(end, one[len(one)-1].at)
	}
	x := func(at time.Duration) float64 { return left + float64(at)/float64(end)*(chartWidth-left-20) }

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", chartWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", chartWidth, height)
	fmt.Fprintf(&b, `<text x="%d" y="20" font-size="15">%s (grey: bad traffic)</text>`+"\n", left, title)
	for i, service := range services {
		fmt.Fprintf(&b, `<text x="%d" y="40" fill="%s">%s</text>`+"\n", left+i*120, lineColours[i], service)
	}
	for i, p := range panels {
		y0 := float64(top + i*(panelHeight+gap) + 20)
		most := 0.0
		for _, one := range samples {
			for _, s := range one {
				most = max(most, p.value(s))
			}
		}
		most = roundUp(most)
		y := func(v float64) float64 { return y0 + panelHeight*(1-v/most) }
		for k, s := range samples[0] {
			if s.bad && k+1 < len(samples[0]) {
				fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%d" fill="#f0f0f0"/>`+"\n", x(s.at), y0, x(samples[0][k+1].at)-x(s.at), panelHeight)
			}
		}
		fmt.Fprintf(&b, `<text x="%d" y="%.1f">%s</text>`+"\n", left, y0-6, p.title)
		for _, v := range []float64{0, most / 2, most} {
			fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ccc"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n", left, y(v), chartWidth-20, left-6, y(v)+4, v)
		}
		for k, one := range samples {
			var points []string
			for _, s := range one {
				points = append(points, fmt.Sprintf("%.1f,%.1f", x(s.at), y(p.value(s))))
			}
			fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", strings.Join(points, " "), lineColours[k])
		}
		for m := time.Duration(0); m <= end; m += time.Minute {
			fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="middle" fill="#666">%d min</text>`+"\n", x(m), y0+panelHeight+15, m/time.Minute)
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// roundUp makes the top of a scale: 1, 2, 4 or 10 times a power of ten.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 1
	}
	ten := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 4} {
		if v <= step*ten {
			return step * ten
		}
	}
	return 10 * ten
}
