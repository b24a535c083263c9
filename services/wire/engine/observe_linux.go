package engine

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"netlab.example/pkg/wire"
	"netlab.example/services/wire/kernel"
)

// observer is the backend for where packets cannot be stopped: it sees them pass.
type observer struct {
	*Engine
	sniffer *kernel.Sniffer
}

func (e *Engine) openSniffer(ifindex int) (*observer, error) {
	match := kernel.Match{Proto: unix.IPPROTO_TCP, Port: e.opts.Service.Port}
	if e.opts.Service.Proto == wire.ProtoUDP {
		match.Proto = unix.IPPROTO_UDP
	}
	s, err := kernel.OpenSniffer(ifindex, match)
	if err != nil {
		return nil, err
	}
	e.Tracker.ExpectGaps() // the socket's buffer may overflow
	return &observer{e, s}, nil
}

func (b *observer) run(ctx context.Context) error {
	defer b.sniffer.Close()
	for ctx.Err() == nil {
		packets, err := b.sniffer.Receive()
		if err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		now := time.Now()
		for _, p := range packets {
			dir := wire.In
			if p.Out {
				dir = wire.Out
			}
			if r := b.meet(now, dir, p.Raw, false); r != nil {
				r.Fate.What = wire.Seen
				b.keep(r)
			}
		}
	}
	return nil
}
