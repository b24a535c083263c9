//go:build linux

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMedian(t *testing.T) {
	for _, tc := range []struct {
		s    series
		want float64
	}{{nil, 0}, {series{3}, 3}, {series{9, 1, 2}, 2}, {series{4, 1, 2, 3}, 2.5}} {
		if got := tc.s.median(); got != tc.want {
			t.Errorf("%v: got %v, want %v", tc.s, got, tc.want)
		}
	}
}

func TestRatiosAreFormedWithinARound(t *testing.T) {
	got := series{10, 40, 9}.over(series{10, 20, 0}) // in the last round the peer did nothing: no ratio
	if !slices.Equal(got, series{1, 2}) {
		t.Errorf("got %v", got)
	}
	if got, want := (series{1, 2, 4}).String(), "2.00 (1.00 to 4.00)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLargestAndSmallestOfEachRound(t *testing.T) {
	a, b := series{1, 5, 3}, series{2, 4}
	if got := largest(a, b); !slices.Equal(got, series{2, 5, 3}) {
		t.Errorf("largest: %v", got)
	}
	if got := smallest(a, b); !slices.Equal(got, series{1, 4, 3}) {
		t.Errorf("smallest: %v", got)
	}
}

func TestATargetIsMetByTheMedian(t *testing.T) {
	b := new(bench)
	b.target("met", 1, series{0.5, 1, 7})
	b.target("missed", 1, series{0.5, 0.9, 7})
	b.target("no peer", 1, nil)
	b.faultless("clean", "none")
	b.faultless("not clean", "1 wrong, 0 failed")
	if b.missed != 2 {
		t.Errorf("%d missed, want 2: %q", b.missed, b.targets.rows)
	}
}

func TestMarkdown(t *testing.T) {
	tab := table{title: "A", notes: []string{"Note."}, head: []string{"x", "y"}}
	tab.row("1", "2")
	var w strings.Builder
	tab.markdown(&w)
	if want := "\n## A\n\nNote.\n\n| x | y |\n|---|---|\n| 1 | 2 |\n"; w.String() != want {
		t.Errorf("got %q", w.String())
	}
}

func TestRoundStep(t *testing.T) {
	for x, want := range map[float64]float64{0: 1, 0.3: 0.5, 1: 1, 1.2: 2, 4: 5, 7: 10, 430: 500} {
		if got := roundStep(x); got != want {
			t.Errorf("%v: got %v, want %v", x, got, want)
		}
	}
}

func TestPictureIsXML(t *testing.T) {
	var w strings.Builder
	drawAll(&w, []growth{
		{title: "a < b & c", x: "x", y: "y", ticks: []int{1, 10, 100}, lines: []line{{"whole", []float64{1, 2, 3}}, {"cut", []float64{1}}}},
		{title: "nothing measured", ticks: []int{1, 2}},
	})
	for d := xml.NewDecoder(strings.NewReader(w.String())); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(w.String(), "<circle"); n != 4 {
		t.Errorf("%d points, want 4", n)
	}
	if strings.Contains(w.String(), "NaN") {
		t.Error("NaN")
	}
}

func TestDigits(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 0.0616: "0.0616", 1.5: "1.5", 16.345: "16.3", 4580: "4580"} {
		if got := digits(x); got != want {
			t.Errorf("%v: got %s, want %s", x, got, want)
		}
	}
}

func TestChineseHasTheSameNumbers(t *testing.T) {
	tab := &table{title: "udp-temp: 192 questions under way", notes: []string{"`ab -c 64`, from apache2-utils: a generator that is not ours."}, head: []string{"server", "", "p50 ms", "10"}}
	tab.row("plain Go", "none", "1.25", "1.11 (1.03 to 1.29)")
	tab.row("nginx", "3 wrong, 4 failed", "-", "a word of some tool")
	zh, err := tab.inChinese()
	if err != nil {
		t.Fatal(err)
	}
	var w strings.Builder
	zh.markdown(&w)
	want := "\n## udp-temp: 192 个问题在途中\n\n`ab -c 64`, 来自 apache2-utils: 不是我们自己的发生器。\n\n| 服务器 |  | p50 ms | 10 |\n|---|---|---|---|\n" +
		"| 普通 Go | 无 | 1.25 | 1.11 (1.03 到 1.29) |\n| nginx | 3 个错误, 4 个失败 | - | a word of some tool |\n"
	if w.String() != want {
		t.Errorf("got %q, want %q", w.String(), want)
	}
	if tab.rows[0][0] != "plain Go" {
		t.Error("the English table has changed")
	}
	tab.notes = []string{"A sentence that nobody has translated."}
	if _, err := tab.inChinese(); err == nil {
		t.Error("a sentence without a translation was let through")
	}
}

// Numbers are put back in the order of the English sentence, so both must have as many.
func TestDictionaryHasAsManyNumbers(t *testing.T) {
	for en, zh := range dictionary {
		if strings.Count(en, "#") != strings.Count(zh, "#") {
			t.Errorf("%q and %q", en, zh)
		}
	}
}

func TestFold(t *testing.T) {
	long := strings.Repeat("word ", 40) + "中文。" + strings.Repeat("很长的一句。", 40)
	folded := fold(long)
	for line := range strings.SplitSeq(folded, "\n") {
		if n := utf8.RuneCountInString(line); n == 0 || n > foldAt || strings.HasSuffix(line, " ") {
			t.Errorf("%d characters: %q", n, line)
		}
	}
	if got := strings.NewReplacer("\n", "", " ", "").Replace(folded); got != strings.ReplaceAll(long, " ", "") {
		t.Errorf("something is lost: %q", got)
	}
}
