package terminal

import (
	"slices"
	"testing"
	"unicode/utf8"
)

// What is folded is unfolded again to what it was, and a place in the line stays where it was.
func FuzzSigns(f *testing.F) {
	for _, s := range []string{"", "hello", "e\u0301a", "\u1112\u1161\u11ab", "👨\u200d👩\u200d👧x", "🇨🇳🇫", "\U0003a001\U000f0001e\u0301", "\u0301", "a\u200d"} {
		f.Add(s)
	}
	var s signs
	f.Fuzz(func(t *testing.T, text string) {
		line := []rune(text)
		if !utf8.ValidString(text) || len(line) > maxSign || slices.Contains(line, joining) {
			return // longer signs are cut; what is no text is not typed
		}
		folded := s.fold(line)
		if got := s.unfold(folded); !slices.Equal(got, line) && len(s.stand) < maxStands {
			t.Fatalf("%q is folded to %q, and that is %q", text, string(folded), string(got))
		}
		for i := range folded {
			if n := len(s.unfold(folded[:i])); s.count(folded, n) != i {
				t.Fatalf("%q: the first %d of %q are %d characters, and those are %d", text, i, string(folded), n, s.count(folded, n))
			}
		}
	})
}
