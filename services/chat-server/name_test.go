package main

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"netlab.example/pkg/text"
)

func TestParseName(t *testing.T) {
	for _, tc := range []struct {
		asked, shown, key string
		rule              nameRule
	}{
		{asked: "Ann", shown: "Ann", key: "ann"},
		{asked: "小明", shown: "小明", key: "小明"},
		{asked: "小明abc-1_2.3", shown: "小明abc-1_2.3", key: "小明abc-1_2.3"},
		{asked: "😀", shown: "😀", key: "😀"},
		{asked: "Ａｎｎ", shown: "Ann", key: "ann"},
		{asked: "e\u0301", shown: "é", key: "é"},
		{asked: "Анна", shown: "Анна", key: "анна"},
		{asked: " Ann ", shown: "Ann", key: "ann"},
		{asked: "guest\u20111", shown: "guest\u20101", key: "guest-1"},
		{asked: "guest\u22121", shown: "guest\u22121", key: "guest-1"},
		{asked: "a*b/c", shown: "a*b/c", key: "a*b/c"},
		{asked: strings.Repeat("好", 32), shown: strings.Repeat("好", 32), key: strings.Repeat("好", 32)},

		{asked: strings.Repeat("好", 33), rule: nameLength},
		{asked: strings.Repeat("x", 1024), rule: nameLength},
		{asked: "", rule: nameCharacters},
		{asked: "  ", rule: nameCharacters},
		{asked: "Ann Lee", rule: nameCharacters},
		{asked: "Ann\u00a0Lee", rule: nameCharacters},
		{asked: "Ann:", rule: nameCharacters},
		{asked: "Ann：hi", rule: nameCharacters},
		{asked: "Ann\u2236", rule: nameCharacters},
		{asked: "Ann\u205ahi", rule: nameCharacters},
		{asked: "Ann\u05c3", rule: nameCharacters},
		{asked: "\u0301", rule: nameCharacters},                          // an accent on whatever stands before it
		{asked: "x" + strings.Repeat("\u0332", 9), rule: nameCharacters}, // over and under the lines around it
		{asked: "A\x1b[31mnn", rule: nameCharacters},
		{asked: "A\x00nn", rule: nameCharacters},
		{asked: "A\tnn", rule: nameCharacters},
		{asked: "A\u200bnn", rule: nameCharacters},
		{asked: "A\u200dnn", rule: nameCharacters},
		{asked: "\u202ennA", rule: nameCharacters},
		{asked: "A\u00adnn", rule: nameCharacters},
		{asked: "\u3164", rule: nameCharacters},
		{asked: "\u2800", rule: nameCharacters},
		{asked: "\ufeffAnn", rule: nameCharacters},
		{asked: "Аnn", rule: nameCharacters}, // the A is Cyrillic
		{asked: "A\xffnn", rule: nameCharacters},
		{asked: "*", rule: nameReserved},
		{asked: "*Ann", rule: nameReserved},
		{asked: "＊Ann", rule: nameReserved},
		{asked: "/who", rule: nameReserved},
		{asked: "／who", rule: nameReserved},
		{asked: "server", rule: nameReserved},
		{asked: "SERVER", rule: nameReserved},
		{asked: "ｓｅｒｖｅｒ", rule: nameReserved},
		{asked: "ſerver", rule: nameReserved},
		{asked: "ⓢerver", rule: nameReserved},
		{asked: "𝐬erver", rule: nameReserved},
		{asked: "Sərvər", shown: "Sərvər", key: "sərvər"}, // people are called so
		{asked: "Sergeɾ", shown: "Sergeɾ", key: "sergeɾ"},
		{asked: "Kɔfi", shown: "Kɔfi", key: "kɔfi"},
		{asked: "Nguyễn", shown: "Nguyễn", key: "nguyễn"},
		{asked: "servers", shown: "servers", key: "servers"},
		{asked: "сервер", shown: "сервер", key: "сервер"},
		{asked: "guest\u20141", shown: "guest\u20141", key: "guest-1"},
		{asked: "ser\u200bver", rule: nameCharacters},
		{asked: "sеrver", rule: nameCharacters}, // the first е is Cyrillic
	} {
		got, rule := parseName(tc.asked)
		if rule != tc.rule || got != (name{tc.shown, tc.key}) {
			t.Errorf("%+q: got %+q, rule %d; want %+q %+q, rule %d", tc.asked, got, rule, tc.shown, tc.key, tc.rule)
		}
	}
}

// Whatever is asked for, a name cannot forge a line or a notice, hide, or be the server's.
func FuzzParseName(f *testing.F) {
	for _, s := range []string{"Ann", "小明", "ｓｅｒｖｅｒ", "* x", "a: b", "\u202ex", "ŉ", "ﷺ", "x" + strings.Repeat("\u0332", 20), "\U0001f468\u200d\U0001f469"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, rule := parseName(s)
		if rule != nameFine {
			return
		}
		if n := utf8.RuneCountInString(got.shown); n < 1 || n > maxName {
			t.Errorf("%+q: %d characters", got.shown, n)
		}
		if strings.ContainsAny(got.shown, ": \n") || strings.ContainsFunc(got.shown, unicode.IsControl) ||
			strings.HasPrefix(got.shown, "*") || strings.HasPrefix(got.shown, "/") {
			t.Errorf("%+q misleads", got.shown)
		}
		if text.Escape(got.shown) != got.shown {
			t.Errorf("%+q would be escaped", got.shown)
		}
		if got.key == serverName || strings.EqualFold(got.shown, serverName) {
			t.Errorf("%+q is the server's", got.shown)
		}
		again, rule := parseName(got.shown)
		if rule != nameFine || again.key != got.key {
			t.Errorf("%+q: again it is %+q, rule %d", got, again, rule)
		}
	})
}
