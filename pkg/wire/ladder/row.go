package ladder

import "strings"

// style is a colour of a span, as an SGR sequence.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	bright style = "1;32" // the application's data
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	blue   style = "36"
	purple style = "35"
)

// light is how the same styles look on paper, on a white screen and from a projector: nobody can read dim, yellow
// and bright green there.
var light = map[style]style{
	dim: "38;5;240", bright: "1;38;5;22", red: "38;5;160", green: "38;5;28", yellow: "38;5;130", blue: "38;5;25", purple: "38;5;90",
}

// row is one line in the making. What it measures is its text without colours.
type row struct {
	text  string
	spans []span
}

type span struct {
	style style
	text  string
}

func newRow() *row { return &row{} }

func (r *row) add(s style, text string) {
	r.text += text
	r.spans = append(r.spans, span{s, text})
}

// to fills with spaces up to column n.
func (r *row) to(n int) { r.add(plain, strings.Repeat(" ", max(n-cells(r.text), 0))) }

// fill draws a line up to column n.
func (r *row) fill(n int) { r.add(dim, strings.Repeat("─", max(n-cells(r.text), 0))) }

// String is the row; colours are switched on and off for each span, so that a row can be cut off anywhere between them.
func (r *row) String(v View) string {
	if !v.Colour {
		return r.text
	}
	var b strings.Builder
	for _, s := range r.spans {
		if s.style == plain || s.text == "" {
			b.WriteString(s.text)
			continue
		}
		code := s.style
		if l, ok := light[code]; ok && v.Light {
			code = l
		}
		b.WriteString("\x1b[" + string(code) + "m" + s.text + "\x1b[0m")
	}
	return b.String()
}
