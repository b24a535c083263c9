package relay

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"go.uber.org/zap"

	"netlab.example/pkg/tcpserver"
)

const dialWait = 2 * time.Second // for one address

var errNobody = errors.New("no program is there")

// An Outside hands what an Inside sends to a program of this host.
type Outside struct {
	Hosts []netip.Addr // where the program may be, tried in this order
	Port  uint16
	// Takes reports whether a program takes datagrams at an address. There is nobody to ask: a datagram may be refused,
	// but is never accepted.
	Takes func(netip.AddrPort) bool
}

// Streams serves links, each for one TCP connection, until ctx ends.
func (out *Outside) Streams(ctx context.Context, links net.Listener) error {
	return serve(ctx, links, out.stream)
}

func serve(ctx context.Context, links net.Listener, handler tcpserver.Handler) error {
	srv := tcpserver.Server{Handler: handler, MaxConns: maxConns, Log: zap.NewNop()}
	return srv.Serve(ctx, links)
}

func (out *Outside) stream(ctx context.Context, link net.Conn) error {
	link.SetReadDeadline(time.Now().Add(openWait))
	if ctx.Err() != nil {
		return nil
	}
	if k, _, err := readFrame(link, make([]byte, header+maxReason)); err != nil || k != open {
		return nil
	}
	conn, err := out.dial(ctx)
	if err != nil {
		return writeFrame(link, nil, refused, []byte(reason(err)))
	}
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })()
	link.SetReadDeadline(time.Time{})
	if err := writeFrame(link, nil, open, nil); err != nil {
		conn.Close()
		return nil
	}
	join(conn, link)
	return nil
}

func (out *Outside) dial(ctx context.Context) (conn *net.TCPConn, err error) {
	err = errNobody
	for _, host := range out.Hosts {
		ctx, cancel := context.WithTimeout(ctx, dialWait)
		var c net.Conn
		c, err = (&net.Dialer{}).DialContext(ctx, "tcp", netip.AddrPortFrom(host, out.Port).String())
		cancel()
		if err == nil {
			return c.(*net.TCPConn), nil
		}
	}
	return nil, err
}

// reason is why, as a frame carries it.
func reason(err error) string {
	why := err.Error()
	return why[:min(len(why), maxReason-1-maxSender)]
}
