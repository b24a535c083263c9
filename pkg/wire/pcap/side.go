package pcap

import (
	"net/netip"

	"netlab.example/pkg/wire"
)

// sides knows which end of a conversation is the server. A SYN goes to the server. Without one, in a capture that began
// too late, an end that was a server before is one again, and else the end with the lower port is; if both ports are
// the same, the first packet goes to the server.
type sides struct {
	proto wire.Proto // of the one service that is looked at; "" for every one
	port  uint16

	flows   memory[flow, side]
	servers memory[end, bool]
	pieces  memory[piece, wire.Direction] // which way a datagram goes that comes in fragments
}

// flow is a conversation, written as its packets go one way.
type flow struct {
	proto    wire.Proto
	src, dst netip.AddrPort
}

func (f flow) back() flow { return flow{f.proto, f.dst, f.src} }

type end struct {
	proto wire.Proto
	at    netip.AddrPort
}

// side is what is known of a flow.
type side struct {
	dir  wire.Direction
	sure bool // a SYN was seen
}

type piece struct {
	src, dst netip.Addr
	id       uint32
}

// of is the direction of a packet; ok is false if it belongs to no service that is looked at.
func (s *sides) of(p *wire.Packet) (dir wire.Direction, ok bool) {
	switch {
	case p.Fragment != nil && p.Header.Len == 0:
		dir, ok = s.pieces.get(piece{p.Src.Addr(), p.Dst.Addr(), p.Fragment.ID})
		return orIn(dir), ok || s.port == 0
	case p.ICMP != nil:
		return s.icmp(p)
	case p.Problem != "" || p.Proto != wire.ProtoTCP && p.Proto != wire.ProtoUDP:
		return wire.In, s.port == 0
	}
	dir, ok = s.flow(p)
	if ok && p.Fragment != nil {
		s.pieces.set(piece{p.Src.Addr(), p.Dst.Addr(), p.Fragment.ID}, dir)
	}
	return dir, ok
}

func orIn(dir wire.Direction) wire.Direction {
	if dir == "" {
		return wire.In
	}
	return dir
}

// icmp: an error goes back where the packet that it quotes came from; a question goes in, its answer out.
func (s *sides) icmp(p *wire.Packet) (wire.Direction, bool) {
	if q := p.ICMP.Quote; q != nil {
		dir, ok := s.flow(&wire.Packet{Proto: q.Proto, Src: q.Src, Dst: q.Dst})
		return dir.Back(), ok
	}
	if t := p.ICMP.Type; p.Proto == wire.ProtoICMP && t == 0 || p.Proto == wire.ProtoICMPv6 && t == 129 {
		return wire.Out, s.port == 0
	}
	return wire.In, s.port == 0
}

func (s *sides) flow(p *wire.Packet) (wire.Direction, bool) {
	if s.port != 0 && (p.Proto != s.proto || p.Src.Port() != s.port && p.Dst.Port() != s.port) {
		return wire.In, false
	}
	f := flow{p.Proto, p.Src, p.Dst}
	known, ok := s.flows.get(f)
	syn := p.TCP != nil && p.TCP.Flags.Has(wire.SYN)
	if ok && (known.sure || !syn) {
		return known.dir, true
	}
	dir := s.guess(p)
	if syn && (s.port == 0 || p.Src.Port() == p.Dst.Port()) {
		dir = wire.In
		if p.TCP.Flags.Has(wire.ACK) {
			dir = wire.Out
		}
	}
	s.flows.set(f, side{dir, syn})
	s.flows.set(f.back(), side{dir.Back(), syn})
	if syn {
		server := p.Dst
		if dir == wire.Out {
			server = p.Src
		}
		s.servers.set(end{p.Proto, server}, true)
	}
	return dir, true
}

// guess is for a flow whose SYN was not seen.
func (s *sides) guess(p *wire.Packet) wire.Direction {
	_, fromServer := s.servers.get(end{p.Proto, p.Src})
	_, toServer := s.servers.get(end{p.Proto, p.Dst})
	switch src, dst := p.Src.Port(), p.Dst.Port(); {
	case s.port != 0 && src != dst:
		fromServer = src == s.port
	case fromServer != toServer:
	default:
		fromServer = src < dst
	}
	if fromServer {
		return wire.Out
	}
	return wire.In
}

// memory is a map that forgets: of what was set, the latest half at least is there.
type memory[K comparable, V any] struct{ young, old map[K]V }

const remembered = 1 << 15

func (m *memory[K, V]) get(k K) (V, bool) {
	if v, ok := m.young[k]; ok {
		return v, true
	}
	v, ok := m.old[k]
	if ok {
		m.set(k, v) // what is asked for stays
	}
	return v, ok
}

func (m *memory[K, V]) set(k K, v V) {
	if m.young == nil || len(m.young) >= remembered {
		m.young, m.old = map[K]V{}, m.young
	}
	m.young[k] = v
}
