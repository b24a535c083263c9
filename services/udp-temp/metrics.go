package main

import "github.com/prometheus/client_golang/prometheus"

// A loss says why a datagram that was due an answer got none.
type loss int

const (
	limited loss = iota // the limit on refusals
	gone                // the client's socket file has nobody behind it, or is gone
	unnamed             // the client's socket never had a name to answer to
	full                // no room in our send queue or the client's receive queue
	failed              // anything else

	losses
)

func (l loss) String() string {
	return [losses]string{"limited", "gone", "unnamed", "full", "failed"}[l]
}

// counts are what /metrics tells of the protocol. The counters are looked up once, not for each datagram.
type counts struct {
	received [kinds]prometheus.Counter
	lost     [losses]prometheus.Counter

	datagrams, unanswered *prometheus.CounterVec
}

func newCounts() *counts {
	c := &counts{
		datagrams: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "udp_temp_datagrams_total",
			Help: "Datagrams received, by what they are.",
		}, []string{"kind"}),
		unanswered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "udp_temp_unanswered_total",
			Help: "Datagrams that were due an answer and got none, by the reason.",
		}, []string{"reason"}),
	}
	for k := range kinds {
		c.received[k] = c.datagrams.WithLabelValues(k.String())
	}
	for l := range losses {
		c.lost[l] = c.unanswered.WithLabelValues(l.String())
	}
	return c
}

func (c *counts) collectors() []prometheus.Collector {
	return []prometheus.Collector{c.datagrams, c.unanswered}
}
