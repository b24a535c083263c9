package app

import (
	"strings"
	"testing"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
)

func TestParseFlags(t *testing.T) {
	for _, tc := range []struct{ args, words, zh, en string }{
		{"one -n 3 two -v", "one two", "", ""},
		{"-x", "", "没有选项 -x", "there is no option -x"},
		{"one --n", "", "选项 -n 需要一个值", "option -n needs a value"},
		{"-n many", "", `选项 -n 的值不对: "many"`, `option -n: "many" is no such value`},
	} {
		f := Flags()
		f.Int("n", 0, "")
		f.Bool("v", false, "")
		words, err := ParseFlags(f, strings.Fields(tc.args))
		if tc.en == "" {
			if got := strings.Join(words, " "); got != tc.words || err != nil {
				t.Errorf("%s: %q, %v", tc.args, got, err)
			}
			continue
		}
		if !failure.IsUsage(err) || language.Tell(err, language.Chinese) != tc.zh || language.Tell(err, language.English) != tc.en {
			t.Errorf("%s: %v, %s", tc.args, err, language.Tell(err, language.Chinese))
		}
	}
}
