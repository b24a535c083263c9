package main

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// own knows the addresses that our own datagrams come from. One that claims to come from there is
// forged, or our own answer gone astray: if we answered it, we should be talking to ourselves.
type own struct {
	udp   []netip.AddrPort // where our sockets are bound; 0.0.0.0 and :: stand for every address of this machine
	paths []string

	mu    sync.Mutex
	local []netip.Addr // this machine's addresses
	known time.Time    // when they were looked up: containers come to networks and leave them
}

func newOwn(conns ...net.PacketConn) *own {
	o := new(own)
	for _, c := range conns {
		switch a := c.LocalAddr().(type) {
		case *net.UDPAddr:
			o.udp = append(o.udp, plain(a.AddrPort()))
		case *net.UnixAddr:
			o.paths = append(o.paths, a.Name)
		}
	}
	return o
}

// has tells whether a is an address of ours. Nearly always the port alone says no.
func (o *own) has(a *address) bool {
	for _, b := range o.udp {
		if b.Port() == a.udp.Port() && (b == a.udp || b.Addr().IsUnspecified() && o.isLocal(a.udp.Addr())) {
			return true
		}
	}
	for _, p := range o.paths {
		if string(a.path) == p {
			return true
		}
	}
	return false
}

func (o *own) isLocal(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := time.Now(); now.Sub(o.known) > time.Second { // a flood must not make us ask the kernel each time
		o.known = now
		if addrs, err := net.InterfaceAddrs(); err == nil {
			o.local = o.local[:0]
			for _, n := range addrs {
				if n, ok := n.(*net.IPNet); ok {
					ip, _ := netip.AddrFromSlice(n.IP)
					o.local = append(o.local, ip.Unmap())
				}
			}
		}
	}
	return slices.Contains(o.local, a.WithZone(""))
}

// plain is a with an IPv4 address that stands in an IPv6 one (::ffff:127.0.0.1) taken out of it: an
// IPv6 socket that receives IPv4 too names its clients so.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
