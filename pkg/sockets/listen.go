package sockets

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
)

// Options are set on a listening socket before the first connection is accepted.
type Options struct {
	Backlog     int    // argument of listen(2): how many connections may wait for accept(2); 0: the system's default
	Congestion  string // TCP_CONGESTION (tcp(7)), such as reno; "": the system's default. Accepted connections inherit it
	DeferAccept bool   // TCP_DEFER_ACCEPT (tcp(7)): a connection is accepted when its first data has arrived
	NoKeepAlive bool   // leave TCP keep-alive off on accepted connections: four fewer system calls for each
}

// keepAlive asks a silent peer once a minute whether it is still there. One that is dead is found within three minutes.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 30 * time.Second, Count: 3}

// Listen opens a stream socket for each URL in list. It opens all or none.
// A socket file that nobody listens on, left behind by a crash, is removed first.
func Listen(ctx context.Context, list string, opt Options) ([]net.Listener, error) {
	as, err := Streams(list)
	if err != nil {
		return nil, err
	}
	var lns []net.Listener
	for _, a := range as {
		ln, err := opt.listen(ctx, a)
		if err != nil {
			for _, ln := range lns {
				ln.Close()
			}
			return nil, cannotListen(a, err)
		}
		lns = append(lns, ln)
	}
	return lns, nil
}

// cannotListen says why nothing listens on a, and what to do about it.
func cannotListen(a Address, err error) error {
	why := because(err)
	if errors.Is(err, syscall.ENOENT) { // of bind(2), not of connect(2)
		why = language.Errorf("没有这个目录", "no such folder")
	}
	hint := language.Errorf("-h 列出决定监听地址与方式的变量", "-h lists the variables that say where to listen, and how")
	switch {
	case errors.Is(err, syscall.EACCES) && !strings.HasPrefix(a.Network, "unix"):
		hint = language.Errorf("系统保留了这个端口: 在 _LISTEN 或 _OPS 结尾的变量里另选一个, 1024 以上的都可以",
			"the system reserves that port: choose another in the variable that ends in _LISTEN or _OPS, such as one above 1024")
	case errors.Is(err, syscall.EADDRINUSE):
		hint = language.Errorf("别的程序占用了这个地址 (ss -lntup 可以查到): 停止它, 或用 _LISTEN 或 _OPS 结尾的变量另选一个",
			"another program has that address (ss -lntup names it): stop it, or choose another in the variable that ends in _LISTEN or _OPS")
	}
	return failure.Hint(language.Errorf("监听 %s: %v", "listen on %s: %v", a, why), hint)
}

func (o Options) listen(ctx context.Context, a Address) (net.Listener, error) {
	if err := removeStale(a); err != nil {
		return nil, err
	}
	lc := net.ListenConfig{}
	if o.NoKeepAlive {
		lc.KeepAlive = -1
	} else {
		lc.KeepAliveConfig = keepAlive
	}
	ln, err := lc.Listen(ctx, a.Network, a.Addr)
	if err != nil {
		return nil, err
	}
	if err := o.apply(ln, a); err != nil {
		ln.Close()
		return nil, err
	}
	return ln, nil
}

// ListenPacket opens a datagram socket for each URL in list, all or none. Closing one removes its socket file.
func ListenPacket(ctx context.Context, list string) ([]net.PacketConn, error) {
	as, err := parseList(list, "udp", "unixgram")
	if err != nil {
		return nil, err
	}
	var conns []net.PacketConn
	for _, a := range as {
		c, err := listenPacket(ctx, a)
		if err != nil {
			for _, c := range conns {
				c.Close()
			}
			return nil, cannotListen(a, err)
		}
		conns = append(conns, c)
	}
	return conns, nil
}

func listenPacket(ctx context.Context, a Address) (net.PacketConn, error) {
	if err := removeStale(a); err != nil {
		return nil, err
	}
	c, err := new(net.ListenConfig).ListenPacket(ctx, a.Network, a.Addr)
	if err == nil && a.Network == "unixgram" {
		c = &unixgram{c.(*net.UnixConn), a.Addr}
	}
	return c, err
}

// unixgram removes its socket file when it is closed. Package net does so for stream sockets only.
type unixgram struct {
	*net.UnixConn
	path string
}

func (u *unixgram) Close() error {
	os.Remove(u.path)
	return u.UnixConn.Close()
}

// removeStale removes the socket file of a server that is gone. bind(2) refuses a path that exists,
// and a server that was killed leaves its file behind. Whether somebody still listens only connect(2) tells.
func removeStale(a Address) error {
	if a.Network != "unix" && a.Network != "unixgram" {
		return nil
	}
	info, err := os.Lstat(a.Addr)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return language.Errorf("那里有一个不是套接字的文件", "a file that is no socket is in the way")
	}
	conn, err := net.DialTimeout(a.Network, a.Addr, time.Second)
	if err == nil {
		conn.Close()
		return syscall.EADDRINUSE
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return os.Remove(a.Addr)
	}
	return err
}

// bare strips what package net puts around an error: the URL that we print says more.
func bare(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// control calls f with the descriptor of c.
func control(c syscall.Conn, f func(fd int) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var ferr error
	if err := raw.Control(func(fd uintptr) { ferr = f(int(fd)) }); err != nil {
		return err
	}
	return ferr
}
