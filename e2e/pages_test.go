package e2e

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var zh = regexp.MustCompile(`\p{Han}`)

// A command can be copied with its whole line: an explanation stands after " # ".
func copied(t *testing.T, where, line string) {
	t.Helper()
	if out, err := exec.Command("sh", "-n", "-c", line).CombinedOutput(); err != nil {
		t.Errorf("%s: a shell does not read %q: %s", where, line, out)
	}
	before, _, _ := strings.Cut(line, " # ")
	if quoted := regexp.MustCompile(`'[^']*'|"[^"]*"`).ReplaceAllString(before, "q"); strings.Contains(strings.TrimSpace(quoted), "   ") || zh.MatchString(strings.ReplaceAll(quoted, "小明", "")) {
		t.Errorf("%s: what explains %q stands outside of a comment", where, line)
	}
}
