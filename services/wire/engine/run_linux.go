package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"netlab.example/pkg/wire"
	"netlab.example/services/wire/kernel"
)

const (
	queueLength = 8192 // packets that the kernel keeps for us; those that we hold count as well
	lostAfter   = 3 * time.Second
	lookEvery   = 200 * time.Millisecond
)

// Run takes packets until ctx ends, and returns nil then: all packets that were kept back have gone on.
// It takes the best mechanism that works here; Status says which. Its caller is Alone. Other errors:
// ErrNoInterface, ErrInterfaceLost, ErrQueueTaken, or ErrNoAccess: not even watching is possible.
func (e *Engine) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ifc, err := e.awaitInterface(ctx)
	if err != nil || ctx.Err() != nil {
		return err
	}
	var side sync.WaitGroup
	defer side.Wait()
	side.Go(func() { e.lookAfter(ctx, stop, ifc.Index) })

	b, err := e.choose(ifc.Index)
	if err != nil {
		stop(nil)
		return err
	}
	if e.impairs() {
		if _, err := e.do(e.opts.Start, "the start"); err != nil {
			stop(nil)
			return err
		}
		e.begun.Store(e.Link.State().Line)
	} else if e.opts.Start.String() != "" {
		e.log.Warn("cannot impair here: not done", zap.String("scenario", e.opts.Start.String()))
	}
	close(e.ready)
	e.log.Info("watching", zap.Stringer("service", e.opts.Service), zap.String("mechanism", string(e.state.Load().mechanism)))
	if err := b.run(ctx); err != nil {
		stop(nil)
		return err
	}
	if errors.Is(context.Cause(ctx), ErrInterfaceLost) {
		return ErrInterfaceLost
	}
	return nil
}

// backend is one of the mechanisms. run returns nil when ctx ends, and has cleaned up then.
type backend interface {
	run(ctx context.Context) error
}

// choose takes the first mechanism that works here, and remembers why those before it do not.
func (e *Engine) choose(ifindex int) (backend, error) {
	b, why, err := e.openQueue(ifindex)
	if err != nil {
		return nil, err
	}
	if b != nil {
		return b, nil
	}
	s, err := e.openSniffer(ifindex)
	if errors.Is(err, unix.EPERM) {
		return nil, ErrNoAccess
	}
	if err != nil {
		return nil, fmt.Errorf("cannot impair (%s) and cannot watch: %w", why, err)
	}
	e.log.Warn("watching only", zap.String("why", why))
	e.state.Store(&state{wire.Observe, []wire.Limit{
		{Code: wire.NoLinkLayer, Why: "wire sees IP packets; ARP and MAC addresses are below it"},
		{Code: wire.NoImpairment, Why: why},
		{Code: wire.BigFrames, Why: "long TCP data is seen before it is cut into packets, and checksums before they are written"},
	}, s.sniffer.Unseen})
	return s, nil
}

// openQueue returns a backend, or why there is none, or an error that ends wire.
func (e *Engine) openQueue(ifindex int) (backend, string, error) {
	q, err := kernel.OpenQueue(e.opts.Queue, queueLength)
	if errors.Is(err, kernel.ErrBusy) {
		return nil, "", fmt.Errorf("queue %d: %w", e.opts.Queue, ErrQueueTaken)
	}
	if err != nil {
		return nil, why(err), nil
	}
	inject, err := kernel.NewInjector(ifindex)
	if err != nil {
		q.Close()
		return nil, why(err), nil
	}
	match := kernel.Match{Proto: unix.IPPROTO_TCP, Port: e.opts.Service.Port, Queue: e.opts.Queue}
	if e.opts.Service.Proto == wire.ProtoUDP {
		match.Proto = unix.IPPROTO_UDP
	}
	// The rules come after the queue: with a rule and no queue packets would pass unseen.
	mechanism := wire.Native
	rules, err := kernel.InstallNative(match)
	if err != nil {
		mechanism = wire.Compat
		native := err
		if rules, err = kernel.InstallCompat(match); err != nil {
			q.Close()
			inject.Close()
			return nil, fmt.Sprintf("native queue: %s; compatible queue: %s", why(native), why(err)), nil
		}
	}
	limits := []wire.Limit{
		{Code: wire.NoLinkLayer, Why: "wire sees IP packets; ARP and MAC addresses are below it"},
		{Code: wire.NoFragments, Why: "a long datagram to the client is cut into fragments after wire has seen it"},
		{Code: wire.FirstPiece, Why: "a long IPv6 datagram to the server is put together after wire has seen it: its first fragment stands for it"},
	}
	if !rules.Owned {
		limits = append(limits, wire.Limit{Code: wire.NoOwner, Why: "this kernel is older than 5.12: if wire is killed its rules stay, and let all packets pass"})
	}
	e.state.Store(&state{mechanism, limits, q.Unseen})
	return &queue{Engine: e, q: q, rules: rules, inject: inject}, "", nil
}

// why puts an error of the kernel into words that say what is missing.
func why(err error) string {
	switch {
	case errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES):
		return "the capability NET_ADMIN or NET_RAW is missing (" + err.Error() + ")"
	case errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL):
		return "this kernel has none (" + err.Error() + ")"
	}
	return err.Error()
}

// Alone makes sure that this is the only wire in the network namespace until it is closed, by a name that only
// one socket in the namespace can have; else the error is ErrSecondWire. The kernel gives it back however wire ends.
func Alone() (io.Closer, error) {
	lock, err := net.ListenPacket("unixgram", "@netlab-wire")
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, ErrSecondWire
	}
	if err != nil {
		return nil, fmt.Errorf("look for another wire: %w", err)
	}
	return lock, nil
}

// awaitInterface waits until the interface is there, for as long as a lost one may be away, or ctx ends.
func (e *Engine) awaitInterface(ctx context.Context) (*net.Interface, error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for end := time.Now().Add(lostAfter); ; {
		if ifc, err := net.InterfaceByName(e.opts.Interface); err == nil {
			e.mtu.Store(int64(ifc.MTU))
			return ifc, nil
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("%s: %w", e.opts.Interface, ErrNoInterface)
		}
		select {
		case <-ctx.Done():
			return nil, nil
		case <-tick.C:
		}
	}
}

// lookAfter stops wire when the interface has been away for long, or another has its name: the sockets are
// bound to the one that is gone. And it looks for connections that are over, and does what was planned for the link.
func (e *Engine) lookAfter(ctx context.Context, stop context.CancelCauseFunc, ifindex int) {
	tick := time.NewTicker(time.Second) // a lab is idle most of the time
	defer tick.Stop()
	due := time.NewTimer(0)
	defer due.Stop()
	for there := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-due.C:
			e.advance(due)
			continue
		case <-e.planned:
			e.advance(due)
			continue
		case <-tick.C:
		}
		now := time.Now()
		for _, conn := range e.Tracker.Expire(now) {
			e.Link.Ended(conn)
		}
		ifc, err := net.InterfaceByName(e.opts.Interface)
		switch {
		case err == nil && ifc.Index == ifindex:
			there = now
			e.mtu.Store(int64(ifc.MTU))
		case err == nil || now.Sub(there) >= lostAfter:
			stop(ErrInterfaceLost)
			return
		}
		e.relieve(kernel.ThisCgroup)
	}
}

// advance does what is due on the link, and sets the timer for what comes next.
func (e *Engine) advance(due *time.Timer) {
	if next := e.Link.Advance(time.Now()); !next.IsZero() {
		due.Reset(time.Until(next))
	}
}

// relieve forgets the older half of the records if memory is short in the container, which wire shares with the
// commands that run there: better than to be slow, or killed.
func (e *Engine) relieve(c kernel.Cgroup) {
	if e.Log.Memory().Bytes < 1<<20 { // asked first: it is at hand
		return
	}
	used, most, ok := c.Memory()
	if !ok || used < most*85/100 {
		return
	}
	e.Log.Shrink()
	debug.FreeOSMemory()
	e.log.Warn("memory is short: older packets are forgotten", zap.Int64("used", used), zap.Int64("limit", most))
}

// reserve is how many threads wire may still need for itself.
const reserve = 16

// Room is nil, or why one more program in this container would be too many.
func Room() error { return room(kernel.ThisCgroup) }

func room(c kernel.Cgroup) error {
	if now, most, ok := c.Processes(); ok && most-now < reserve {
		return fmt.Errorf("too many programs run in wire's container, with %d of at most %d threads: end one, such as a wire watch", now, most)
	}
	return nil
}
