package wire

import (
	"cmp"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestParseSettings(t *testing.T) {
	for _, tc := range []struct{ from, line, want string }{
		{"", "out.loss=30% out.delay=50ms", "out.loss=30% out.delay=50ms"},
		{"", "loss=1.5", "in.loss=1.5% out.loss=1.5%"},
		{"out.loss=30% seed=7", "out.loss=0", "seed=7"},
		{"out.loss=30%", "in.delay=1s in.jitter=100ms", "in.delay=1s in.jitter=100ms out.loss=30%"},
		{"out.loss=30% seed=9", "clear", ""},
		{"out.loss=30%", "clear in.rate=1mbit", "in.rate=1mbit"},
		{"", "rate=1Mbit/s", "in.rate=1mbit out.rate=1mbit"},
		{"", "out.rate=1500kbit", "out.rate=1.5mbit"},
		{"", "out.rate=64000", "out.rate=64kbit"},
		{"", "out.rate=1234567bit", "out.rate=1234.567kbit"},
		{"", "out.reorder=25% out.duplicate=5% out.corrupt=0.5%", "out.reorder=25% out.duplicate=5% out.corrupt=0.5%"},
		{"", "", ""},
	} {
		from, err := Settings{}.Parse(tc.from)
		if err != nil {
			t.Fatal(err)
		}
		got, err := from.Parse(tc.line)
		if err != nil || got.String() != tc.want {
			t.Errorf("%q after %q: %q %v, want %q", tc.line, tc.from, got, err, tc.want)
		}
	}
}

func TestParseSettingsErrors(t *testing.T) {
	for line, want := range map[string]string{
		"loss":              `"loss" is no setting`,
		"out.loss=":         "probability",
		"out.loss=101%":     "probability",
		"out.loss=0.3":      "write 0.3% or 30%", // which of the two?
		"out.loss=-1%":      "probability",
		"out.loss=nan":      "probability",
		"out.loss=1e1":      "probability",
		"out.delay=50":      "50ms",
		"out.delay=-1s":     "50ms",
		"out.delay=2m":      "50ms",
		"out.rate=fast":     "1kbit",
		"out.rate=1bit":     "1kbit",
		"out.rate=1000gbit": "1kbit",
		"out.speed=1":       "no such setting",
		"up.loss=1%":        `"up.loss"`,
		"seed=-1":           "whole number",
		"out.loss=5% " + strings.Repeat("x", 1000): "…",
	} {
		before := Settings{Seed: 3}
		got, err := before.Parse(line)
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 200 {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
		if got != before {
			t.Errorf("%q changed the settings: %v", line, got)
		}
	}
}

func TestSettingsJSON(t *testing.T) {
	s, err := Settings{}.Parse("out.loss=30% in.delay=50ms in.rate=1mbit seed=7")
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), `"delay":"50ms"`) || !strings.Contains(string(b), `"loss":"30%"`) {
		t.Errorf("%s", b)
	}
	var back Settings
	if err := json.Unmarshal(b, &back); err != nil || back != s {
		t.Errorf("%+v %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"out":{"delay":"1h"}}`), &back); err == nil {
		t.Error("an hour was taken")
	}
}

// FuzzSettings: what is taken can be written and taken again, with the same meaning.
func FuzzSettings(f *testing.F) {
	f.Add("out.loss=30% out.delay=50ms seed=7")
	f.Add("rate=1.5mbit jitter=1us corrupt=100")
	f.Fuzz(func(t *testing.T, line string) {
		s, err := Settings{}.Parse(line)
		if err != nil {
			return
		}
		again, err := Settings{}.Parse(s.String())
		if err != nil || again != s {
			t.Errorf("%q is %q is %+v (%v), want %+v", line, s, again, err, s)
		}
		for _, w := range []Way{s.In, s.Out} {
			if w.Delay < 0 || time.Duration(w.Delay) > maxDelay || w.Loss < 0 || w.Loss > 100 || w.Rate < 0 {
				t.Errorf("%q: %+v", line, w)
			}
		}
	})
}

// TestPresets: each is a line of settings, and shows as one.
func TestPresets(t *testing.T) {
	for _, p := range Presets {
		want, err := Settings{}.Parse(p.Line)
		got, again := Settings{}.Parse(p.Name)
		if err != nil || again != nil || got != want || p.Source.Zh == "" || p.Source.En == "" {
			t.Errorf("%+v: %v %v %v", p, err, again, got)
		}
	}
}

func TestParseStep(t *testing.T) {
	for _, tc := range []struct{ line, again string }{
		{"out.loss=30%", ""},
		{"3g on c12", ""},
		{"for 5s out.loss=100% after 1m30s", "out.loss=100% after 1m30s for 5s"},
		{"blackhole from 172.18.0.5 for 10s", ""},
		{"in.blackhole from fd00::/64", ""},
		{"loss=1% from ::ffff:10.0.0.1", "loss=1% from 10.0.0.1"},
		{"clear on 12", "clear on c12"},
		{"", ""},
	} {
		want := cmp.Or(tc.again, tc.line)
		s, err := ParseStep(tc.line)
		if err != nil || s.String() != want {
			t.Errorf("%q: %q %v, want %q", tc.line, s, err, want)
		}
		if again, err := ParseStep(s.String()); err != nil || again != s {
			t.Errorf("%q is %+v, and read again %+v %v", tc.line, s, again, err)
		}
	}
	for line, want := range map[string]string{
		"loss=0.3":            "write 0.3% or 30%",
		"out.loss=1":          "write 1% or 100%",
		"loss=30% for":        "for 10s",
		"loss=30% for 0s":     "more than 0s",
		"loss=30% after 25h":  "at most 24h",
		"loss=30% on twelve":  "c1, c2",
		"loss=30% from hello": "172.18.0.5",
		"for 10s":             "what is to be set",
		"on c1":               "what is to be set",
		"4g":                  "3g, edge, satellite, cafe",
		"blackhole=1":         "blackhole alone",
		"up.blackhole":        "direction",
	} {
		if _, err := ParseStep(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
}
