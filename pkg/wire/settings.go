package wire

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"netlab.example/pkg/language"
	"netlab.example/pkg/text"
)

// Settings is the state of both directions of a link. The zero value is a link that leaves packets alone.
type Settings struct {
	In   Way    `json:"in"`  // to the server
	Out  Way    `json:"out"` // to the client
	Seed uint64 `json:"seed"`
}

// Way is what happens to packets in one direction.
type Way struct {
	Loss      Percent `json:"loss"`
	Duplicate Percent `json:"duplicate"`
	Corrupt   Percent `json:"corrupt"` // one bit is flipped, and the checksum is not mended
	Reorder   Percent `json:"reorder"` // so many skip the delay; without one, so many are kept back for 10 ms
	Delay     Delay   `json:"delay"`
	Jitter    Delay   `json:"jitter"`    // the delay is between Delay - Jitter and Delay + Jitter
	Rate      Rate    `json:"rate"`      // 0 is as fast as it goes
	Blackhole bool    `json:"blackhole"` // nothing passes, and nobody is told: the other side has vanished
}

// Percent is a probability: 30 is 30 %.
type Percent float64

// Delay is a time.Duration that is written as text, also in JSON: "50ms".
type Delay time.Duration

// Rate is in bits a second, of whole IP packets.
type Rate int64

const (
	maxDelay = time.Minute
	minRate  = 1000
	maxRate  = 100_000_000_000
)

func (p Percent) String() string { return strconv.FormatFloat(float64(p), 'f', -1, 64) + "%" }
func (d Delay) String() string   { return time.Duration(d).String() }
func (r Rate) String() string {
	for _, unit := range rateUnits {
		if r >= unit.bits && r%(unit.bits/1000) == 0 {
			return strconv.FormatFloat(float64(r)/float64(unit.bits), 'f', -1, 64) + unit.name
		}
	}
	return strconv.FormatInt(int64(r), 10) + "bit"
}

var rateUnits = []struct {
	name string
	bits Rate
}{{"gbit", 1e9}, {"mbit", 1e6}, {"kbit", 1e3}}

func (p Percent) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
func (d Delay) MarshalText() ([]byte, error)   { return []byte(d.String()), nil }
func (r Rate) MarshalText() ([]byte, error)    { return []byte(r.String()), nil }

func (p *Percent) UnmarshalText(b []byte) (err error) { *p, err = parsePercent(string(b)); return err }
func (d *Delay) UnmarshalText(b []byte) (err error)   { *d, err = parseDelay(string(b)); return err }
func (r *Rate) UnmarshalText(b []byte) (err error)    { *r, err = parseRate(string(b)); return err }

// Parse changes s as the words of a line say, "out.loss=30% out.delay=50ms seed=7", and leaves what they
// do not name as it was. A key without "in." or "out." holds for both directions; the word "clear" sets
// everything back, and the name of a preset stands for its line. On an error nothing is changed.
func (s Settings) Parse(line string) (Settings, error) {
	changed := s
	for word := range strings.FieldsSeq(line) {
		if word == "clear" {
			changed = Settings{}
			continue
		}
		if p, ok := PresetOf(word); ok {
			for word := range strings.FieldsSeq(p.Line) {
				changed.set(word) // a test sets them all
			}
			continue
		}
		if err := changed.set(word); err != nil {
			return s, err
		}
	}
	return changed, nil
}

func (s *Settings) set(word string) error {
	key, value, ok := strings.Cut(word, "=")
	if !ok && !strings.HasSuffix(key, "blackhole") {
		return language.Errorf("%q 不是设置: 写 名字=值, 例如 out.loss=30%%, 或 blackhole, 或一种预设 (%s)", "%q is no setting: write key=value, as in out.loss=30%%, blackhole, or a preset (%s)", clip(word), presetNames())
	}
	if key == "seed" {
		seed, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return language.Errorf("seed=%s: 种子是整数", "seed=%s: a seed is a whole number", clip(value))
		}
		s.Seed = seed
		return nil
	}
	ways := []*Way{&s.In, &s.Out}
	name := key
	if dir, rest, ok := strings.Cut(key, "."); ok {
		switch dir {
		case "in":
			ways = ways[:1]
		case "out":
			ways = ways[1:]
		default:
			return language.Errorf("%q: 方向是 in (发给服务器) 或 out (发给客户端)", "%q: a direction is in (to the server) or out (to the client)", clip(key))
		}
		name = rest
	}
	if name == "blackhole" && ok {
		return language.Errorf("%s: blackhole 单独写; clear 结束它", "%s: write blackhole alone; clear ends it", clip(word))
	}
	for _, w := range ways {
		if err := w.set(name, value); err != nil {
			return fmt.Errorf("%s: %w", clip(word), err)
		}
	}
	return nil
}

func (w *Way) set(name, value string) (err error) {
	switch name {
	case "loss":
		w.Loss, err = parsePercent(value)
	case "duplicate":
		w.Duplicate, err = parsePercent(value)
	case "corrupt":
		w.Corrupt, err = parsePercent(value)
	case "reorder":
		w.Reorder, err = parsePercent(value)
	case "delay":
		w.Delay, err = parseDelay(value)
	case "jitter":
		w.Jitter, err = parseDelay(value)
	case "rate":
		w.Rate, err = parseRate(value)
	case "blackhole":
		w.Blackhole = true
	default:
		return language.Errorf("没有这个设置; 有 loss, delay, jitter, reorder, duplicate, corrupt, rate, blackhole 和 seed", "no such setting; there are loss, delay, jitter, reorder, duplicate, corrupt, rate, blackhole and seed")
	}
	return err
}

// String is the shortest line that Parse makes the same settings of; empty for a link that leaves packets alone.
func (s Settings) String() string {
	var words []string
	for _, d := range []struct {
		name string
		Way
	}{{"in", s.In}, {"out", s.Out}} {
		add := func(key string, set bool, value fmt.Stringer) {
			if set {
				words = append(words, d.name+"."+key+"="+value.String())
			}
		}
		add("loss", d.Loss != 0, d.Loss)
		add("delay", d.Delay != 0, d.Delay)
		add("jitter", d.Jitter != 0, d.Jitter)
		add("reorder", d.Reorder != 0, d.Reorder)
		add("duplicate", d.Duplicate != 0, d.Duplicate)
		add("corrupt", d.Corrupt != 0, d.Corrupt)
		add("rate", d.Rate != 0, d.Rate)
		if d.Blackhole {
			words = append(words, d.name+".blackhole")
		}
	}
	if s.Seed != 0 {
		words = append(words, "seed="+strconv.FormatUint(s.Seed, 10))
	}
	return strings.Join(words, " ")
}

func parsePercent(text string) (Percent, error) {
	number := strings.TrimSuffix(text, "%")
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(v) || v < 0 || v > 100 || !plain(number) {
		return 0, language.Errorf("概率是 0%% 到 100%%", "a probability is 0%% to 100%%")
	}
	if number == text && v > 0 && v <= 1 { // some people mean 30 % by 0.3, others 0.3 %
		return 0, language.Errorf("是百分之几? 写 %[1]s%% 或 %[2]v%%", "of a hundred, or of one? write %[1]s%% or %[2]v%%", number, v*100)
	}
	return Percent(v), nil
}

func parseDelay(text string) (Delay, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > maxDelay {
		return 0, language.Errorf("时间是 0s 到 %s, 例如 50ms 或 1.5s", "a time is 0s to %s, as in 50ms or 1.5s", "1m")
	}
	return Delay(d), nil
}

func parseRate(text string) (Rate, error) {
	number, unit := strings.TrimSuffix(strings.ToLower(text), "/s"), Rate(1)
	for _, u := range rateUnits {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = rest, u.bits
			break
		}
	}
	number = strings.TrimSuffix(number, "bit")
	v, err := strconv.ParseFloat(number, 64)
	r := math.Round(v * float64(unit))
	if err != nil || !plain(number) || r != 0 && (r < minRate || r > maxRate) {
		return 0, language.Errorf("速率是每秒 1kbit 到 100gbit, 例如 500kbit 或 1mbit; 0 是不限", "a rate is 1kbit to 100gbit (a second), as in 500kbit or 1mbit; 0 is as fast as it goes")
	}
	return Rate(r), nil
}

// plain reports whether a number is made of digits and a point: no exponent, inf, nan, sign or underscore.
func plain(number string) bool { return number != "" && strings.Trim(number, "0123456789.") == "" }

// clip bounds and escapes what an error message repeats of its input.
func clip(s string) string {
	if len(s) > 40 {
		s = strings.ToValidUTF8(s[:40], "") + "…"
	}
	return text.Escape(s)
}
