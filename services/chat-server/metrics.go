package main

import "github.com/prometheus/client_golang/prometheus"

// counts are what /metrics tells of the protocol.
type counts struct {
	people     prometheus.Gauge
	messages   prometheus.Counter
	deliveries prometheus.Counter
	visits     *prometheus.CounterVec
}

func newCounts() counts {
	return counts{
		people: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "chat_server_people", Help: "People in the room, or the one who takes turns.",
		}),
		messages: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "chat_server_messages_total", Help: "Messages that people sent and that were passed on.",
		}),
		deliveries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "chat_server_deliveries_total", Help: "Lines handed to people: one message to nine people is nine.",
		}),
		visits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chat_server_visits_total",
			Help: "Connections by how they ended: byebye, end_of_input, reset, idle, unfinished, not_reading, dismissed, stopped, refused, no_person.",
		}, []string{"ended"}),
	}
}

func (c counts) collectors() []prometheus.Collector {
	return []prometheus.Collector{c.people, c.messages, c.deliveries, c.visits}
}
