package terminal

import (
	"slices"

	"github.com/rivo/uniseg"
)

// A person sees one sign where there are several characters: a letter with an accent, a Korean syllable of its parts, a
// family. rl knows characters only. So each such sign is one character on rl's line, a stand-in of the same width,
// that nobody types: then the cursor, Backspace and the end of a row are right. It is unfolded wherever the line
// is painted, and when it is handed over.
type signs struct {
	stand map[string]rune
	is    map[rune][]rune
}

const (
	narrowStand = 0xf0000 // for private use: one cell
	wideStand   = 0x3a000 // Han that is not assigned yet: two cells
	maxStands   = 4096    // of each; then a sign is as many as it has characters
	maxSign     = 24      // characters; the rest is thrown away

	// joining takes the place of a character that belongs to the sign before it, until the two are folded: it is
	// painted as nothing and has no width, so that rl is not wrong about the screen meanwhile.
	joining = 0xe0002
)

func isStand(r rune) bool {
	return narrowStand <= r && r < narrowStand+maxStands || wideStand <= r && r < wideStand+maxStands || r == joining
}

// unfold is line as it is shown and sent.
func (s *signs) unfold(line []rune) []rune {
	if !slices.ContainsFunc(line, isStand) {
		return line
	}
	var out []rune
	for _, r := range line {
		switch {
		case !isStand(r):
			out = append(out, r)
		case r != joining:
			out = append(out, s.is[r]...)
		}
	}
	return out
}

// fold is a line with a stand-in for each sign of several characters.
func (s *signs) fold(line []rune) []rune {
	if !slices.ContainsFunc(line, func(r rune) bool { return r >= 0x300 }) {
		return line
	}
	var out []rune
	text, state := string(line), -1
	for text != "" {
		var sign string
		var cells int
		sign, text, cells, state = uniseg.FirstGraphemeClusterInString(text, state)
		all := []rune(sign)
		all = all[:min(len(all), maxSign)]
		if len(all) > 1 || isStand(all[0]) {
			all = s.standFor(all, cells)
		}
		out = append(out, all...)
	}
	return out
}

func (s *signs) standFor(sign []rune, cells int) []rune {
	if cells != 1 && cells != 2 {
		return sign
	}
	r, ok := s.stand[string(sign)]
	if !ok {
		if len(s.stand) >= maxStands {
			return sign
		}
		if s.stand == nil {
			s.stand, s.is = make(map[string]rune), make(map[rune][]rune)
		}
		r = rune(narrowStand + len(s.stand))
		if cells == 2 {
			r = rune(wideStand + len(s.stand))
		}
		s.stand[string(sign)], s.is[r] = r, slices.Clone(sign)
	}
	return []rune{r}
}

// joins reports whether r belongs to the sign at the end of before.
func (s *signs) joins(before []rune, r rune) bool {
	if r < 0x300 || len(before) == 0 {
		return false
	}
	sign := string(append(s.unfold(before[len(before)-1:]), r))
	_, rest, _, _ := uniseg.FirstGraphemeClusterInString(sign, -1)
	return rest == ""
}

// count is how many of line's characters stand for the first n of what it unfolds to.
func (s *signs) count(line []rune, n int) int {
	for i, r := range line {
		if n <= 0 {
			return i
		}
		n--
		if sign, ok := s.is[r]; ok {
			n -= len(sign) - 1
		}
	}
	return len(line)
}
