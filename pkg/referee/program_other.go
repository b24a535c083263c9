//go:build !unix

package referee

import "netlab.example/pkg/language"

// A Program would be a server on a terminal of the referee's own.
type Program struct{ Screen }

func RunProgram(string) (*Program, error) {
	return nil, language.Errorf("-operator 需要 Unix 的终端", "-operator needs a terminal of Unix")
}

func (p *Program) Runs() bool   { return false }
func (p *Program) Again() error { return nil }
func (p *Program) Close() error { return nil }
