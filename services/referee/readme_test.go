package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"netlab.example/pkg/language"
	"netlab.example/pkg/referee"
)

// contracts is the section of a README that says what the contracts say: they exist once, in pkg/referee.
func contracts(l language.Lang) string {
	var b strings.Builder
	for _, p := range referee.Protocols {
		fmt.Fprintf(&b, "**%s**\n\n| | %s |\n|---|---|\n", p.Name, map[language.Lang]string{language.English: "the contract", language.Chinese: "契约"}[l])
		for _, c := range p.Contract {
			fmt.Fprintf(&b, "| %s | %s |\n", c.ID, c.Text.In(l))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestREADMEHasTheContracts(t *testing.T) {
	for name, l := range map[string]language.Lang{"README.md": language.English, "README.zh-CN.md": language.Chinese} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if want := contracts(l); !strings.Contains(string(text), want) {
			t.Errorf("%s has not these lists:\n%s", name, want)
		}
	}
}
