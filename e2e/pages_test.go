package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// pages are the project's texts, from the repository's root.
func pages(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"*.md", "docs/*.md", "services/*/*.md", "pkg/*/*/*.md", "lessons/*.md"} {
		more, err := filepath.Glob("../" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, more...)
	}
	// "make bench ARGS=-write" writes these two, from its next run on in both languages and in short lines.
	found = slices.DeleteFunc(found, func(path string) bool { return path == "../docs/benchmarks.md" || path == "../docs/wire.md" })
	if len(found) < 10 {
		t.Fatalf("only %q", found)
	}
	return found
}

// A page is what counts in a text: a command in one language is the same command in the other.
type page struct {
	headings []int    // their levels, in order
	tables   []string // each row: how many columns it has, and how many pieces of code
	commands []string // lines that a reader may type
	prose    []string // all lines outside of code, without tables
	links    []string // all lines outside of code
}

var (
	typed = regexp.MustCompile(`^(\$ |)((?:[A-Z][A-Z0-9_]*=\S* )*(?:make|docker|\.tools/docker-compose|nc|curl|printf|echo|go|git|telnet|python3?|sudo|ss|tcpdump|wire|bin/[a-z-]+|cat|seq|yes|for|while)(?: .*)?)$`)
	code  = regexp.MustCompile("`[^`]+`")
	link  = regexp.MustCompile(`\.zh(-CN)?\.`)
	zh    = regexp.MustCompile(`\p{Han}`)
)

func read(t *testing.T, path string) page {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var p page
	fenced := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced:
			if found := typed.FindStringSubmatch(strings.TrimSpace(line)); found != nil {
				p.commands = append(p.commands, found[2])
			}
		case strings.HasPrefix(line, "#"):
			p.links = append(p.links, line)
			p.headings = append(p.headings, strings.Index(line, " "))
			p.prose = append(p.prose, line)
		case strings.HasPrefix(line, "|"):
			p.links = append(p.links, line)
			codes := code.FindAllString(line, -1)
			for _, c := range codes {
				if c = strings.Trim(c, "`"); typed.MatchString(c) {
					p.commands = append(p.commands, c)
				}
			}
			columns := strings.Count(code.ReplaceAllString(line, ""), "|") - 1
			p.tables = append(p.tables, fmt.Sprintf("%d columns, %d pieces of code", columns, len(codes)))
		default:
			p.links = append(p.links, line)
			p.prose = append(p.prose, line)
		}
	}
	return p
}

// same leaves out what may differ between two languages: words, and names that are words.
func same(lines []string) []string {
	var out []string
	for _, line := range lines {
		line, _, _ = strings.Cut(line, " # ")
		line = strings.ReplaceAll(link.ReplaceAllString(line, "."), "make zh", "make en")
		var words []string
		for word := range strings.FieldsSeq(line) {
			if !zh.MatchString(word) && word != "Anna" {
				words = append(words, word)
			}
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

// Each page exists in two languages, with the same headings, commands and tables.
func TestPagesInTwoLanguages(t *testing.T) {
	for _, path := range pages(t) {
		if strings.Contains(path, ".zh-CN.") {
			continue
		}
		other := strings.TrimSuffix(path, ".md") + ".zh-CN.md"
		if _, err := os.Stat(other); err != nil {
			t.Errorf("%s has no Chinese page", path)
			continue
		}
		en, zh := read(t, path), read(t, other)
		if !slices.Equal(en.headings, zh.headings) {
			t.Errorf("%s: headings of levels %v, in Chinese %v", path, en.headings, zh.headings)
		}
		differ(t, path+": command", same(en.commands), same(zh.commands))
		differ(t, path+": row of a table", en.tables, zh.tables)
	}
}

func differ(t *testing.T, what string, en, zh []string) {
	t.Helper()
	for i := range max(len(en), len(zh)) {
		if i >= len(en) || i >= len(zh) || en[i] != zh[i] {
			t.Errorf("%s %d differs:\n%q\n%q", what, i+1, en[min(i, len(en)):min(i+1, len(en))], zh[min(i, len(zh)):min(i+1, len(zh))])
			return
		}
	}
}

// A command can be copied with its whole line: an explanation stands after " # ".
func TestCommandsCanBeCopied(t *testing.T) {
	for _, path := range pages(t) {
		for _, line := range read(t, path).commands {
			copied(t, path, line)
		}
	}
}

func copied(t *testing.T, source, line string) {
	t.Helper()
	if out, err := exec.Command("sh", "-n", "-c", line).CombinedOutput(); err != nil {
		t.Errorf("%s: a shell does not read %q: %s", source, line, out)
	}
	before, _, _ := strings.Cut(line, " # ")
	if quoted := regexp.MustCompile(`'[^']*'|"[^"]*"`).ReplaceAllString(before, "q"); strings.Contains(strings.TrimSpace(quoted), "   ") || zh.MatchString(strings.ReplaceAll(quoted, "小明", "")) {
		t.Errorf("%s: what explains %q stands outside of a comment", source, line)
	}
}

// Prose has at most 120 characters in a line. (A link's address does not count, nor does a table.)
func TestPagesAreNarrow(t *testing.T) {
	address := regexp.MustCompile(`\]\([^)]*\)`)
	for _, path := range pages(t) {
		for _, line := range read(t, path).prose {
			if n := len([]rune(address.ReplaceAllString(line, "]"))); n > 120 {
				t.Errorf("%s: %d characters: %s", path, n, line)
			}
		}
	}
}

// A link within the project leads to a file that is there, and to the Chinese page from a Chinese one if there is one.
// (The English README is linked from it, as such.)
func TestLinks(t *testing.T) {
	target := regexp.MustCompile(`\]\(([^)#:]+)[^):]*\)`)
	for _, path := range pages(t) {
		chinese := strings.Contains(path, ".zh-CN.")
		for _, line := range read(t, path).links {
			for _, found := range target.FindAllStringSubmatch(line, -1) {
				file := filepath.Join(filepath.Dir(path), found[1])
				if _, err := os.Stat(file); err != nil {
					t.Errorf("%s: nothing is at %s", path, found[1])
				}
				other := strings.TrimSuffix(file, ".md") + ".zh-CN.md"
				if _, err := os.Stat(other); chinese && err == nil && file != "../README.md" {
					t.Errorf("%s: links to %s, which there is in Chinese", path, found[1])
				}
			}
		}
	}
}

// A line of Chinese ends where a pause is: a page shows its end as a space, and there is none within a word.
func TestChineseLines(t *testing.T) {
	for _, path := range pages(t) {
		prose := read(t, path).prose
		for i := range len(prose) - 1 {
			last, _ := utf8.DecodeLastRuneInString(prose[i])
			next, _ := utf8.DecodeRuneInString(strings.TrimSpace(prose[i+1]))
			if unicode.Is(unicode.Han, last) && unicode.Is(unicode.Han, next) && !strings.HasPrefix(prose[i], "#") {
				t.Errorf("%s: a line ends within a sentence: %s", path, prose[i])
			}
		}
	}
}
