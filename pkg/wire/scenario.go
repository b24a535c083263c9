package wire

import (
	"strings"

	"netlab.example/pkg/language"
)

// Scenario is what a file of lines asks for.
//
//	# Lose the answer once, on a slow link.        a comment: a line that begins with "# "
//	link out.delay=50ms seed=7
//	drop data #1 to client
type Scenario struct {
	Link   []string // the settings' lines, without the word link, in order
	Faults []Fault
}

const maxScenario = 64 << 10

// ParseScenario reads a scenario; an error names the line.
func ParseScenario(text string) (Scenario, error) {
	var s Scenario
	if len(text) > maxScenario {
		return s, language.Errorf("场景最长 %d KiB", "a scenario is at most %d KiB", maxScenario>>10)
	}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line == "#" || strings.HasPrefix(line, "# ") {
			continue
		}
		var err error
		if settings, ok := strings.CutPrefix(line, "link "); ok {
			if _, err = (Settings{}).Parse(settings); err == nil {
				s.Link = append(s.Link, strings.TrimSpace(settings))
			}
		} else {
			var f Fault
			if f, err = ParseFault(line); err == nil {
				s.Faults = append(s.Faults, f)
			}
		}
		if err != nil && strings.TrimSpace(text) == line { // one line needs no number
			return Scenario{}, err
		}
		if err != nil {
			return Scenario{}, language.Errorf("第 %d 行: %v", "line %d: %v", n, err)
		}
	}
	return s, nil
}
