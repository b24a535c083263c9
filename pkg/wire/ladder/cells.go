package ladder

import (
	"strings"

	"github.com/rivo/uniseg"
)

// A terminal has cells: most letters take one, a Chinese character takes two, a combining accent none.
// So nothing here is measured in bytes or in runes.

func cells(s string) int {
	n := 0
	for _, r := range s {
		if !single(r) {
			return uniseg.StringWidth(s) // which takes a hundred times as long
		}
		n++
	}
	return n
}

// single reports whether r is one of those that a ladder mostly consists of. They take one cell each, and none of
// them joins its neighbours.
func single(r rune) bool {
	return ' ' <= r && r <= '~' || 0x2500 <= r && r <= 0x257f || strings.ContainsRune("►◄✗○…«»→·×", r)
}

// clip shortens s to at most n cells, with … if something is missing.
func clip(s string, n int) string {
	if n <= 0 {
		return ""
	}
	if len(s) <= n || cells(s) <= n { // a byte never takes more than one cell
		return s
	}
	kept, rest, width, used := "", s, 0, 0
	for state := -1; rest != ""; {
		var cluster string
		cluster, rest, width, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+width > n-1 {
			break
		}
		kept, used = kept+cluster, used+width
	}
	return kept + "…"
}

// pad clips or fills s to exactly n cells.
func pad(s string, n int) string {
	s = clip(s, n)
	return s + strings.Repeat(" ", max(n-cells(s), 0))
}

// padLeft is pad with the spaces in front.
func padLeft(s string, n int) string {
	s = clip(s, n)
	return strings.Repeat(" ", max(n-cells(s), 0)) + s
}
