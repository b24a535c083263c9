package ladder

import (
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// The size of a cell in a picture, in pixels, and the picture's margin.
const (
	cellWidth, cellHeight = 8.4, 19.0
	margin                = 14.0
)

// SVG makes a picture, on a dark ground or for paper on a white one, of lines that were drawn in colour: of a ladder, or of an opened packet. Lines and
// arrows become lines and arrows; the rest becomes text, each piece at its own column, so that a font
// whose Chinese characters are not two cells wide moves nothing.
func SVG(lines []string, paper bool) string {
	p := picture{paths: map[style]*strings.Builder{}, colours: onDark}
	if paper {
		p.colours = onPaper
	}
	width := 0
	for i, line := range lines {
		p.row = i
		width = max(width, p.line(line))
	}
	w, h := float64(width)*cellWidth+2*margin, float64(len(lines))*cellHeight+2*margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" font-family="ui-monospace,Menlo,Consolas,'DejaVu Sans Mono','Noto Sans Mono CJK SC',monospace" font-size="14">`+"\n", w, h, w, h)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", p.colours.ground)
	for _, s := range slices.Sorted(maps.Keys(p.paths)) {
		fmt.Fprintf(&b, `<path d="%s" stroke="%s" fill="%s" stroke-width="1.4"/>`+"\n", strings.TrimSpace(p.paths[s].String()), p.colours.ink[s], p.colours.ink[s])
	}
	b.WriteString(p.texts.String())
	b.WriteString("</svg>\n")
	return b.String()
}

// colours are a picture's ground and what is drawn on it.
type colours struct {
	ground string
	ink    map[style]string
}

var (
	onDark = colours{"#0d1117", map[style]string{
		plain: "#e6edf3", bold: "#ffffff", dim: "#8b949e", bright: "#7ee787", red: "#ff7b72", green: "#56d364", yellow: "#e3b341", blue: "#79c0ff", purple: "#d2a8ff",
	}}
	onPaper = colours{"#ffffff", map[style]string{
		plain: "#1f2328", bold: "#000000", dim: "#59636e", bright: "#0a6b2d", red: "#c40d1e", green: "#1a7f37", yellow: "#8a5a00", blue: "#0550ae", purple: "#7a3fc0",
	}}
)

// picture collects what the lines consist of.
type picture struct {
	row     int
	colours colours
	paths   map[style]*strings.Builder
	texts   strings.Builder
}

// line adds one line and returns how many cells it has.
func (p *picture) line(line string) (column int) {
	s := plain
	for line != "" {
		text, rest, found := strings.Cut(line, "\x1b[")
		column = p.span(s, text, column)
		if !found {
			break
		}
		code, after, _ := strings.Cut(rest, "m")
		if s = style(code); s == "0" || p.colours.ink[s] == "" {
			s = plain
		}
		line = after
	}
	return column
}

// span adds text in one colour from a column on, and returns the column after it.
func (p *picture) span(s style, text string, column int) int {
	var word strings.Builder
	from := column
	flush := func() {
		p.text(s, word.String(), from)
		word.Reset()
	}
	for state := -1; text != ""; {
		var cluster string
		var width int
		cluster, text, width, state = uniseg.FirstGraphemeClusterInString(text, state)
		switch {
		case p.stroke(s, cluster, column):
			flush()
			from = column + width
		case cluster == " " && strings.HasSuffix(word.String(), " "), cluster == " " && word.Len() == 0: // two spaces: a new piece
			flush()
			from = column + width
		default:
			word.WriteString(cluster)
		}
		column += width
	}
	flush()
	return column
}

func (p *picture) text(s style, text string, column int) {
	if text = strings.TrimRight(text, " "); text == "" {
		return
	}
	weight := ""
	if s == bold || s == bright {
		weight = ` font-weight="bold"`
	}
	fmt.Fprintf(&p.texts, `<text x="%.1f" y="%.1f" fill="%s"%s textLength="%.1f" lengthAdjust="spacingAndGlyphs" xml:space="preserve">`,
		margin+float64(column)*cellWidth, margin+float64(p.row)*cellHeight+cellHeight*0.74, p.colours.ink[s], weight, float64(cells(text))*cellWidth)
	xml.EscapeText(&p.texts, []byte(text))
	p.texts.WriteString("</text>\n")
}

// stroke draws a cell that is a line or an arrow's head; false for any other.
func (p *picture) stroke(s style, cell string, column int) bool {
	left, top := margin+float64(column)*cellWidth, margin+float64(p.row)*cellHeight
	right, bottom := left+cellWidth, top+cellHeight
	x, y := left+cellWidth/2, top+cellHeight/2
	var d string
	across := func(from, to float64) { d += fmt.Sprintf("M%.1f %.1fH%.1f ", from, y, to) }
	down := func() { d += fmt.Sprintf("M%.1f %.1fV%.1f ", x, top, bottom) }
	switch cell {
	case "─":
		across(left, right)
	case "┄":
		across(left+1, right-4)
	case "│":
		down()
	case "├":
		down()
		across(x, right)
	case "┤":
		down()
		across(left, x)
	case "┼":
		down()
		across(left, right)
	case "✗":
		d = fmt.Sprintf("M%.1f %.1fL%.1f %.1fM%.1f %.1fL%.1f %.1f ", x-5, y-5, x+5, y+5, x-5, y+5, x+5, y-5)
	case "►":
		d = fmt.Sprintf("M%.1f %.1fL%.1f %.1fL%.1f %.1fZ ", left, y-4.5, right+2, y, left, y+4.5)
	case "◄":
		d = fmt.Sprintf("M%.1f %.1fL%.1f %.1fL%.1f %.1fZ ", right, y-4.5, left-2, y, right, y+4.5)
	default:
		return false
	}
	if p.paths[s] == nil {
		p.paths[s] = &strings.Builder{}
	}
	p.paths[s].WriteString(d)
	return true
}
