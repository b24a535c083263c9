package app

import (
	"flag"
	"io"
	"strings"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
)

// Flags makes an empty set of flags for ParseFlags.
func Flags() *flag.FlagSet {
	f := flag.NewFlagSet("", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	return f
}

// ParseFlags reads flags wherever they stand among args, and returns the other words: whoever adds -json to a line that
// they typed before writes it at the end. Anything that is wrong is wrong usage.
func ParseFlags(f *flag.FlagSet, args []string) (words []string, err error) {
	for {
		if err := f.Parse(args); err != nil {
			return nil, failure.Usage(flagError(err))
		}
		if f.NArg() == 0 {
			return words, nil
		}
		words, args = append(words, f.Arg(0)), f.Args()[1:]
	}
}

// flagError says in both languages what package flag says in English.
func flagError(err error) error {
	said := err.Error()
	if name, ok := strings.CutPrefix(said, "flag provided but not defined: "); ok {
		return language.Errorf("没有选项 %s", "there is no option %s", name)
	}
	if name, ok := strings.CutPrefix(said, "flag needs an argument: "); ok {
		return language.Errorf("选项 %s 需要一个值", "option %s needs a value", name)
	}
	if rest, ok := strings.CutPrefix(said, "invalid value "); ok { // "x" for flag -n: parse error
		value, rest, _ := strings.Cut(rest, " for flag ")
		name, _, _ := strings.Cut(rest, ":")
		return language.Errorf("选项 %s 的值不对: %s", "option %s: %s is no such value", name, value)
	}
	return err
}
