package kernel

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Injector sends whole IP packets as they are. They carry wire's mark, so that the rules let them pass.
//
// A copy of a packet that is on its way in is sent here too: the kernel finds its own address in it and
// delivers it by lo.
type Injector struct {
	v4, v6 int
	index  int // of the interface, for link-local addresses
}

// NewInjector opens the raw sockets. A namespace without IPv6 gets along with one of them.
func NewInjector(ifindex int) (*Injector, error) {
	v4, err := raw(unix.AF_INET)
	if err != nil {
		return nil, fmt.Errorf("raw socket: %w", err)
	}
	v6, err := raw(unix.AF_INET6)
	if err != nil {
		v6 = -1
	}
	return &Injector{v4, v6, ifindex}, nil
}

func raw(family int) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_RAW)
	if err != nil {
		return -1, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, Mark); err != nil {
		unix.Close(fd)
		return -1, err
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 8<<20) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 8<<20)
	}
	return fd, nil
}

// Send sends a packet to its own destination. A raw socket cuts nothing: a packet longer than the MTU is
// refused (EMSGSIZE).
func (i *Injector) Send(packet []byte, to netip.Addr) error {
	if to.Is4() {
		return unix.Sendto(i.v4, packet, 0, &unix.SockaddrInet4{Addr: to.As4()})
	}
	if i.v6 < 0 {
		return unix.EAFNOSUPPORT
	}
	dst := &unix.SockaddrInet6{Addr: to.As16()}
	if to.IsLinkLocalUnicast() {
		dst.ZoneId = uint32(i.index)
	}
	return unix.Sendto(i.v6, packet, 0, dst)
}

// Close closes the sockets.
func (i *Injector) Close() {
	unix.Close(i.v4)
	if i.v6 >= 0 {
		unix.Close(i.v6)
	}
}
