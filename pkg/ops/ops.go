// Package ops is the second, HTTP listener of a server: health and metrics beside the protocol, so
// that no check ever shows up as a client and no learner wonders who just connected.
//
//	GET /livez    200 while the process runs
//	GET /readyz   200 while the protocol's sockets are bound and no stop has begun, else 503
//	GET /metrics  Prometheus text
package ops

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
	"go.uber.org/zap"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/text"
)

// A Server answers health checks. A nil *Server, which Start returns for an empty address, is off.
type Server struct {
	Metrics *prometheus.Registry
	http    http.Server
	ready   atomic.Bool
}

// Start listens on address, a URL such as tcp://:9100, or does nothing where it is empty.
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
	s := &Server{Metrics: prometheus.NewRegistry()}
	s.Metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.Metrics.MustRegister(metrics...)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "alive\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !s.ready.Load() || ctx.Err() != nil {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "ready\n")
	})
	mux.HandleFunc("GET /metrics", s.metrics)
	s.http = http.Server{
		Handler: mux, ErrorLog: complaints, MaxHeaderBytes: 8 << 10,
		ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, IdleTimeout: 30 * time.Second,
	}
	for _, ln := range lns {
		go s.http.Serve(&limited{ln, make(chan struct{}, maxConns)}) // ends at Close
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
		s.ready.Store(true)
	}
}

// Close ends it at once.
func (s *Server) Close() {
	if s != nil {
		s.http.Close()
	}
}

// Check asks a server on this machine whether it is ready: what the healthcheck subcommands do.
func Check(ctx context.Context, address string) error {
	if address == "" {
		return failure.Hint(language.Errorf("没有健康检查: OPS 为空", "no health checks: OPS is empty"), language.Errorf(
			"为服务器和这个检查把 _OPS 结尾的变量设为 tcp://:9100",
			"set the variable that ends in _OPS to tcp://:9100 for the server and for this check"))
	}
	as, err := sockets.Streams(address)
	if err != nil {
		return fmt.Errorf("ops: %w", err)
	}
	a := as[0] // one process answers on all of them
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		addr := a.Addr
		if host, port, err := net.SplitHostPort(addr); err == nil && host == "" {
			addr = net.JoinHostPort("localhost", port)
		}
		return new(net.Dialer).DialContext(ctx, a.Network, addr)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return failure.Hint(language.Errorf("没有响应: %[1]s", "not alive: %[2]s", sockets.Why(err, language.Chinese), sockets.Why(err, language.English)),
			language.Errorf("服务器在运行吗? 两边以 _OPS 结尾的变量是否相同?", "is the server running, with the same address in the variable that ends in _OPS?"))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return failure.Hint(language.Errorf("没有就绪: %s", "not ready: %s", text.Escape(resp.Status)), language.Errorf(
			"服务器正在启动或停止: 稍后再试, 或查看它的日志", "the server is starting or stopping: try again in a moment, or look at its log"))
	}
	return nil
}

// maxConns is how many connections the ops listener holds at a time. Health checks and one Prometheus need few.
const maxConns = 16

// limited is a listener that closes a newcomer where maxConns are open.
type limited struct {
	net.Listener
	places chan struct{}
}

func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.places <- struct{}{}:
			return &place{Conn: c, free: l.places}, nil
		default:
			c.Close()
		}
	}
}

type place struct {
	net.Conn
	free chan struct{}
	once atomic.Bool
}

func (p *place) Close() error {
	if !p.once.Swap(true) {
		<-p.free
	}
	return p.Conn.Close()
}
