// Package api is wire over HTTP: the list of records, read or followed live, and the link's switches.
//
//	GET    /status                     what wire does here, and what it cannot
//	GET    /records?since=N&limit=M    a page of the list; /records/ID one packet, taken apart
//	GET    /records/follow?since=N     the list as it grows: NDJSON, or server-sent events
//	GET    /connections
//	GET    /link      PUT, PATCH, DELETE     the link's settings
//	GET    /faults    POST, DELETE           exact faults
//	GET    /sockets   /counters              what the kernel says
//	GET    /capture?follow=true        pcapng
//	GET    /openapi.json               all of this, for programs
//
// A reader can only ask; to change the link a request needs the header Netlab-Wire. A web page on the
// internet cannot send it: the browser first asks us whether it may (CORS), and we never answer that.
// Nor can it read: see hosts.go.
//
//	server.go   listen, limits, errors         records.go   the list
//	hosts.go    who may ask                    link.go      the link, faults
//	client.go   the other end, for Go          netstat.go    sockets, counters
package api

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"netlab.example/pkg/httpserver"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/record"
	"netlab.example/pkg/wire/trace"
	"netlab.example/services/wire/engine"
	"netlab.example/services/wire/link"
	"netlab.example/services/wire/netstat"
)

// Limits of the server. It serves a handful of terminals and browsers, all of them near.
const (
	maxConns     = 64
	maxFollowers = 24
	maxBody      = 64 << 10
	maxHeader    = 8 << 10
)

// A slow reader gets this long for each piece; then its connection is closed.
const (
	requestTimeout = 10 * time.Second
	writeTimeout   = 10 * time.Second
	idleTimeout    = 30 * time.Second
)

// Changer changes the link: the engine, which knows whether it can be changed here.
type Changer interface {
	Status() wire.Status
	Change(line string) (wire.Settings, error)
	Do(wire.Scenario) ([]wire.Fault, error)
}

// Server answers requests about one wire.
type Server struct {
	Wire    Changer
	Log     *record.Log
	Tracker *trace.Tracker
	Link    *link.Link
	Service wire.Service

	before    netstat.Counters // as they were at the start
	started   time.Time
	asking    sync.Mutex // one question to the kernel at a time
	followers chan struct{}
	http      http.Server
	timeout   time.Duration // of a request; tests have less patience
}

// Start listens on address, a list of URLs, until Close.
func (s *Server) Start(ctx context.Context, address string) ([]net.Listener, error) {
	lns, err := sockets.Listen(ctx, address, sockets.Options{})
	if err != nil {
		return nil, err
	}
	s.started = time.Now()
	s.before, _ = netstat.ReadCounters() // where there are none, GET /counters says so
	s.followers = make(chan struct{}, maxFollowers)
	s.http = http.Server{
		Handler:     s.handler(),
		BaseContext: func(net.Listener) context.Context { return ctx },
		ReadTimeout: cmp.Or(s.timeout, requestTimeout), WriteTimeout: cmp.Or(s.timeout, writeTimeout), IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
	}
	places := httpserver.Limit(&s.http, maxConns)
	for _, ln := range lns {
		go s.http.Serve(places.On(ln)) // ends at Close
	}
	return lns, nil
}

// Close ends it at once, followers too.
func (s *Server) Close() { s.http.Close() }

// route is one thing that can be asked.
type route struct {
	method, path string
	handle       func(http.ResponseWriter, *http.Request)
}

func (s *Server) routes() []route {
	return []route{
		{"GET", "/status", s.status},
		{"GET", "/records", s.records},
		{"GET", "/records/follow", s.follow},
		{"GET", "/records/{id}", s.record},
		{"GET", "/connections", s.connections},
		{"GET", "/link", s.showLink},
		{"PUT", "/link", s.setLink},
		{"PATCH", "/link", s.changeLink},
		{"DELETE", "/link", s.clearLink},
		{"GET", "/faults", s.showFaults},
		{"POST", "/faults", s.addFaults},
		{"DELETE", "/faults", s.clearFaults},
		{"GET", "/sockets", s.sockets},
		{"GET", "/counters", s.counters},
		{"GET", "/capture", s.capture},
		{"GET", "/openapi.json", description},
	}
}

//go:embed openapi.json
var openAPI []byte

func description(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Write(openAPI)
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.HandleFunc(r.method+" "+r.path, r.handle)
	}
	return guard(mux)
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) { answer(w, s.Wire.Status()) }

// answer writes v as JSON.
func answer(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(body, '\n'))
}

func refuse(w http.ResponseWriter, status int, err error) {
	body, _ := json.Marshal(wire.Error{Message: err.Error()})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}

// refuseChange is refuse for what the engine or the link said.
func refuseChange(w http.ResponseWriter, err error) {
	if errors.Is(err, engine.ErrWatchingOnly) {
		refuse(w, http.StatusConflict, err)
		return
	}
	refuse(w, http.StatusBadRequest, err)
}
