// Package sockets opens sockets by URL. A URL names what socket(2) and bind(2) or connect(2) are told:
//
//	tcp://:8080                    AF_INET6 that takes AF_INET too, SOCK_STREAM, every address, port 8080
//	tcp4://127.0.0.1:8080          AF_INET,  SOCK_STREAM
//	tcp6://[::1]:8080              AF_INET6, SOCK_STREAM
//	unix:///run/netlab/hello.sock  AF_UNIX,  SOCK_STREAM, a path in the file system
//	udp://:1314                    as tcp, with SOCK_DGRAM; udp4:// and udp6:// likewise
//	unixgram:///run/netlab/t.sock  AF_UNIX,  SOCK_DGRAM
//
// A link-local address needs its interface: udp://[fe80::1%25eth0]:1314 (RFC 6874; %25 is a percent sign).
//
// A server listens on several if commas separate them.
package sockets

import (
	"net"
	"path"
	"slices"
	"strconv"
	"strings"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/text"
)

// maxPath is the longest path of an AF_UNIX socket: sun_path has 108 bytes, one for the final NUL (unix(7)).
const maxPath = 107

// An Address is a parsed URL, in the terms of package net.
type Address struct {
	Network string // tcp, tcp4, tcp6, unix, udp, udp4, udp6 or unixgram
	Addr    string // host:port, or a path
}

// String is the URL again.
func (a Address) String() string {
	if strings.HasPrefix(a.Network, "unix") {
		return a.Network + "://" + a.Addr
	}
	return a.Network + "://" + strings.ReplaceAll(a.Addr, "%", "%25")
}

// Parse reads one URL.
func Parse(url string) (Address, error) {
	bad := func(zh, en string, args ...any) (Address, error) {
		args = append([]any{url}, args...)
		return Address{}, language.Errorf("地址 %q: "+zh, "address %q: "+en, args...)
	}
	network, addr, ok := strings.Cut(url, "://")
	if !ok {
		if _, _, err := net.SplitHostPort(url); err == nil {
			return bad("应为 URL: %q 或 %q", "want a URL: %q or %q", "tcp://"+url, "udp://"+url)
		}
		return bad("应为 URL, 例如 tcp://127.0.0.1:8080", "want a URL such as tcp://127.0.0.1:8080")
	}
	switch network {
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6":
		addr = strings.ReplaceAll(strings.TrimSuffix(addr, "/"), "%25", "%")
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return bad("应为 %s://HOST:PORT", "want %s://HOST:PORT", network)
		}
		if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
			return bad("端口是 0 到 65535 的数字", "a port is a number from 0 to 65535")
		}
		return Address{network, addr}, nil
	case "unix", "unixgram":
		switch {
		case !path.IsAbs(addr):
			return bad("应为 %s:///PATH, 有三个斜杠", "want %s:///PATH, with three slashes", network)
		case len(addr) > maxPath:
			return bad("路径有 %d 字节, 套接字的路径最多 %d 字节", "the path has %d bytes, a socket's has at most %d", len(addr), maxPath)
		case strings.ContainsRune(addr, 0):
			return bad("路径中不能有 NUL", "a path holds no NUL")
		}
		return Address{network, addr}, nil
	}
	return bad(":// 之前应为 tcp, tcp4, tcp6, unix, udp, udp4, udp6 或 unixgram", "want tcp, tcp4, tcp6, unix, udp, udp4, udp6 or unixgram before ://")
}

// Streams reads the URLs of a server's LISTEN or OPS: stream sockets, separated by commas. Anything else is wrong usage.
func Streams(list string) ([]Address, error) { return parseList(list, "tcp", "unix") }

// ParseOn reads one URL on one of networks: tcp and udp stand for tcp4, tcp6, udp4 and udp6 too. Any other URL
// is wrong usage.
func ParseOn(url string, networks ...string) (Address, error) {
	a, err := Parse(url)
	if err != nil {
		return Address{}, failure.Usage(err)
	}
	if !slices.Contains(networks, a.Network) && !slices.Contains(networks, strings.TrimRight(a.Network, "46")) {
		return Address{}, failure.Usage(language.Errorf("地址 %q: 应为 %s", "address %q: want one of %s", a, strings.Join(networks, ", ")))
	}
	return a, nil
}

// parseList reads URLs that commas separate, each on one of networks.
func parseList(list string, networks ...string) ([]Address, error) {
	var as []Address
	for url := range strings.SplitSeq(list, ",") {
		a, err := ParseOn(strings.TrimSpace(url), networks...)
		if err != nil {
			return nil, err
		}
		as = append(as, a)
	}
	return as, nil
}

// Peer is how the transcript names the other end: its address, or "unix" for a client that has no path of its own.
// A client chooses its path, escape sequences included, so it is escaped.
func Peer(a net.Addr) string {
	if a == nil {
		return "unix"
	}
	if s := a.String(); s != "" && s != "@" {
		return text.Escape(s)
	}
	return "unix"
}
