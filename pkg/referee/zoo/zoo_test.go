package zoo

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"netlab.example/pkg/referee"
)

func protocol(name string) *referee.Protocol {
	for _, p := range referee.Protocols {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// TestEverySpecimenIsFoundOut: each wrong server fails the checks named for it and no others; what else is not judged is
// so because of one of those. The right ones pass all.
func TestEverySpecimenIsFoundOut(t *testing.T) {
	places := make(chan struct{}, 32) // most of the time all of them wait: t.Parallel would run too few at once
	var all sync.WaitGroup
	defer all.Wait()
	for _, s := range Specimens() {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			t.Run(s.Name, func(t *testing.T) { findOut(t, s) })
		})
	}
}

func findOut(t *testing.T, s Specimen) {
	p := protocol(s.Protocol)
	report, err := s.Judge(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, r := range report.Results {
		switch r.Verdict {
		case referee.Failed:
			failed = append(failed, r.Check)
			if !slices.Contains(s.Fails, r.Check) && !slices.Contains(s.MayFail, r.Check) {
				t.Errorf("%s fails, and is not named: %+v", r.Check, r.Failure)
			}
		case referee.NotJudged:
			if !slices.Contains(s.Fails, r.Because) && !slices.Contains(s.MayFail, r.Because) {
				t.Errorf("%s is not judged because of %s", r.Check, r.Because)
			}
		}
	}
	for _, name := range s.Fails {
		if !slices.Contains(failed, name) {
			t.Errorf("%s does not fail; failed: %s", name, strings.Join(failed, ", "))
		}
	}
	if report.Passed() != (len(s.Fails) == 0) {
		t.Errorf("passed: %v", report.Passed())
	}
}

// Each check finds somebody out, and each clause has a check: a check that nobody fails shows nothing.
func TestEveryCheckFindsSomebodyOut(t *testing.T) {
	for _, p := range referee.Protocols {
		for _, c := range p.Checks {
			if p.Clause(c.Clause) == nil {
				t.Errorf("%s: no clause %q", c.Name, c.Clause)
			}
			found := slices.ContainsFunc(Specimens(), func(s Specimen) bool { return s.Protocol == p.Name && slices.Contains(s.Fails, c.Name) })
			if !found && c.Means != referee.Wire { // what a wire sees, package referee's own tests and those in containers show
				t.Errorf("%s: no specimen of %s fails %s", p.Name, p.Name, c.Name)
			}
		}
		for _, clause := range p.Contract {
			if !slices.ContainsFunc(p.Checks, func(c referee.Check) bool { return c.Clause == clause.ID }) {
				t.Errorf("%s: no check of clause %s", p.Name, clause.ID)
			}
		}
	}
}
