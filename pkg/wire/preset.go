package wire

import "strings"

// Preset is a line of settings with a name.
type Preset struct {
	Name, Line, Source string
}

// Presets are links that people know. Rates and delays are those of the source; a delay here is one way, half of
// a round trip.
var Presets = []Preset{
	{"3g", "in.rate=768kbit out.rate=1.6mbit delay=150ms", "WebPageTest's profile 3G: 1.6 Mbit/s down, 768 kbit/s up, 300 ms round trip"},
	{"edge", "in.rate=200kbit out.rate=240kbit delay=420ms", "WebPageTest's profile Edge: 240 kbit/s down, 200 kbit/s up, 840 ms round trip"},
	{"satellite", "delay=260ms", "RFC 2488: a geostationary satellite is 240 to 280 ms away from ground to ground"},
	{"cafe", "rate=5mbit delay=20ms jitter=15ms loss=2%", "made up: a full café's Wi-Fi on a bad evening"},
}

// PresetOf finds a preset by its name.
func PresetOf(name string) (Preset, bool) {
	for _, p := range Presets {
		if strings.EqualFold(p.Name, name) {
			return p, true
		}
	}
	return Preset{}, false
}

func presetNames() string {
	var names []string
	for _, p := range Presets {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}
