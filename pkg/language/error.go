package language

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// An Error says in both languages what went wrong. Error returns the English, as logs are English; Tell
// is for people.
type Error struct {
	words Both[string]
	cause error
}

// Errorf makes an Error. Both formats take the same arguments; one that is an error itself is told in the language
// of the format, and the first such is the Error's cause.
func Errorf(zh, en string, args ...any) error {
	inZh, e := slices.Clone(args), &Error{}
	for i, arg := range args {
		if cause, ok := arg.(error); ok {
			inZh[i] = Tell(cause, Chinese)
			if e.cause == nil {
				e.cause = cause
			}
		}
	}
	e.words = Both[string]{Zh: fmt.Sprintf(zh, inZh...), En: fmt.Sprintf(en, args...)}
	return e
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

func (e *Error) Error() string { return e.words.En }

// Tell is the text of err for a person who reads l: of an Error in it, the words in l; the rest as it is.
func Tell(err error, l Lang) string {
	text := err.Error()
	if e, ok := errors.AsType[*Error](err); ok {
		text = strings.Replace(text, e.words.En, e.words.In(l), 1)
	}
	return text
}
