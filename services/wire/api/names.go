package api

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"netlab.example/pkg/wire"
)

// names are what Docker calls the lab's containers. Its DNS server answers in each container at 127.0.0.11, also the
// question which name belongs to an address; wire is in the server's namespace and asks there.
type names struct {
	mu     sync.Mutex
	known  map[netip.Addr]named
	lookup func(ctx context.Context, addr netip.Addr) (string, error) // tests have their own
}

type named struct {
	name string // "": none
	at   time.Time
}

const (
	maxNames   = 256
	nameLasts  = time.Minute
	nameTime   = 500 * time.Millisecond // for all of one answer
	dockersDNS = "127.0.0.11:53"
)

func askDocker(ctx context.Context, addr netip.Addr) (string, error) {
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", dockersDNS)
	}}
	all, err := r.LookupAddr(ctx, addr.String())
	if err != nil || len(all) == 0 {
		return "", err
	}
	name := strings.TrimSuffix(all[0], ".")
	if i := strings.LastIndexByte(name, '.'); i > 0 { // netlab-hello-client-1.netlab_lab: the network's name
		name = name[:i]
	}
	return name, nil
}

// of are the names of addresses, as many as answer in time. Only private ones are asked about: nobody outside needs to
// hear which public addresses talk to the lab.
func (n *names) of(ctx context.Context, addrs []netip.Addr) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, nameTime)
	defer cancel()
	var asking sync.WaitGroup
	places := make(chan struct{}, 8)
	for _, addr := range n.unknown(addrs) {
		asking.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			name, _ := n.lookup(ctx, addr)
			n.mu.Lock()
			defer n.mu.Unlock()
			n.known[addr] = named{name, time.Now()}
		})
	}
	asking.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	all := map[string]string{}
	for _, addr := range addrs {
		if name := n.known[addr].name; name != "" {
			all[addr.String()] = name
		}
	}
	return all
}

// unknown are those to ask about, each once.
func (n *names) unknown(addrs []netip.Addr) (ask []netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil || len(n.known) > maxNames {
		n.known = map[netip.Addr]named{}
	}
	for _, addr := range addrs {
		if k, ok := n.known[addr]; addr.IsPrivate() && (!ok || time.Since(k.at) > nameLasts) && len(ask) < maxNames {
			n.known[addr] = named{k.name, time.Now()}
			ask = append(ask, addr)
		}
	}
	return ask
}

func (s *Server) showNames(w http.ResponseWriter, r *http.Request) {
	var addrs []netip.Addr
	seen := map[netip.Addr]bool{}
	for _, c := range s.Tracker.Connections() {
		for _, addr := range []netip.Addr{c.Client.Addr().Unmap(), c.Server.Addr().Unmap()} {
			if !seen[addr] {
				seen[addr] = true
				addrs = append(addrs, addr)
			}
		}
	}
	answer(w, wire.Names{Names: s.names.of(r.Context(), addrs)})
}
