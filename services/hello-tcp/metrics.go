package main

import "github.com/prometheus/client_golang/prometheus"

// counts are what /metrics tells of the protocol.
type counts struct {
	requests *prometheus.CounterVec
	complete prometheus.Counter // of them; looked up once
}

func newCounts() counts {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hello_tcp_requests_total",
		Help: "Requests by how their reading ended: complete, over_limit, timed_out, stopped, made_room, reset.",
	}, []string{"ended"})
	return counts{requests: requests, complete: requests.WithLabelValues(complete.String())}
}

func (c counts) collectors() []prometheus.Collector { return []prometheus.Collector{c.requests} }
