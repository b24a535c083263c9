// Package api is wire over HTTP: the list of records, read or followed live, and the link's switches.
//
//	GET    /status                     what wire does here, and what it cannot
//	GET    /records?since=N&limit=M    a page of the list; /records/ID one packet, taken apart
//	GET    /records/follow?since=N     the list as it grows: NDJSON, or server-sent events
//	GET    /connections  /names              who talks, and what Docker calls them
//	GET    /link      PUT, PATCH, DELETE     the link's settings
//	GET    /faults    DELETE                 exact faults
//	POST   /scenario                         settings and faults, as lines
//	POST   /reset                            all as it was at the start
//	GET    /sockets   /counters              what the kernel says
//	GET    /capture?follow=true        pcapng
//	GET    /openapi.json               all of this, for programs
//
// A reader can only ask; to change the link a request needs the header Netlab-Wire, which says who asks. A web
// page on the internet cannot send it: the browser first asks us whether it may (CORS), and we never answer that.
// Nor can it read: see hosts.go.
//
//	server.go   listen, limits, errors         records.go   the list
//	routes.go   what can be asked              link.go      the link, faults
//	openapi.go  the same, for programs         kernel.go    sockets, counters
//	hosts.go    who may ask
package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
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

// Limits of each of the two doors: wire's own namespace, and the control socket. Neither can fill the other.
const (
	maxConns     = 64
	maxFollowers = 24 // so that 40 places are left for who only asks
	maxBody      = 64 << 10
	maxHeader    = 8 << 10
)

// A slow reader gets this long for each piece; then its connection is closed.
const (
	requestTimeout = 10 * time.Second
	writeTimeout   = 10 * time.Second
	idleTimeout    = 30 * time.Second
)

// Wire is what is asked: the engine, through which every change goes, since it knows whether it can be made here.
type Wire interface {
	Status() wire.Status
	Do(s wire.Scenario, by string) ([]wire.Fault, error)
	ClearFaults(by string)
	Reset(by string) error
}

// Server answers requests about one wire.
type Server struct {
	Wire    Wire
	Log     *record.Log
	Tracker *trace.Tracker
	Link    *link.Link
	Service wire.Service
	Room    func() error // why there is no room for one more program in wire's container; nil: there always is

	before  netstat.Counters // as they were at the start
	started time.Time
	asking  sync.Mutex // one question to the kernel at a time
	names   names
	doors   []*door
	timeout time.Duration // of a request; tests have less patience
}

// door is a set of listeners with limits of its own.
type door struct {
	*Server
	http      http.Server
	followers chan struct{}
	room      func() error
}

// Start listens until Close: on address, a list of URLs, for who is in wire's network namespace, and on control, the
// URL of a unix socket that others mount; empty is off.
func (s *Server) Start(ctx context.Context, address, control string) ([]net.Listener, error) {
	s.started = time.Now()
	s.names.lookup = askDocker
	s.before, _ = netstat.ReadCounters() // where there are none, GET /counters says so
	lns, err := s.open(ctx, address, s.Room)
	if err != nil || control == "" {
		return lns, err
	}
	more, err := s.open(ctx, control, nil)
	if err != nil {
		s.Close()
		return nil, err
	}
	for _, ln := range more {
		// A program that mounts the volume may ask, under any uid: the mount is the guard.
		if err := os.Chmod(ln.Addr().String(), 0o666); err != nil {
			s.Close()
			return nil, err
		}
	}
	return append(lns, more...), nil
}

func (s *Server) open(ctx context.Context, address string, room func() error) ([]net.Listener, error) {
	lns, err := sockets.Listen(ctx, address, sockets.Options{})
	if err != nil {
		return nil, err
	}
	d := &door{Server: s, followers: make(chan struct{}, maxFollowers), room: room}
	d.http = http.Server{
		Handler:     d.handler(),
		BaseContext: func(net.Listener) context.Context { return ctx },
		ReadTimeout: cmp.Or(s.timeout, requestTimeout), WriteTimeout: cmp.Or(s.timeout, writeTimeout), IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
	}
	places := httpserver.Limit(&d.http, maxConns)
	for _, ln := range lns {
		go d.http.Serve(places.On(ln)) // ends at Close
	}
	s.doors = append(s.doors, d)
	return lns, nil
}

// Close ends it at once, followers too.
func (s *Server) Close() {
	for _, d := range s.doors {
		d.http.Close()
	}
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

// CheckAddress reports what is wrong with an address for the API: nobody but wire's own namespace is to reach it.
// Others get the control socket.
func CheckAddress(list string) error {
	as, err := sockets.Streams(list)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(as, func(a sockets.Address) bool {
		if a.Network == "unix" {
			return false
		}
		host, _, err := net.SplitHostPort(a.Addr)
		ip := net.ParseIP(host)
		return err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback())
	})
	if i >= 0 {
		return fmt.Errorf("%s: wire's API listens on this namespace's loopback address alone, as in tcp://127.0.0.1:9101; other containers get WIRE_CONTROL, a unix socket", as[i])
	}
	return nil
}
