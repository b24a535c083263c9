// Package failure is what an error tells the person who started a program, beside what went wrong: that they
// used it wrongly, and what they can do about it. Package app prints both and chooses the exit code.
package failure

import "errors"

type usage struct{ error }

func (e *usage) Unwrap() error { return e.error }

// Usage marks an error as wrong usage: exit code 2.
func Usage(err error) error { return &usage{err} }

// IsUsage reports whether err means wrong usage.
func IsUsage(err error) bool {
	_, ok := errors.AsType[*usage](err)
	return ok
}

type undecided struct{ error }

func (e *undecided) Unwrap() error { return e.error }

// Undecided marks an error that leaves a question open: whoever asked has no answer, neither yes nor no. Exit code 2.
func Undecided(err error) error { return &undecided{err} }

// IsUndecided reports whether err leaves a question open.
func IsUndecided(err error) bool {
	_, ok := errors.AsType[*undecided](err)
	return ok
}

type hinted struct {
	error
	hint error
}

func (e *hinted) Unwrap() error { return e.error }

// Hint adds to err what its reader can do about it.
func Hint(err, hint error) error { return &hinted{err, hint} }

// HintOf is what the reader of err can do about it, or nil.
func HintOf(err error) error {
	if e, ok := errors.AsType[*hinted](err); ok {
		return e.hint
	}
	return nil
}
