package wire

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"netlab.example/pkg/language"
)

// Scope says whom a setting or a fault is about. The zero value is everybody.
type Scope struct {
	Conn int          `json:"on,omitempty"`  // this connection alone
	From netip.Prefix `json:"from,omitzero"` // clients with such an address alone
}

// All reports whether the scope is everybody.
func (s Scope) All() bool { return s == Scope{} }

// Of reports whether a connection of this client is meant.
func (s Scope) Of(conn int, client netip.Addr) bool {
	return (s.Conn == 0 || s.Conn == conn) && (!s.From.IsValid() || s.From.Contains(client.Unmap()))
}

func (s Scope) String() string {
	var words []string
	if s.Conn > 0 {
		words = append(words, "on c"+strconv.Itoa(s.Conn))
	}
	if s.From.IsSingleIP() {
		words = append(words, "from "+s.From.Addr().String())
	} else if s.From.IsValid() {
		words = append(words, "from "+s.From.String())
	}
	return strings.Join(words, " ")
}

// Step is one line about the link: what to set, for whom, and when.
//
//	out.loss=30% delay=50ms            from now on, for all
//	3g on c12                          for connection 12 alone
//	blackhole from 172.18.0.5          for one client alone
//	out.loss=100% after 10s for 5s     in ten seconds, and five seconds later as before
type Step struct {
	Line  string // the settings' words, as Settings.Parse reads them
	Scope Scope
	After Delay
	For   Delay // 0: for ever
}

const maxWait = 24 * time.Hour

// ParseStep reads a line about the link.
func ParseStep(line string) (Step, error) {
	var s Step
	rest, err := s.Scope.take(strings.Fields(line))
	if err != nil {
		return Step{}, err
	}
	var settings []string
	for i := 0; i < len(rest); i++ {
		word := rest[i]
		if word != "after" && word != "for" {
			settings = append(settings, word)
			continue
		}
		i++
		if i == len(rest) {
			return Step{}, language.Errorf("%s: 多久? 写一个时间, 例如 %s 10s", "%s: how long? write a time, as in %s 10s", word, word)
		}
		d, err := time.ParseDuration(rest[i])
		if err != nil || d <= 0 || d > maxWait {
			return Step{}, language.Errorf("%s %s: 时间大于 0s, 最多 24h, 例如 10s 或 5m", "%s %s: a time is more than 0s and at most 24h, as in 10s or 5m", word, clip(rest[i]))
		}
		if word == "after" {
			s.After = Delay(d)
		} else {
			s.For = Delay(d)
		}
	}
	s.Line = strings.Join(settings, " ")
	if s.Line == "" && (s.After != 0 || s.For != 0 || !s.Scope.All()) {
		return Step{}, language.Errorf("%s: 设置什么? 先写它, 例如 out.loss=30%% for 10s", "%s: what is to be set? write it first, as in out.loss=30%% for 10s", clip(line))
	}
	_, err = Settings{}.Parse(s.Line)
	return s, err
}

// Clears reports whether the step sets everything back.
func (s Step) Clears() bool { return slices.Contains(strings.Fields(s.Line), "clear") }

// String is a line that ParseStep makes the same step of.
func (s Step) String() string {
	words := []string{s.Line}
	if !s.Scope.All() {
		words = append(words, s.Scope.String())
	}
	if s.After > 0 {
		words = append(words, "after", s.After.String())
	}
	if s.For > 0 {
		words = append(words, "for", s.For.String())
	}
	return strings.Join(words, " ")
}

// take reads "on c12" and "from ADDRESS" out of words, and returns the others.
func (s *Scope) take(words []string) (rest []string, err error) {
	for i := 0; i < len(words); i++ {
		word := words[i]
		if word != "on" && word != "from" {
			rest = append(rest, word)
			continue
		}
		i++
		if i == len(words) {
			return nil, language.Errorf("%s: 谁? 写 on c12, 或 from 172.18.0.5", "%s: whom? write on c12, or from 172.18.0.5", word)
		}
		value := words[i]
		if word == "on" {
			n, err := strconv.Atoi(strings.TrimPrefix(strings.ToLower(value), "c"))
			if err != nil || n < 1 {
				return nil, language.Errorf("on %s: 连接叫 c1, c2, …, 如梯形图所示", "on %s: a connection is called c1, c2, …, as in the ladder", clip(value))
			}
			s.Conn = n
			continue
		}
		if s.From, err = parseFrom(value); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

func parseFrom(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, language.Errorf("from %s: 写一个地址, 例如 172.18.0.5, 或一个前缀, 例如 172.18.0.0/16", "from %s: write an address, as in 172.18.0.5, or a prefix, as in 172.18.0.0/16", clip(text))
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), nil
}
