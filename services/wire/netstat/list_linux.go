package netstat

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"netlab.example/pkg/wire"
)

// List returns the sockets with a local port, at most Most of them, and how many more there are.
func List(proto wire.Proto, port uint16) (all []wire.Socket, more int, err error) {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		var some []wire.Socket
		if proto == wire.ProtoUDP {
			some, err = udp(family, port)
		} else {
			some, err = tcp(family, port)
		}
		// An interrupted dump lacks a socket that came or went meanwhile, as any list does that is a moment old.
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
			return nil, 0, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, order)
	most := min(len(all), Most)
	return all[:most], len(all) - most, nil
}

func tcp(family uint8, port uint16) ([]wire.Socket, error) {
	found, err := netlink.SocketDiagTCPInfo(family)
	var some []wire.Socket
	for _, f := range found {
		s, ours := socket(f.InetDiagMsg, wire.ProtoTCP, port)
		if !ours {
			continue
		}
		if i := f.TCPInfo; i != nil && s.State != "LISTEN" && s.State != "TIME-WAIT" {
			s.TCP = &wire.TCPInfo{
				RTT: time.Duration(i.Rtt) * time.Microsecond, RTO: time.Duration(i.Rto) * time.Microsecond,
				Cwnd: i.Snd_cwnd, Unacked: i.Unacked, Lost: i.Lost, Retries: i.Retransmits, Resent: i.Total_retrans,
				MSS: i.Snd_mss, PeerWindow: i.Snd_wnd, BytesAcked: i.Bytes_acked, BytesRead: i.Bytes_received,
			}
		}
		some = append(some, s)
	}
	return some, err
}

func udp(family uint8, port uint16) ([]wire.Socket, error) {
	found, err := netlink.SocketDiagUDP(family)
	var some []wire.Socket
	for _, f := range found {
		if s, ours := socket(f, wire.ProtoUDP, port); ours {
			some = append(some, s)
		}
	}
	return some, err
}

// socket translates one; ours is false for a socket with another local port.
func socket(f *netlink.Socket, proto wire.Proto, port uint16) (s wire.Socket, ours bool) {
	if f == nil || f.ID.SourcePort != port {
		return s, false
	}
	return wire.Socket{
		Proto: proto, State: state(f.State, proto),
		Local: address(f.ID.Source, f.ID.SourcePort), Remote: address(f.ID.Destination, f.ID.DestinationPort),
		RecvQ: f.RQueue, SendQ: f.WQueue,
		Timer: timer(f.Timer), Expires: time.Duration(f.Expires) * time.Millisecond,
	}, true
}

// address takes a v4 address out of the v6 one that a socket of both families has.
func address(ip net.IP, port uint16) netip.AddrPort {
	addr, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(addr.Unmap(), port)
}
