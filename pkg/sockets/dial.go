package sockets

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"netlab.example/pkg/language"
	"netlab.example/pkg/text"
)

// DialTimeout bounds one attempt to connect.
const DialTimeout = 5 * time.Second

// Dial connects to the server that url names. A datagram client on unixgram binds a random name beside the
// server's, since an unnamed one gets no answer; closing the connection removes it. congestion is
// TCP_CONGESTION for a TCP connection, "" for the system's default. Keep-alive is off: the server asks whether we are
// still there, and its probes alone are in the picture of an idle connection.
func Dial(ctx context.Context, url, congestion string) (net.Conn, error) {
	a, err := Parse(url)
	if err != nil {
		return nil, err
	}
	if a.Network == "unixgram" {
		return dialUnixgram(a, "")
	}
	ctx, cancel := context.WithTimeout(ctx, DialTimeout)
	defer cancel()
	conn, err := (&net.Dialer{KeepAlive: -1}).DialContext(ctx, a.Network, a.Addr)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", a, bare(err))
	}
	if tcp, ok := conn.(*net.TCPConn); ok && congestion != "" {
		if err := control(tcp, func(fd int) error { return setCongestion(fd, congestion) }); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return conn, nil
}

// CloseWrite ends our direction of a stream (shutdown(2) with SHUT_WR): the peer reads the end of input, and we can
// still read. It is no error if the peer has ended the connection already.
func CloseWrite(conn net.Conn) error {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	if err := half.CloseWrite(); err != nil && !errors.Is(err, syscall.ENOTCONN) {
		return err
	}
	return nil
}

// DialDatagram is Dial for datagrams. replies is the folder in which a client on unixgram binds its name; empty: beside
// the server's.
func DialDatagram(ctx context.Context, url, replies string) (net.Conn, error) {
	a, err := ParseOn(url, "udp", "unixgram")
	if err != nil {
		return nil, err
	}
	if a.Network != "unixgram" {
		return Dial(ctx, url, "")
	}
	return dialUnixgram(a, replies)
}

func dialUnixgram(a Address, replies string) (net.Conn, error) {
	if replies == "" {
		replies = path.Dir(a.Addr)
	}
	local := path.Join(replies, "client-"+rand.Text()[:12]+".sock")
	if len(local) > maxPath { // bind(2) would only say "invalid argument"
		return nil, language.Errorf(
			"客户端要在目录 %[2]s 里绑定自己的套接字, 路径会有 %[1]d 字节, 最多 %[3]d 字节: 目录名太长",
			"a client needs a socket of its own in %[2]s, and its path would have %[1]d bytes of at most %[3]d: the folder's name is too long",
			len(local), replies, maxPath)
	}
	from, to := &net.UnixAddr{Net: "unixgram", Name: local}, &net.UnixAddr{Net: "unixgram", Name: a.Addr}
	conn, err := net.DialUnix("unixgram", from, to)
	if errors.Is(err, syscall.ENOSPC) {
		forgetKilled(replies)
		conn, err = net.DialUnix("unixgram", from, to)
	}
	if err != nil {
		os.Remove(local) // bound, and then not connected
		return nil, fmt.Errorf("connect to %s: %w", a, bare(err))
	}
	return &unixgram{conn, local}, nil
}

// forgetKilled removes the names of clients that were killed and could not do it themselves. It is done only if there
// is no room for another: a client that has bound its name this moment might be taken for one of them.
func forgetKilled(folder string) {
	names, _ := filepath.Glob(path.Join(folder, "client-*.sock"))
	for _, name := range names {
		conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Net: "unixgram", Name: name})
		if err == nil {
			conn.Close()
		} else if errors.Is(err, syscall.ECONNREFUSED) {
			os.Remove(name)
		}
	}
}

// because is err in both languages, if it is one that people meet.
func because(err error) error {
	errno, isErrno := errors.AsType[syscall.Errno](err)
	dns, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case isDNS && dns.IsNotFound:
		return language.Errorf("没有这个主机名", "no such host")
	case isDNS: // before the others: it is the name server that does not answer, or refuses
		return language.Errorf("查询主机名失败 (%s)", "looking up the host's name failed (%s)", text.Escape(dns.Err))
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errno == syscall.ETIMEDOUT:
		return language.Errorf("没有回应 (timeout)", "no answer (timeout)")
	case !isErrno:
		return bare(err)
	}
	switch errno {
	case syscall.ECONNREFUSED:
		return language.Errorf("那里没有程序在监听 (%v)", "nobody is listening there (%v)", errno)
	case syscall.ENOENT:
		return language.Errorf("没有这个套接字文件", "no such socket file")
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH:
		return language.Errorf("网络不可达", "the network is unreachable")
	case syscall.EADDRINUSE:
		return language.Errorf("地址已被占用 (%v)", "%v", errno)
	case syscall.EADDRNOTAVAIL:
		return language.Errorf("这台机器没有这个地址 (%v)", "this machine does not have that address (%v)", errno)
	case syscall.EACCES:
		return language.Errorf("没有权限 (%v)", "%v", errno)
	}
	return bare(err)
}

// Why says in a person's language why a connection could not be made or was lost.
func Why(err error, l language.Lang) string { return language.Tell(because(err), l) }
