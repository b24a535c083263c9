package wire

import (
	"strings"

	"netlab.example/pkg/language"
)

// Preset is a line of settings with a name.
type Preset struct {
	Name, Line string
	Source     language.Both[string] // where the numbers come from
}

// Presets are links that people know. A delay here is one way, half of a round trip.
var Presets = []Preset{
	{"3g", "in.rate=768kbit out.rate=1.6mbit delay=150ms", language.Both[string]{
		Zh: "WebPageTest 的 3G: 下行 1.6 Mbit/s, 上行 768 kbit/s, 往返 300 ms",
		En: "WebPageTest's profile 3G: 1.6 Mbit/s down, 768 kbit/s up, 300 ms round trip"}},
	{"edge", "in.rate=200kbit out.rate=240kbit delay=420ms", language.Both[string]{
		Zh: "WebPageTest 的 Edge: 下行 240 kbit/s, 上行 200 kbit/s, 往返 840 ms",
		En: "WebPageTest's profile Edge: 240 kbit/s down, 200 kbit/s up, 840 ms round trip"}},
	{"satellite", "delay=260ms", language.Both[string]{
		Zh: "RFC 2488: 经过地球静止卫星, 从地面到地面要 240 到 280 ms",
		En: "RFC 2488: by a geostationary satellite it is 240 to 280 ms from ground to ground"}},
	{"cafe", "rate=5mbit delay=20ms jitter=15ms loss=2%", language.Both[string]{
		Zh: "编造的: 坐满了人的咖啡馆的 Wi-Fi",
		En: "made up: the Wi-Fi of a full café"}},
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
