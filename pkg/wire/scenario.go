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
//	link out.loss=100% after 10s for 5s; reset data #3 to server      a semicolon is as good as a new line
type Scenario struct {
	Link   []Step // the lines about the link, in order
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
		if line = strings.TrimSpace(line); line == "#" || strings.HasPrefix(line, "# ") {
			continue
		}
		for part := range strings.SplitSeq(line, ";") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			err := s.add(part)
			if err != nil && strings.TrimSpace(text) == part { // one line needs no number
				return Scenario{}, err
			}
			if err != nil {
				return Scenario{}, language.Errorf("第 %d 行: %v", "line %d: %v", n, err)
			}
		}
	}
	return s, nil
}

func (s *Scenario) add(line string) error {
	if settings, ok := strings.CutPrefix(line, "link "); ok {
		step, err := ParseStep(settings)
		s.Link = append(s.Link, step)
		return err
	}
	f, err := ParseFault(line)
	s.Faults = append(s.Faults, f)
	return err
}

// String is the scenario as it is written, in one line.
func (s Scenario) String() string {
	var lines []string
	for _, step := range s.Link {
		lines = append(lines, "link "+step.String())
	}
	for _, f := range s.Faults {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "; ")
}
