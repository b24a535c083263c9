package terminal

import (
	"strings"

	"golang.org/x/text/width"
)

const longestWord = 100 // bytes of a line that may be a word that leaves

// Leaves reports whether a line is a word by which a person leaves any client of the lab: exit or byebye, as it is
// typed on a Chinese keyboard too ("ｂｙｅｂｙｅ", "byebye。").
func Leaves(line string) bool {
	if len(line) > longestWord {
		return false
	}
	word := strings.TrimRight(strings.TrimSpace(width.Fold.String(line)), ".。!")
	return strings.EqualFold(word, "exit") || strings.EqualFold(word, "byebye")
}
