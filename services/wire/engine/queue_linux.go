package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"netlab.example/pkg/wire"
	"netlab.example/services/wire/kernel"
	"netlab.example/services/wire/link"
)

// queue is the backend that decides: each packet waits in the kernel for the verdict.
//
// A packet that is to wait longer is treated differently by direction. On the way in it is held: its
// verdict comes later. On the way out it is dropped, and a copy of it sent later, for a held packet
// still counts as unsent to the sender's TCP, which then neither sends more nor ever retransmits it: the
// very thing that the learner is to see.
type queue struct {
	*Engine
	q      *kernel.Queue
	rules  *kernel.Rules
	inject *kernel.Injector
	said   time.Time // when wire last said that it is alive
	tried  time.Time // and when it last tried to
	held   sync.Map  // of func(), by the number of the fault that holds a packet: lets it go on
}

// holdLimit is how long a packet waits for the one that it is to be swapped with.
const holdLimit = 5 * time.Second

// linger is for how long wire asks again and again for the next packet before it waits for it: an answer mostly
// follows soon, and a processor that has gone to sleep takes as long to wake as all that wire does. On an idle
// machine a round trip through wire then gains 50 µs and not 95, for at most so much processor time a packet.
const linger = 100 * time.Microsecond

// quiet is after how long without a packet wire waits as cheaply as it can.
const quiet = 2 * time.Second

func (b *queue) run(ctx context.Context) (err error) {
	var timers sync.WaitGroup
	timing, stopTiming := context.WithCancel(context.Background())
	timers.Go(func() { b.later.run(timing) })
	defer func() {
		// The way out: no new packets, then all that were kept back, then all that still wait in the
		// kernel, and only then the table, see Empty.
		err = errors.Join(err, b.rules.Empty())
		stopTiming()
		timers.Wait()
		err = errors.Join(err, b.drain(), b.rules.Close())
		lost := b.q.Unseen()
		s := *b.state.Load()
		s.unseen = func() uint64 { return lost }
		b.state.Store(&s)
		err = errors.Join(err, b.q.Close())
		b.inject.Close()
	}()
	b.said = time.Now() // the rules have just been made
	b.tried = b.said
	last := time.Now()
	for ctx.Err() == nil {
		packets, err := b.next(last)
		if err != nil {
			return err
		}
		if len(packets) > 0 {
			last = time.Now()
		}
		for i := range packets {
			b.packet(&packets[i])
		}
		if err := b.q.Flush(); err != nil {
			return fmt.Errorf("send verdicts: %w", err)
		}
		b.renew(time.Now())
	}
	return nil
}

// next returns the packets that have come, or none when it is time to say that wire is alive; last is when one came.
func (b *queue) next(last time.Time) ([]kernel.Queued, error) {
	if time.Since(last) >= quiet {
		return b.q.Idle(b.tried.Add(renewIdle))
	}
	runtime.LockOSThread() // in one system call most of the time: a packet finds the thread waiting
	defer runtime.UnlockOSThread()
	packets, err := b.q.Rest()
	for err == nil && len(packets) == 0 && time.Since(last) < linger {
		packets, err = b.q.Rest()
	}
	if err == nil && len(packets) == 0 {
		return b.q.Receive()
	}
	return packets, err
}

// How often wire says that it is alive: while packets come, several times may be missing before kernel.Lasts is over.
// An idle wire spares the laptop's battery; one time may be late by half of kernel.Lasts then.
const (
	renewEvery = kernel.Lasts / 4
	renewIdle  = kernel.Lasts / 2
)

// renew says that wire is alive: that the loop which takes packets comes by. If it came by too late, packets have
// passed without wire, and the log tells of the gap.
func (b *queue) renew(now time.Time) {
	if now.Sub(b.tried) < renewEvery {
		return
	}
	b.tried = now
	since := now.Sub(b.said)
	if err := b.rules.Renew(); err != nil {
		b.log.Warn("cannot renew the rules: packets bypass wire", zap.Error(err))
		return
	}
	b.said = now
	if gap := since - kernel.Lasts; gap > 0 {
		b.gaps.add(gap)
		b.Tracker.ExpectGaps()
		b.Log.Tell(wire.ChangeGap, "stood still for "+gap.Round(10*time.Millisecond).String(), "")
		b.log.Warn("stood still: packets passed unseen", zap.Duration("for", gap))
	}
}

// drain accepts what is left in the queue.
func (b *queue) drain() error {
	for {
		packets, err := b.q.Rest()
		if err != nil || len(packets) == 0 {
			return err
		}
		for i := range packets {
			b.q.Accept(packets[i].ID, nil)
		}
		if err := b.q.Flush(); err != nil {
			return err
		}
	}
}

// packet decides one packet's fate and carries it out.
func (b *queue) packet(p *kernel.Queued) {
	dir := wire.In
	if p.Hook == kernel.LocalOut {
		dir = wire.Out
	}
	now := time.Now()
	// IPv4 puts datagrams together before LocalIn, IPv6 behind it. There the first piece, which has the
	// ports, comes by: whatever becomes of it becomes of the datagram.
	piece := p.Hook != kernel.PreRouting && firstPiece(p.Raw)
	r := b.meet(now, dir, p.Raw, piece)
	if r == nil || p.Hook == kernel.PreRouting && r.Class != wire.ClassFragment {
		b.q.Accept(p.ID, nil)
		return
	}
	d := b.Link.Decide(r)
	b.possible(r, &d.Fate, p, piece)
	r.Fate = d.Fate
	b.keep(r) // before the verdict: the order of the list is the order here

	switch f := d.Fate; {
	case f.What == wire.Dropped:
		b.q.Drop(p.ID)
	case f.What == wire.Held:
		b.hold(p, r, now)
	case f.Delay > 0:
		b.later.at(now.Add(f.Delay), len(p.Raw), r, b.wait(p, r))
	default:
		b.pass(p, r)
	}
	if d.Release != 0 {
		b.release(d, r, now)
	}
	if d.Reset {
		b.reset(p, r, now)
	}
}

// reset ends r's connection with a RST to both sides. r itself is dropped, so that its numbers are what its receiver
// expects next, and what its sender has said to expect.
func (b *queue) reset(p *kernel.Queued, r *wire.Record, now time.Time) {
	for _, dir := range []wire.Direction{r.Dir, r.Dir.Back()} {
		raw := kernel.RST(p.Raw, r.Packet.Header.At, dir != r.Dir)
		if raw == nil {
			continue
		}
		b.q.Push() // the verdicts before it come first
		made := b.meet(now, dir, raw, false)
		made.Fate = wire.Fate{What: wire.Made, Cause: r.Fate.Cause, Fault: r.Fate.Fault}
		b.keep(made)
		b.send(raw, made.Packet.Dst.Addr(), 1)
	}
}

// firstPiece reports whether raw is the first of an IPv6 datagram's fragments.
func firstPiece(raw []byte) bool {
	if len(raw) < 48 || raw[0]>>4 != 6 || raw[6] != unix.IPPROTO_FRAGMENT {
		return false
	}
	offset := binary.BigEndian.Uint16(raw[42:])
	return offset&^7 == 0 && offset&1 == 1
}

// possible takes back what cannot be done to this packet.
func (b *queue) possible(r *wire.Record, f *wire.Fate, p *kernel.Queued, piece bool) {
	if f.What == wire.Dropped {
		return
	}
	if f.Copies > 0 && (p.Cut || piece || r.Dir == wire.Out && len(p.Raw) > int(b.mtu.Load())) {
		f.Copies = 0
		f.Cause += " (not done: too long to be sent as one packet)"
	}
	if p.Cut {
		f.Damage = nil
	}
	if (f.What == wire.Held || f.Delay > 0) && !b.later.room(len(p.Raw)) {
		*f = wire.Fate{What: wire.Dropped, Cause: f.Cause + "; too many packets wait", Fault: f.Fault}
	}
}

// pass lets a packet go on at once, and its copies after it.
func (b *queue) pass(p *kernel.Queued, r *wire.Record) {
	sent := r.Fate.Damage.Apply(p.Raw)
	if r.Fate.Damage == nil {
		b.q.Accept(p.ID, nil)
	} else {
		b.q.Accept(p.ID, sent)
	}
	if r.Fate.Copies > 0 {
		b.q.Push() // the copies come second
		b.send(sent, r.Packet.Dst.Addr(), r.Fate.Copies)
	}
}

// wait sees to it that a packet is kept back, and returns what lets it go on.
func (b *queue) wait(p *kernel.Queued, r *wire.Record) func() {
	id, to, copies, damaged := p.ID, r.Packet.Dst.Addr(), r.Fate.Copies, r.Fate.Damage != nil
	if r.Dir == wire.Out && len(p.Raw) <= int(b.mtu.Load()) && !p.Cut {
		sent := bytes.Clone(r.Fate.Damage.Apply(p.Raw))
		b.q.Drop(id)
		return func() { b.send(sent, to, 1+copies) }
	}
	// Held in the kernel. Bytes are needed only if they change, or for copies.
	var sent []byte
	if damaged || copies > 0 {
		sent = bytes.Clone(r.Fate.Damage.Apply(p.Raw))
	}
	return func() {
		changed := sent
		if !damaged {
			changed = nil
		}
		if err := b.q.AcceptLater(id, changed); err != nil {
			b.refused.Add(1)
		}
		b.send(sent, to, copies)
	}
}

// hold keeps a packet until the one it is swapped with has passed, or its time is over.
func (b *queue) hold(p *kernel.Queued, r *wire.Record, now time.Time) {
	number := r.Fate.Fault
	b.held.Store(number, b.wait(p, r))
	b.later.at(now.Add(holdLimit), len(p.Raw), r, func() {
		if goOn, ok := b.held.LoadAndDelete(number); ok { // what takes it out lets it go
			b.Link.GaveUp(number)
			goOn.(func())()
		}
	})
}

// release lets the packet that a fault holds follow the one that has just been decided.
func (b *queue) release(d link.Decision, r *wire.Record, now time.Time) {
	held, ok := b.held.LoadAndDelete(d.Release)
	if !ok {
		return
	}
	goOn := held.(func())
	if d.Fate.Delay > 0 {
		b.later.at(now.Add(d.Fate.Delay), 0, r, goOn)
		return
	}
	b.q.Push()
	goOn()
}

// send sends a packet so many times. The kernel may refuse: its buffers are full, or the route is gone.
// A network may lose packets, so that is counted and no more.
func (b *queue) send(packet []byte, to netip.Addr, times int) {
	for range times {
		if err := b.inject.Send(packet, to); err != nil && !errors.Is(err, unix.EINTR) {
			b.refused.Add(1)
		}
	}
}
