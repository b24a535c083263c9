package abuse

import (
	"fmt"
	"net"
	"os"
	"slices"
	"testing"
	"time"
)

const (
	cycle      = 30 * time.Second // of the soak: two thirds of it with bad traffic, one third without
	mostGrowth = 8                // MiB that the quiet ends of the later cycles may be above those of the earlier ones
)

// A sample is what a server was like in one second.
type sample struct {
	at      time.Duration
	figures figures
	p50     time.Duration
	slowest time.Duration
	bad     bool // bad traffic
}

// All three servers, for as long as SOAK says ("make soak": ten minutes), under mixed good and bad traffic. It fails
// where a good client gets a wrong answer or none, or where what a server needs grows. It draws docs/soak.svg.
func TestSoak(t *testing.T) {
	if os.Getenv("SOAK") == "" {
		t.Skip("only with SOAK=10m, as make soak has it")
	}
	length, err := time.ParseDuration(os.Getenv("SOAK"))
	if err != nil || length < 2*cycle {
		t.Fatalf("SOAK=%s: want a duration of at least %v", os.Getenv("SOAK"), 2*cycle)
	}
	services := []string{"hello-tcp", "chat-server", "udp-temp"}
	samples := make([][]sample, len(services))
	bad := make([]int64, len(services))
	var all []*server
	for _, service := range services {
		all = append(all, start(t, service))
	}
	if err := crowd(len(all), func(i int) error {
		samples[i], bad[i] = all[i].soak(length)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i, s := range all {
		early, late := quietest(samples[i][:len(samples[i])/2]), quietest(samples[i][len(samples[i])/2:])
		if late > early+mostGrowth {
			t.Errorf("%s: memory grew from %.0f to %.0f MiB", s.service, early, late)
		}
	}
	if t.Failed() {
		return
	}
	picture := draw(fmt.Sprintf("%v of good and bad traffic", length), services, samples)
	if err := os.WriteFile("../../docs/soak.svg", []byte(picture), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Log("drew docs/soak.svg")
}

// quietest is the least memory there was, in MiB.
func quietest(samples []sample) float64 {
	return slices.MinFunc(samples, func(a, b sample) int {
		return int(1000 * (a.figures.memory - b.figures.memory))
	}).figures.memory
}

// soak does to one server all that the other tests do, and takes a sample each second.
func (s *server) soak(length time.Duration) (samples []sample, done int64) {
	g := s.good()
	began := time.Now()
	var end func() int64
	var held []net.Conn
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for at := time.Duration(0); at < length; at = time.Since(began).Round(time.Second) {
		bad := at%cycle < cycle*2/3
		switch {
		case bad && end == nil:
			end = s.abused(4, 10*time.Millisecond)
			if s.service != "udp-temp" {
				for i := range 500 {
					if c, err := s.connect(i); err == nil {
						held = append(held, c)
					}
				}
			}
		case !bad && end != nil:
			done += end()
			for _, c := range held {
				reset(c)
			}
			end, held = nil, nil
		}
		<-tick.C
		took := g.take()
		slices.Sort(took)
		now := sample{at: at, figures: s.figures(), bad: bad}
		if len(took) > 0 {
			now.p50, now.slowest = took[len(took)/2], took[len(took)-1]
		}
		if now.figures.goroutines > 0 { // else the listener for health checks was not to be had
			samples = append(samples, now)
		}
	}
	if end != nil {
		done += end()
	}
	for _, c := range held {
		c.Close()
	}
	tried := fmt.Sprintf("%v: %d misdeeds", length, done)
	if s.service != "udp-temp" {
		tried += fmt.Sprintf(", and each %v 500 connections opened and reset", cycle)
	}
	s.settles(tried, g)
	return samples, done
}
