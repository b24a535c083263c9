package ladder

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"netlab.example/pkg/language"
)

// parts counts the elements of a picture, which must be well-formed.
func parts(t *testing.T, svg string) (texts []string, count map[string]int) {
	t.Helper()
	count = map[string]int{}
	in := xml.NewDecoder(strings.NewReader(svg))
	inText := false
	for {
		token, err := in.Token()
		if err == io.EOF {
			return texts, count
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		switch x := token.(type) {
		case xml.StartElement:
			count[x.Name.Local]++
			inText = x.Name.Local == "text"
		case xml.EndElement:
			inText = false
		case xml.CharData:
			if inText {
				texts = append(texts, string(x))
			}
		}
	}
}

func TestSVG(t *testing.T) {
	v := View{Width: 80, Lang: language.Chinese, Start: start, Colour: true}
	var lines []string
	for _, r := range lost() {
		lines = append(lines, v.Render(r)...)
	}
	svg := SVG(append(v.Head(lost()[0]), lines...), false)
	golden(t, "lost.svg", svg)
	texts, count := parts(t, svg)
	all := strings.Join(texts, "\n")
	for _, want := range []string{"«你好»", "在此丢弃", "drop data #1 to client", "服务器"} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is missing in\n%s", want, all)
		}
	}
	paper := SVG(lines, true)
	for colour := range map[string]bool{onDark.ground: true, onDark.ink[bright]: true} {
		if strings.Contains(paper, colour) {
			t.Errorf("%s on paper", colour)
		}
	}
	if strings.ContainsAny(all, "─│├┤┼►◄✗\x1b") || count["path"] < 3 {
		t.Errorf("lines and arrows should be paths: %v\n%s", count, all)
	}
}

func FuzzSVG(f *testing.F) {
	f.Add("\x1b[31mred\x1b[0m <&> \x1b[")
	f.Add("\xff\uffff\x00 ─►\x1b[2m你好  é")
	f.Fuzz(func(t *testing.T, line string) { parts(t, SVG([]string{line, ""}, false)) })
}
