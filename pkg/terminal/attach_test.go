package terminal

import "testing"

func TestAttaching(t *testing.T) {
	for _, tc := range []struct {
		name  string
		sizes []size
		want  bool
	}{
		{"attached", []size{{81, 25}, {80, 24}}, true},
		{"attached, two signals came as one", []size{{80, 24}}, true},
		{"attached, the first signal came late", []size{{80, 24}, {80, 24}}, true},
		{"attached in a larger window", []size{{121, 41}, {120, 40}}, true},
		{"attached after a resize", []size{{100, 30}, {100, 31}, {121, 41}, {120, 40}}, true},
		{"made larger", []size{{81, 24}, {82, 25}, {83, 26}}, false},
		{"made smaller", []size{{79, 24}, {78, 23}}, true}, // which is the same
		{"made wider", []size{{120, 24}}, false},
		{"one cell smaller each way", []size{{79, 23}}, false},
		{"nothing", nil, false},
	} {
		a := attaching{from: size{80, 24}}
		for _, s := range tc.sizes {
			a.add(s)
		}
		if got := a.settle(); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
		if len(tc.sizes) > 0 && a.from != tc.sizes[len(tc.sizes)-1] {
			t.Errorf("%s: settled at %v", tc.name, a.from)
		}
	}
}
