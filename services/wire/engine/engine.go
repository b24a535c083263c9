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
	"cmp"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/packet"
	"netlab.example/pkg/wire/record"
	"netlab.example/pkg/wire/trace"
	"netlab.example/services/wire/link"
)

// ErrSecondWire means that another wire runs in this network namespace.
var ErrSecondWire = errors.New("another wire is already here")

// ErrInterfaceLost means that the network interface is gone: the service was restarted, and its new
// containers have a network of their own. Its supervisor should start it again.
var ErrInterfaceLost = errors.New("the network interface is gone")

// ErrNoInterface means that the network interface was not there from the beginning.
var ErrNoInterface = errors.New("there is no such network interface")

// ErrQueueTaken means that a program other than wire has the packet queue.
var ErrQueueTaken = errors.New("the packet queue is taken")

// ErrNoAccess means that a capability is missing without which nothing can be seen at all.
var ErrNoAccess = errors.New("the capability NET_RAW is missing")

// ErrWatchingOnly means that packets can be seen here but not impaired; Status says why.
var ErrWatchingOnly = errors.New("wire can only watch here")

// Options is what an Engine is made of.
type Options struct {
	Service   wire.Service
	Interface string // the one whose loss ends wire: eth0
	Queue     uint16 // NFQUEUE's number
	Keep      int    // bytes remembered of each packet
	Memory    *record.Log
	Start     wire.Scenario // what holds from the start, and after Reset
	Log       *zap.Logger
}

// Engine is a wire. Log, Tracker and Link may be read by anybody at any time; what is to be changed goes through
// Do, ClearFaults and Reset, which know whether it can be changed here, and tell the log of it.
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
	gaps    gaps
	begun   atomic.Value // the link's line at the start, a string
	later   *later
	planned chan struct{} // the link may have something planned that it had not
	ready   chan struct{}
}

// state is what stays the same while Run runs.
type state struct {
	mechanism wire.Mechanism
	limits    []wire.Limit
	unseen    func() uint64
}

// New makes an engine; Run starts it, once.
func New(o Options) *Engine {
	e := &Engine{Log: o.Memory, Tracker: trace.New(), Link: &link.Link{}, opts: o, log: o.Log, started: time.Now(), later: newLater(), planned: make(chan struct{}, 1), ready: make(chan struct{})}
	e.Link.Tell = e.Log.Tell
	e.state.Store(&state{unseen: func() uint64 { return 0 }})
	return e
}

// Ready is closed when Run has begun to take packets.
func (e *Engine) Ready() <-chan struct{} { return e.ready }

// Status says how wire is doing.
func (e *Engine) Status() wire.Status {
	s := e.state.Load()
	line, changed, waiting := e.Link.State().Line, []string{}, 0
	if atStart, _ := e.begun.Load().(string); line != atStart {
		changed = append(changed, "link "+cmp.Or(line, "clear"))
	}
	for _, f := range e.Link.Faults() {
		if f.State == wire.Waiting || f.State == wire.Bound {
			waiting++
			if len(changed) < maxChanged && !slices.ContainsFunc(e.opts.Start.Faults, func(s wire.Fault) bool { return s.String() == f.Line }) {
				changed = append(changed, f.Line)
			}
		}
	}
	return wire.Status{
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
		Gaps:      e.gaps.get(),
		Link:      line,
		Faults:    waiting,
		Changed:   changed,
		Memory:    e.Log.Memory(),
	}
}

// maxChanged bounds what Status lists of changes.
const maxChanged = 10

// gaps counts the times in which wire stood still and packets passed without it.
type gaps struct {
	mu sync.Mutex
	wire.Gaps
}

func (g *gaps) get() wire.Gaps {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.Gaps
}

func (g *gaps) add(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.Times++
	g.Time += d
}

func (e *Engine) impairs() bool {
	m := e.state.Load().mechanism
	return m == wire.Native || m == wire.Compat
}

// Do does what a scenario asks for, in the name of by: all of it, or nothing and an error. When the link is
// cleared, what waits goes on at once: all, or that of the connections for which it was.
func (e *Engine) Do(s wire.Scenario, by string) ([]wire.Fault, error) {
	if !e.impairs() {
		return nil, ErrWatchingOnly
	}
	faults, err := e.do(s, by)
	if err != nil {
		return nil, err
	}
	for _, step := range s.Link {
		if step.Clears() && step.After == 0 {
			e.later.release(step.Scope)
		}
	}
	return faults, nil
}

// errNoReset is the answer to a reset where there are no connections.
var errNoReset = errors.New("reset: this service has datagrams, and only a TCP connection can be reset")

// do has the link do it, and wakes who does what it has planned.
func (e *Engine) do(s wire.Scenario, by string) ([]wire.Fault, error) {
	if e.opts.Service.Proto == wire.ProtoUDP && slices.ContainsFunc(s.Faults, func(f wire.Fault) bool { return f.Do == wire.Reset }) {
		return nil, errNoReset
	}
	faults, err := e.Link.Do(s, by)
	select {
	case e.planned <- struct{}{}:
	default:
	}
	return faults, err
}

// ClearFaults forgets the exact faults.
func (e *Engine) ClearFaults(by string) { e.Link.ClearFaults(by) }

// Reset makes everything as it was at the start: link and faults, and no records. What waits goes on at once.
func (e *Engine) Reset(by string) error {
	e.Link.ClearFaults(by)
	e.Log.Forget()
	e.Log.Tell(wire.ChangeReset, "reset", by)
	if !e.impairs() {
		return nil
	}
	_, err := e.do(e.start(), by)
	e.later.release(wire.Scope{})
	return err
}

// start is what holds from the start.
func (e *Engine) start() wire.Scenario {
	s := e.opts.Start
	s.Link = append([]wire.Step{{Line: "clear"}}, s.Link...)
	return s
}

// meet makes the record of a packet and decides its name. The bytes are the caller's; the record has its own.
// It returns nil for a packet that does not concern the service. A datagram of which only the first piece
// will be seen goes by that: forWhole.
func (e *Engine) meet(now time.Time, dir wire.Direction, raw []byte, forWhole bool) *wire.Record {
	p := packet.Decode(raw)
	if !e.opts.Service.Concerns(&p, dir) {
		return nil
	}
	if forWhole {
		p.Fragment = nil
	}
	r := &wire.Record{Time: now, Dir: dir, Packet: p, Raw: bytes.Clone(raw[:min(len(raw), e.opts.Keep)])}
	r.ID = e.Log.Next() // the tracker's segments remember it
	e.Tracker.Identify(r)
	return r
}

// keep completes the record, whose fate is decided, and makes it public.
func (e *Engine) keep(r *wire.Record) {
	r.Fate.What = r.Fate.Word()
	e.Tracker.Label(r)
	e.Log.Append(r)
	if r.Ends {
		e.Link.Ended(r.Conn)
	}
}
