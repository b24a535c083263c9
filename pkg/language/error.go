package language

import (
	"errors"
	"fmt"
	"strings"
)

// An Error says in both languages what went wrong. Error returns the English, as logs are English; Tell
// is for people.
type Error struct{ words Both[string] }

// Errorf makes an Error. Both formats take the same arguments.
func Errorf(zh, en string, args ...any) error {
	return &Error{Both[string]{Zh: fmt.Sprintf(zh, args...), En: fmt.Sprintf(en, args...)}}
}

func (e *Error) Error() string { return e.words.En }

// Tell is the text of err for a person who reads l: of an Error in it, the words in l; the rest as it is.
func Tell(err error, l Lang) string {
	text := err.Error()
	if e, ok := errors.AsType[*Error](err); ok {
		text = strings.Replace(text, e.words.En, e.words.In(l), 1)
	}
	return text
}
