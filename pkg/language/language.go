// Package language decides which language is sent on the wire and which one people see.
//
// The two are apart on purpose. Bytes on the wire are part of a protocol: two programs must agree on
// them, so they follow NETLAB_LANG alone and never the locale of the person who starts a server.
// What a person reads follows NETLAB_LANG first and then that person's locale.
//
// The words themselves stay in the services: a Both of a struct of phrases each. An Error carries its own.
package language

import "strings"

// A Lang is a language that the lab speaks.
type Lang int

const (
	Chinese Lang = iota // the default: the lab's first textbook is Chinese
	English
)

// A Choice holds both decisions.
type Choice struct {
	Wire   Lang // of the bytes that are sent
	People Lang // of what is shown
}

// FromEnv reads the choice from an environment, usually os.Getenv. A variable that is empty counts as unset.
func FromEnv(getenv func(string) string) Choice {
	c := Choice{Wire: of(getenv("NETLAB_LANG"))}
	for _, name := range []string{"NETLAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := getenv(name); v != "" {
			c.People = of(v)
			break
		}
	}
	return c
}

// of reads a locale name such as zh_CN.UTF-8, en or C.UTF-8.
func of(locale string) Lang {
	name, _, _ := strings.Cut(locale, ".") // the code set says nothing about the language
	switch {
	case name == "", name == "C", name == "POSIX", strings.HasPrefix(strings.ToLower(name), "zh"):
		return Chinese
	}
	return English
}

// Both holds one thing in each language.
type Both[T any] struct{ Zh, En T }

// In returns the one for l.
func (b Both[T]) In(l Lang) T {
	if l == English {
		return b.En
	}
	return b.Zh
}
