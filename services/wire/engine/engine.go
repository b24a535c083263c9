// Package engine takes each packet of one service from the kernel, has its fate decided and recorded,
// and carries the fate out.
//
//	kernel --> backend --> Tracker.Identify --> Link.Decide --> Tracker.Label --> Log.Append --> verdict
//	           nfq, or                                                            (first the     accept, drop,
//	           observe                                                             record)       hold, copy
//
// A backend is one of the mechanisms of status.go; they are tried in that order.
package engine

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"netlab.example/pkg/wire/packet"
	"netlab.example/pkg/wire/record"
	"netlab.example/pkg/wire/trace"
	"netlab.example/services/wire/link"
)

// ErrSecondWire means that another wire runs in this network namespace.
var ErrSecondWire = errors.New("another wire is already here")

// ErrInterfaceLost means that the network interface is gone: the service was restarted, and its new
// containers have a network of their own. Whoever supervises wire should start it again.
var ErrInterfaceLost = errors.New("the network interface is gone")

// ErrNoInterface means that the network interface was not there from the beginning.
var ErrNoInterface = errors.New("there is no such network interface")

// ErrQueueTaken means that a program other than wire has the packet queue.
var ErrQueueTaken = errors.New("the packet queue is taken")

// ErrNoAccess means that a capability is missing without which nothing can be seen at all.
var ErrNoAccess = errors.New("the capability NET_RAW is missing")

// ErrWatchingOnly means that packets can be seen here but not impaired; Status says why.
var ErrWatchingOnly = errors.New("wire can only watch here")

// Service is what is watched: one port of one protocol.
type Service struct {
	Proto packet.Proto
	Port  uint16
}

// ParseService reads a service's URL, such as tcp://:8080; the host does not matter, all addresses are watched.
func ParseService(text string) (Service, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Service{}, fmt.Errorf("service %q: write a URL such as tcp://:8080", text)
	}
	s := Service{}
	switch u.Scheme {
	case "tcp", "tcp4", "tcp6":
		s.Proto = packet.ProtoTCP
	case "udp", "udp4", "udp6":
		s.Proto = packet.ProtoUDP
	case "unix", "unixgram":
		return s, fmt.Errorf("service %q: a unix socket has no packets to see", text)
	default:
		return s, fmt.Errorf("service %q: write tcp://:PORT or udp://:PORT", text)
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 {
		return s, fmt.Errorf("service %q: the port is missing", text)
	}
	s.Port = uint16(port)
	return s, nil
}

func (s Service) String() string { return fmt.Sprintf("%s://:%d", s.Proto, s.Port) }

// concerns reports whether p is about the service: of its port, or an ICMP error that quotes such a packet.
// Pieces of a datagram without ports are given the benefit of the doubt.
func (s Service) concerns(p *packet.Packet, dir record.Direction) bool {
	if p.ICMP != nil {
		q := p.ICMP.Quote
		return q != nil && q.Proto == s.Proto && s.at(q.Src, q.Dst, dir.Back())
	}
	if p.Proto != s.Proto {
		return false
	}
	return p.Fragment != nil && p.Fragment.Offset > 0 || p.Problem != "" || s.at(p.Src, p.Dst, dir)
}

func (s Service) at(src, dst netip.AddrPort, dir record.Direction) bool {
	if dir == record.In {
		return dst.Port() == s.Port
	}
	return src.Port() == s.Port
}

// Options is what an Engine is made of.
type Options struct {
	Service   Service
	Interface string // the one whose loss ends wire: eth0
	Queue     uint16 // NFQUEUE's number
	Keep      int    // bytes remembered of each packet
	Memory    *record.Log
	Log       *zap.Logger
}

// Engine is a wire. Log, Tracker and Link may be read by anybody at any time; to change the link, use
// Change and Do, which know whether it can be changed here.
type Engine struct {
	Log     *record.Log
	Tracker *trace.Tracker
	Link    *link.Link

	opts    Options
	log     *zap.Logger
	started time.Time
	state   atomic.Pointer[state]
	mtu     atomic.Int64
	refused atomic.Uint64
	later   *later
	ready   chan struct{}
}

// state is what stays the same while Run runs.
type state struct {
	mechanism Mechanism
	limits    []Limit
	unseen    func() uint64
}

// New makes an engine; Run starts it, once.
func New(o Options) *Engine {
	e := &Engine{Log: o.Memory, Tracker: trace.New(), Link: &link.Link{}, opts: o, log: o.Log, started: time.Now(), later: newLater(), ready: make(chan struct{})}
	e.state.Store(&state{unseen: func() uint64 { return 0 }})
	return e
}

// Ready is closed when Run has begun to take packets.
func (e *Engine) Ready() <-chan struct{} { return e.ready }

// Status says how wire is doing.
func (e *Engine) Status() Status {
	s := e.state.Load()
	return Status{
		Mechanism: s.mechanism,
		Impairs:   e.impairs(),
		Limits:    s.limits,
		Service:   e.opts.Service.String(),
		Interface: e.opts.Interface,
		MTU:       int(e.mtu.Load()),
		Started:   e.started,
		Unseen:    s.unseen(),
		Waiting:   e.later.len(),
		Refused:   e.refused.Load(),
		Memory:    e.Log.Memory(),
	}
}

func (e *Engine) impairs() bool {
	m := e.state.Load().mechanism
	return m == Native || m == Compat
}

// Change changes the link's settings as a line says, see link.Settings.Parse.
func (e *Engine) Change(line string) (link.Settings, error) {
	if !e.impairs() {
		return link.Settings{}, ErrWatchingOnly
	}
	return e.Link.Change(line)
}

// Do arms what a scenario asks for; a single line is a scenario too. Nothing is done on an error.
func (e *Engine) Do(s link.Scenario) ([]link.Fault, error) {
	if !e.impairs() {
		return nil, ErrWatchingOnly
	}
	return e.Link.Run(s)
}

// meet makes the record of a packet and decides its name. The bytes are the caller's; the record has its own.
// It returns nil for a packet that does not concern the service. A datagram of which only the first piece
// will be seen goes by that: forWhole.
func (e *Engine) meet(now time.Time, dir record.Direction, raw []byte, forWhole bool) *record.Record {
	p := packet.Decode(raw)
	if !e.opts.Service.concerns(&p, dir) {
		return nil
	}
	if forWhole {
		p.Fragment = nil
	}
	r := &record.Record{ID: e.Log.Next(), Time: now, Dir: dir, Packet: p, Raw: bytes.Clone(raw[:min(len(raw), e.opts.Keep)])}
	e.Tracker.Identify(r)
	return r
}

// keep completes the record, whose fate is decided, and makes it public.
func (e *Engine) keep(r *record.Record) {
	e.Tracker.Label(r)
	e.Log.Append(r)
	if r.Ends {
		e.Link.Ended(r.Conn)
	}
}
