package kernel

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Sniffed is a packet that passed while somebody watched.
type Sniffed struct {
	Out bool
	Raw []byte // valid until the next Receive
}

// Sniffer watches the packets of an interface (AF_PACKET). It needs NET_RAW only.
type Sniffer struct {
	fd      int
	buffers [][]byte
	headers []mmsghdr
	vectors []unix.Iovec
	names   []unix.RawSockaddrLinklayer
	batch   []Sniffed
	unseen  atomic.Uint64
}

// OpenSniffer watches an interface for packets from and to a port.
func OpenSniffer(ifindex int, m Match) (*Sniffer, error) {
	// Protocol 0 at first: nothing comes in before the filter is there.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	s := &Sniffer{fd: fd}
	if err := s.setup(ifindex, m); err != nil {
		unix.Close(fd)
		return nil, err
	}
	s.buffers = make([][]byte, batchSize)
	s.headers = make([]mmsghdr, batchSize)
	s.vectors = make([]unix.Iovec, batchSize)
	s.names = make([]unix.RawSockaddrLinklayer, batchSize)
	for i := range batchSize {
		s.buffers[i] = make([]byte, bufferSize)
		s.vectors[i].Base = &s.buffers[i][0]
		s.vectors[i].SetLen(bufferSize)
		s.headers[i].Iov = &s.vectors[i]
		s.headers[i].SetIovlen(1)
		s.headers[i].Name = (*byte)(unsafe.Pointer(&s.names[i]))
	}
	return s, nil
}

func (s *Sniffer) setup(ifindex int, m Match) error {
	if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 32<<20) != nil {
		unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 32<<20)
	}
	wait := unix.NsecToTimeval(int64(100 * time.Millisecond))
	if err := unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return fmt.Errorf("packet socket's timeout: %w", err)
	}
	program, err := bpf.Assemble(filter(m))
	if err != nil {
		return fmt.Errorf("packet filter: %w", err)
	}
	raw := make([]unix.SockFilter, len(program))
	for i, p := range program {
		raw[i] = unix.SockFilter{Code: p.Op, Jt: p.Jt, Jf: p.Jf, K: p.K}
	}
	if err := unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(raw)), Filter: &raw[0]}); err != nil {
		return fmt.Errorf("packet filter: %w", err)
	}
	all := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL & 0xff})
	if err := unix.Bind(s.fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: ifindex}); err != nil {
		return fmt.Errorf("bind packet socket: %w", err)
	}
	return nil
}

// filter keeps other services' packets in the kernel. It lets a little too much through (ICMP, fragments
// without ports, IPv6 with extension headers): who reads the packets looks at them anyway. The packet
// begins with its IP header.
func filter(m Match) []bpf.Instruction {
	port, proto := uint32(m.Port), uint32(m.Proto)
	const none, all = 20, 21 // the last two instructions
	to := func(from, target int) uint8 { return uint8(target - from - 1) }
	return []bpf.Instruction{
		0:  bpf.LoadAbsolute{Off: 0, Size: 1},
		1:  bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 4},
		2:  bpf.JumpIf{Cond: bpf.JumpEqual, Val: 6, SkipTrue: to(2, 14)},
		3:  bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 4, SkipTrue: to(3, none)},
		4:  bpf.LoadAbsolute{Off: 9, Size: 1}, // IPv4's protocol
		5:  bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.IPPROTO_ICMP, SkipTrue: to(5, all)},
		6:  bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: proto, SkipTrue: to(6, none)},
		7:  bpf.LoadAbsolute{Off: 6, Size: 2},
		8:  bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x1fff, SkipTrue: to(8, all)}, // a later fragment
		9:  bpf.LoadMemShift{Off: 0},
		10: bpf.LoadIndirect{Off: 0, Size: 2},
		11: bpf.JumpIf{Cond: bpf.JumpEqual, Val: port, SkipTrue: to(11, all)},
		12: bpf.LoadIndirect{Off: 2, Size: 2},
		13: bpf.JumpIf{Cond: bpf.JumpEqual, Val: port, SkipTrue: to(13, all), SkipFalse: to(13, none)},
		14: bpf.LoadAbsolute{Off: 6, Size: 1}, // IPv6's next header
		15: bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: proto, SkipTrue: to(15, all)},
		16: bpf.LoadAbsolute{Off: 40, Size: 2},
		17: bpf.JumpIf{Cond: bpf.JumpEqual, Val: port, SkipTrue: to(17, all)},
		18: bpf.LoadAbsolute{Off: 42, Size: 2},
		19: bpf.JumpIf{Cond: bpf.JumpEqual, Val: port, SkipTrue: to(19, all)},
		20: bpf.RetConstant{Val: 0},
		21: bpf.RetConstant{Val: 1 << 18},
	}
}

// Receive waits up to 100 ms for packets and returns those that are there, in order. They are valid
// until the next call.
func (s *Sniffer) Receive() ([]Sniffed, error) {
	for i := range s.headers {
		s.headers[i].Namelen = unix.SizeofSockaddrLinklayer // the kernel shortens it
	}
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.headers[0])), batchSize, unix.MSG_WAITFORONE, 0, 0)
	switch errno {
	case 0:
	case unix.EAGAIN, unix.EINTR, unix.ENETDOWN: // an interface that is down may come up again; for one that is gone, see engine's lookAfter
		s.count()
		return nil, nil
	default:
		return nil, fmt.Errorf("receive packets: %w", errno)
	}
	s.batch = s.batch[:0]
	for i := range int(n) {
		out := s.names[i].Pkttype == unix.PACKET_OUTGOING
		s.batch = append(s.batch, Sniffed{Out: out, Raw: s.buffers[i][:s.headers[i].length]})
	}
	if n == batchSize {
		s.count() // busy: perhaps too busy
	}
	return s.batch, nil
}

// count adds what the socket had no room for. Reading the number sets it back.
func (s *Sniffer) count() {
	if stats, err := unix.GetsockoptTpacketStats(s.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		s.unseen.Add(uint64(stats.Drops))
	}
}

// Unseen is how many packets passed unseen because the socket was full.
func (s *Sniffer) Unseen() uint64 { return s.unseen.Load() }

// Close ends watching.
func (s *Sniffer) Close() error { return unix.Close(s.fd) }
