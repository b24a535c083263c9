// Package ops is the second, HTTP listener of a server: health and metrics beside the protocol, so
// that no check ever shows up as a client and no learner wonders who just connected.
//
//	GET /livez    200 while the process runs
//	GET /readyz   200 while the protocol's sockets are bound and no stop has begun, else 503;
//	              with ?wait=55s when there is news, or after that time
//	GET /metrics  Prometheus text
package ops

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
	"go.uber.org/zap"

	"netlab.example/pkg/httpserver"
	"netlab.example/pkg/sockets"
)

const (
	maxConns = 16              // health checks and one Prometheus need few
	patience = 5 * time.Second // for a request to arrive, and for an answer to be read
)

// A Server answers health checks. A nil *Server, which Start returns for an empty address, is off.
type Server struct {
	Metrics *prometheus.Registry
	http    http.Server
	ready   readiness
	isReady func()
}

// Start listens on address, a URL such as tcp://127.0.0.1:9100, or does nothing if it is empty.
// The server is alive from now on, and ready from Ready until ctx ends: then a stop begins.
// What package http complains of goes to log, in the log's own form.
func Start(ctx context.Context, address string, log *zap.Logger, metrics ...prometheus.Collector) (*Server, error) {
	if address == "" {
		return nil, nil
	}
	complaints, err := zap.NewStdLogAt(log, zap.WarnLevel)
	if err != nil {
		return nil, err
	}
	lns, err := sockets.Listen(ctx, address, sockets.Options{})
	if err != nil {
		return nil, fmt.Errorf("ops: %w", err)
	}
	s := &Server{Metrics: prometheus.NewRegistry(), ready: readiness{begun: make(chan struct{})}}
	s.isReady = sync.OnceFunc(func() { close(s.ready.begun) })
	s.Metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.Metrics.MustRegister(metrics...)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "alive\n") })
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /metrics", s.metrics)
	s.http = http.Server{
		Handler: mux, ErrorLog: complaints, BaseContext: func(net.Listener) context.Context { return ctx }, MaxHeaderBytes: 8 << 10,
		ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: 30 * time.Second,
	}
	places := httpserver.Limit(&s.http, maxConns)
	for _, ln := range lns {
		go s.http.Serve(places.On(ln)) // ends at Close
	}
	return s, nil
}

// metrics is promhttp's handler without the compression that it brings: 0.4 MB less in each image.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	families, err := s.Metrics.Gather()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", string(expfmt.NewFormat(expfmt.TypeTextPlain)))
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
			return // the reader is gone
		}
	}
}

// Ready says that the protocol is served from now on.
func (s *Server) Ready() {
	if s != nil {
		s.isReady()
	}
}

// Close ends it at once.
func (s *Server) Close() {
	if s != nil {
		s.http.Close()
	}
}
