package terminal

import (
	"bytes"
	"strings"

	"github.com/rivo/uniseg"
)

// margin begins each further row of a line that is longer than the screen. Without it, a person who
// fills a row with spaces could make the next one look like a line of somebody else.
const margin = "    "

// wrap breaks lines into rows of at most width cells.
func wrap(lines []byte, width int) []byte {
	if width < 4*len(margin) {
		return lines // unknown, or too narrow for a margin
	}
	var out []byte
	rest := lines
	for line := range bytes.Lines(lines) {
		if len(line)-1 <= width { // no character has more cells than bytes
			if out != nil {
				out = append(out, line...)
			}
		} else {
			if out == nil {
				out = append(out, lines[:len(lines)-len(rest)]...)
			}
			out = append(out, rows(string(line), width)...)
		}
		rest = rest[len(line):]
	}
	if out == nil {
		return lines
	}
	return out
}

func rows(line string, width int) string {
	var b strings.Builder
	used, state := 0, -1
	for line != "" {
		var cluster string
		var cells int
		cluster, line, cells, state = uniseg.FirstGraphemeClusterInString(line, state)
		if used+cells > width {
			b.WriteString("\n" + margin)
			used = len(margin)
		}
		b.WriteString(cluster)
		used += cells
	}
	return b.String()
}
