package relay

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

const (
	maxSenders = 512              // at a time; one more takes the place of the one that was silent longest
	senderIdle = 30 * time.Second // then a sender has no socket any more
)

// A sender is a client of the lab as the program sees it: with a socket of its own, so that its answers find back.
type sender struct {
	conn *net.UDPConn // connected: what comes from elsewhere is no answer
	used time.Time
}

// senders are those of one link.
type senders struct {
	out     *Outside
	link    net.Conn
	readers sync.WaitGroup

	mu sync.Mutex
	of map[netip.AddrPort]*sender
}

// Datagrams serves links that carry datagrams, until ctx ends.
func (out *Outside) Datagrams(ctx context.Context, links net.Listener) error {
	return serve(ctx, links, func(ctx context.Context, link net.Conn) error {
		s := senders{out: out, link: link, of: map[netip.AddrPort]*sender{}}
		defer s.end()
		buf := make([]byte, maxFrame)
		for ctx.Err() == nil {
			k, payload, err := readFrame(link, buf)
			if err != nil || k != datagram {
				break
			}
			client, content, err := parseDatagram(payload)
			if err != nil {
				break
			}
			if err := s.send(client, content); err != nil {
				s.refuse(client, err)
			}
		}
		return nil
	})
}

func (s *senders) send(client netip.AddrPort, content []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := s.of[client]
	if from == nil {
		conn, err := s.out.dialUDP()
		if err != nil {
			return err
		}
		if len(s.of) == maxSenders {
			s.drop(s.oldest())
		}
		from = &sender{conn: conn}
		s.of[client] = from
		s.readers.Go(func() { s.answers(client, from) })
	}
	from.used = time.Now()
	from.conn.SetReadDeadline(from.used.Add(senderIdle))
	_, err := from.conn.Write(content)
	return err
}

// oldest is the sender that was silent longest. Called with mu held.
func (s *senders) oldest() (client netip.AddrPort) {
	used := time.Now()
	for c, from := range s.of {
		if !from.used.After(used) {
			client, used = c, from.used
		}
	}
	return client
}

// drop is called with mu held.
func (s *senders) drop(client netip.AddrPort) {
	s.of[client].conn.Close()
	delete(s.of, client)
}

// answers hands what the program answers to one sender's socket back, until the socket ends.
func (s *senders) answers(client netip.AddrPort, from *sender) {
	buf := make([]byte, maxDatagram)
	var frame, payload []byte
	for {
		n, err := from.conn.Read(buf)
		if err != nil {
			if errors.Is(err, syscall.ECONNREFUSED) {
				s.refuse(client, err)
			}
			break
		}
		payload = appendDatagram(payload[:0], client, buf[:n])
		frame = appendFrame(frame[:0], datagram, payload)
		s.link.SetWriteDeadline(time.Now().Add(patience))
		if _, err := s.link.Write(frame); err != nil {
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[client] == from {
		s.drop(client)
	}
}

func (s *senders) refuse(client netip.AddrPort, why error) {
	writeFrame(s.link, nil, refused, appendDatagram(nil, client, []byte(reason(why))))
}

func (s *senders) end() {
	s.link.Close() // whoever writes to it stops
	s.mu.Lock()
	for client := range s.of {
		s.drop(client)
	}
	s.mu.Unlock()
	s.readers.Wait()
}

func (out *Outside) dialUDP() (*net.UDPConn, error) {
	for _, host := range out.Hosts {
		if at := netip.AddrPortFrom(host, out.Port); out.Takes(at) {
			return net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(at))
		}
	}
	return nil, errNobody
}
