package relay

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"

	"netlab.example/pkg/language"
	"netlab.example/pkg/tcpserver"
	"netlab.example/pkg/text"
)

const (
	maxConns = 1024             // connections at a time; more wait in the backlog
	openWait = 10 * time.Second // for the other relay's answer: it tries a few addresses
)

// An Inside takes clients in the lab's network, and hands them to the Outside that listens at Socket.
type Inside struct {
	Socket string
	Tell   func(error) // what its owner should know
}

func (in *Inside) link(ctx context.Context) (net.Conn, error) {
	link, err := (&net.Dialer{Timeout: openWait}).DialContext(ctx, "unix", in.Socket)
	if err != nil {
		in.Tell(language.Errorf("主机一侧的中继不在", "the relay on the host's side is not there"))
	}
	return link, err
}

// Streams serves TCP connections until ctx ends.
func (in *Inside) Streams(ctx context.Context, lns ...net.Listener) error {
	srv := tcpserver.Server{Handler: in.stream, MaxConns: maxConns, Log: zap.NewNop()}
	return srv.Serve(ctx, lns...)
}

func (in *Inside) stream(ctx context.Context, c net.Conn) error {
	conn := c.(*net.TCPConn)
	link, err := in.link(ctx)
	if err == nil {
		err = in.ask(link)
	}
	if err != nil {
		conn.SetLinger(0) // the handshake is over: a reset is all that is left to refuse with
		if link != nil {
			link.Close()
		}
		return nil
	}
	join(conn, link)
	return nil
}

// ask opens a connection at the other end of link.
func (in *Inside) ask(link net.Conn) error {
	link.SetReadDeadline(time.Now().Add(openWait))
	if err := writeFrame(link, nil, open, nil); err != nil {
		return err
	}
	k, reason, err := readFrame(link, make([]byte, header+maxReason))
	switch {
	case err != nil:
		return err
	case k == refused:
		in.Tell(language.Errorf("程序拒绝了连接, 客户端得到重置: %s", "the program refuses; the client is reset: %s", text.Escape(string(reason))))
		return errReset
	case k != open:
		return errFrame
	}
	return link.SetReadDeadline(time.Time{})
}

// Datagrams serves datagrams until ctx ends. One that cannot be handed on is lost, as datagrams are.
func (in *Inside) Datagrams(ctx context.Context, conn *net.UDPConn) error {
	var (
		mu      sync.Mutex // of link
		link    net.Conn
		readers sync.WaitGroup
	)
	defer readers.Wait()
	drop := func(broken net.Conn) {
		mu.Lock()
		defer mu.Unlock()
		if broken != nil {
			broken.Close()
		}
		if link == broken {
			link = nil
		}
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	defer func() {
		mu.Lock()
		last := link
		mu.Unlock()
		drop(last)
	}()

	buf := make([]byte, maxDatagram)
	var frame, payload []byte
	for {
		n, sender, err := conn.ReadFromUDPAddrPort(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		mu.Lock()
		current := link
		mu.Unlock()
		if current == nil {
			if current, err = in.link(ctx); err != nil {
				continue
			}
			mu.Lock()
			link = current
			mu.Unlock()
			readers.Go(func() {
				in.answers(current, conn)
				drop(current)
			})
		}
		payload = appendDatagram(payload[:0], sender, buf[:n])
		frame = appendFrame(frame[:0], datagram, payload)
		current.SetWriteDeadline(time.Now().Add(time.Second)) // rather lose one than keep all waiting
		if _, err := current.Write(frame); err != nil {
			drop(current)
		}
	}
}

// answers hands what comes over link to the clients, until link ends.
func (in *Inside) answers(link net.Conn, conn *net.UDPConn) {
	buf := make([]byte, maxFrame)
	for {
		k, payload, err := readFrame(link, buf)
		if err != nil {
			return
		}
		var client netip.AddrPort
		var content []byte
		if k == datagram || k == refused {
			client, content, err = parseDatagram(payload)
		} else {
			err = errFrame
		}
		switch {
		case err != nil:
			return
		case k == refused:
			in.Tell(language.Errorf("没有程序接收数据报, 它丢失了: %s", "no program takes datagrams; one is lost: %s", text.Escape(string(content))))
		default:
			conn.WriteToUDPAddrPort(content, client)
		}
	}
}
