package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/sockets"
	"netlab.example/services/referee/relay"
)

// relayCommand is one of the two relays that "make yours" starts, or waits for the program that they lead to. What they
// do is package relay.
func relayCommand(ctx context.Context, _ Config, env app.Env) error {
	usage := failure.Usage(language.Errorf("应为 inside、outside 或 wait", "want inside, outside or wait"))
	if len(env.Args) == 0 {
		return usage
	}
	args := env.Args[1:]
	tell := &teller{out: env.Stdout, lang: env.Lang.People}
	switch {
	case env.Args[0] == "inside" && len(args) == 2:
		return inside(ctx, args[0], args[1], tell)
	case env.Args[0] == "outside" && len(args) == 3:
		network, port, err := program(args[0], args[1])
		if err != nil {
			return err
		}
		return outside(ctx, network, port, args[2])
	case env.Args[0] == "wait":
		flags := app.Flags()
		longest := flags.Duration("for", 10*time.Minute, "")
		args, err := app.ParseFlags(flags, args)
		if err != nil {
			return err
		}
		if len(args) != 2 && len(args) != 3 {
			return usage
		}
		network, port, err := program(args[0], args[1])
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, *longest)
		defer cancel()
		here, _ := hosts(ctx)
		if len(args) == 3 {
			here = lookup(ctx, args[2])
		}
		return wait(ctx, network, port, here)
	}
	return usage
}

func program(network, port string) (string, uint16, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if network != "tcp" && network != "udp" || err != nil || n == 0 {
		return "", 0, failure.Usage(language.Errorf("应为 tcp 或 udp, 和 1 到 65535 的端口", "want tcp or udp, and a port from 1 to 65535"))
	}
	return network, uint16(n), nil
}

func inside(ctx context.Context, url, socket string, tell *teller) error {
	server, err := sockets.ParseOn(url, "tcp", "udp")
	if err != nil {
		return err
	}
	in := relay.Inside{Socket: socket, Tell: tell.tell}
	if server.Network == "udp" {
		conns, err := sockets.ListenPacket(ctx, url)
		if err != nil {
			return err
		}
		return in.Datagrams(ctx, conns[0].(*net.UDPConn))
	}
	lns, err := sockets.Listen(ctx, url, sockets.Options{})
	if err != nil {
		return err
	}
	return in.Streams(ctx, lns...)
}

func outside(ctx context.Context, network string, port uint16, socket string) error {
	links, err := sockets.Listen(ctx, "unix://"+socket, sockets.Options{})
	if err != nil {
		return err
	}
	hosts, desktop := hosts(ctx)
	out := relay.Outside{Hosts: append(hosts, desktop...), Port: port, Takes: func(at netip.AddrPort) bool {
		return slices.Contains(desktop, at.Addr()) || relay.Serves(relay.Bound("udp", port), at.Addr())
	}}
	if network == "udp" {
		return out.Datagrams(ctx, links[0])
	}
	return out.Streams(ctx, links[0])
}

// hosts are the addresses at which a program of the host may be. Those of Docker Desktop are the real host's: there the
// host's network is a virtual machine's, and what programs of the host wait for is not to be seen.
func hosts(ctx context.Context) (here, desktop []netip.Addr) {
	here = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	if name, err := os.Hostname(); err == nil {
		here = append(here, lookup(ctx, name)...)
	}
	return here, lookup(ctx, "host.docker.internal")
}

func lookup(ctx context.Context, name string) []netip.Addr {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	found, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", name) // a name that nobody knows has no address
	return found
}

// wait waits until a program of this network namespace takes what comes to one of these addresses. It asks the kernel's
// tables: a connection would be the only one of a program that accepts once.
func wait(ctx context.Context, network string, port uint16, hosts []netip.Addr) error {
	for {
		bound := relay.Bound(network, port)
		if slices.ContainsFunc(hosts, func(host netip.Addr) bool { return relay.Serves(bound, host) }) {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			if len(bound) > 0 {
				return language.Errorf("端口 %d 只在 %v 上有程序等待, 从那里连不到", "a program waits at port %d, but only of %v, where it is not reached", port, bound)
			}
			return language.Errorf("没有程序在端口 %d 等待", "no program waits at port %d", port)
		}
	}
}

// A teller prints what the owner of the program should know. What is as before is not said again within a second.
type teller struct {
	out  io.Writer
	lang language.Lang

	mu   sync.Mutex
	last string
	when time.Time
}

func (t *teller) tell(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := language.Tell(err, t.lang)
	if line == t.last && time.Since(t.when) < time.Second {
		return
	}
	t.last, t.when = line, time.Now()
	fmt.Fprintln(t.out, line)
}
