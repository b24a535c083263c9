package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrBusy means that another program has the queue.
var ErrBusy = errors.New("the packet queue is taken")

// Hook is the place in the kernel where a packet was taken.
type Hook uint8

const (
	PreRouting Hook = unix.NF_INET_PRE_ROUTING // fragments, before they are put together
	LocalIn    Hook = unix.NF_INET_LOCAL_IN    // to the service
	LocalOut   Hook = unix.NF_INET_LOCAL_OUT   // from it
)

// Queued is a packet that waits in the kernel for a verdict.
type Queued struct {
	ID   uint32
	Hook Hook
	Raw  []byte // valid until the next Receive
	Cut  bool   // Raw lacks the end of a packet that is longer than a message can be
}

// Queue is an NFQUEUE. The kernel sends one message for each packet, and keeps the packet until it gets
// the verdict. It speaks netlink by itself, about 200 lines, because libraries cost a system call and an
// allocation or two more for each packet, and the lab's goal is 50,000 packets a second.
//
// Two flags of NFQUEUE are left out on purpose. F_GSO would hand over the 64 KB blobs that the kernel
// makes of a TCP stream; without it, it cuts them and writes their checksums first. F_FAIL_OPEN would
// let new packets overtake queued ones when the queue is full; without it they are lost, and counted.
type Queue struct {
	fd      int
	file    *os.File        // the same, for Idle
	raw     syscall.RawConn // of file
	number  uint16
	port    uint32 // our netlink address
	buffers [][]byte
	headers []mmsghdr
	vectors []unix.Iovec
	batch   []Queued
	answer  []byte // verdicts not yet sent
	err     error  // of verdicts that were sent before Flush
}

// mmsghdr is recvmmsg's struct: a message header, and the length that was received.
type mmsghdr struct {
	unix.Msghdr
	length uint32
	_      [4]byte
}

const (
	receiveTime = Lasts / 4 // then there is time to say that wire is alive

	batchSize  = 32
	bufferSize = 1<<16 + 512 // the longest packet, and the attributes around it
	maxAnswer  = 1 << 17     // of verdicts sent at once

	// Netlink's numbers for this subsystem; x/sys has them in part only.
	msgPacket  = unix.NFNL_SUBSYS_QUEUE << 8
	msgVerdict = msgPacket + 1
	msgConfig  = msgPacket + 2

	attrPacketHeader = 1
	attrVerdict      = 2
	attrPayload      = 10
	attrWholeLength  = 13 // present if the payload was cut

	cfgCommand, cfgParams, cfgLength = 1, 2, 3
	cmdBind, copyPacket              = 1, 2

	verdictDrop, verdictAccept = 0, 1
	verdictSize                = 40 // at most, without the packet's bytes
)

// OpenQueue takes queue number, which keeps at most length packets.
func OpenQueue(number uint16, length uint32) (*Queue, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("netlink socket: %w", err)
	}
	q := &Queue{fd: fd, number: number}
	if err := q.setup(length); err != nil {
		unix.Close(fd)
		return nil, err
	}
	// Nothing below may block but where it says so; and the runtime waits on files that do not block only.
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	q.file = os.NewFile(uintptr(fd), "nfqueue")
	if q.raw, err = q.file.SyscallConn(); err != nil {
		q.file.Close()
		return nil, err
	}
	q.buffers = make([][]byte, batchSize)
	q.headers = make([]mmsghdr, batchSize)
	q.vectors = make([]unix.Iovec, batchSize)
	for i := range batchSize {
		q.buffers[i] = make([]byte, bufferSize)
		q.vectors[i].Base = &q.buffers[i][0]
		q.vectors[i].SetLen(bufferSize)
		q.headers[i].Iov = &q.vectors[i]
		q.headers[i].SetIovlen(1)
	}
	return q, nil
}

func (q *Queue) setup(length uint32) error {
	if err := unix.Bind(q.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("bind netlink socket: %w", err)
	}
	name, err := unix.Getsockname(q.fd)
	if err != nil {
		return fmt.Errorf("netlink address: %w", err)
	}
	if nl, ok := name.(*unix.SockaddrNetlink); ok {
		q.port = nl.Pid
	}
	// Room for a burst: beyond the usual limit if that is allowed.
	if unix.SetsockoptInt(q.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20) != nil {
		unix.SetsockoptInt(q.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 16<<20)
	}
	// A message of verdicts must fit, whatever this machine's usual size is. The kernel doubles the number.
	if unix.SetsockoptInt(q.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, maxAnswer) != nil {
		unix.SetsockoptInt(q.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, maxAnswer)
	}
	// A burst that is too much even so is counted by the kernel (Unseen), and must not end Receive.
	if err := unix.SetsockoptInt(q.fd, unix.SOL_NETLINK, unix.NETLINK_NO_ENOBUFS, 1); err != nil {
		return fmt.Errorf("netlink option: %w", err)
	}
	command := []byte{cmdBind, 0, 0, unix.AF_INET} // the family has been ignored since Linux 3.8
	if err := q.config(cfgCommand, command); err != nil {
		if errors.Is(err, unix.EPERM) && hasNetAdmin() {
			return ErrBusy
		}
		return fmt.Errorf("bind queue %d: %w", q.number, err)
	}
	params := append(binary.BigEndian.AppendUint32(nil, 0xffff), copyPacket)
	if err := q.config(cfgParams, params); err != nil {
		return fmt.Errorf("set up queue %d: %w", q.number, err)
	}
	if err := q.config(cfgLength, binary.BigEndian.AppendUint32(nil, length)); err != nil {
		return fmt.Errorf("set queue length: %w", err)
	}
	return nil
}

// config sends one setting and waits for the kernel's answer.
func (q *Queue) config(attr uint16, data []byte) error {
	msg := q.message(nil, msgConfig, unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	msg = appendAttr(msg, attr, data)
	binary.NativeEndian.PutUint32(msg, uint32(len(msg)))
	if err := unix.Sendto(q.fd, msg, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	buf := make([]byte, bufferSize)
	for {
		n, _, err := unix.Recvfrom(q.fd, buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n >= 20 && binary.NativeEndian.Uint16(buf[4:]) == unix.NLMSG_ERROR {
			if code := int32(binary.NativeEndian.Uint32(buf[16:])); code != 0 {
				return unix.Errno(-code)
			}
			return nil
		}
	}
}

// message appends the two headers of a message; the length is filled in when it is known.
func (q *Queue) message(b []byte, typ, flags uint16) []byte {
	b = append(b, 0, 0, 0, 0)
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = binary.NativeEndian.AppendUint16(b, flags)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)             // sequence number and address: not needed
	b = append(b, unix.AF_UNSPEC, unix.NFNETLINK_V0)  // nfgenmsg
	return binary.BigEndian.AppendUint16(b, q.number) // its res_id
}

// appendAttr appends an attribute, padded to four bytes.
func appendAttr(b []byte, typ uint16, data []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(4+len(data)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, data...)
	return append(b, make([]byte, -len(data)&3)...)
}

// Receive waits up to a quarter of a second for packets and returns those that are there, at most 32, in order. They
// are valid until the next call. No packets and no error means that nothing came.
//
// It waits in the kernel, with a thread of its own that is ready at once.
func (q *Queue) Receive() ([]Queued, error) {
	fds := []unix.PollFd{{Fd: int32(q.fd), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, int(receiveTime/time.Millisecond)); n == 0 || err == unix.EINTR {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("wait for packets: %w", err)
	}
	return q.Rest()
}

// Idle is Receive for when nothing has come for long, until a time. Go's runtime waits, with all its files and timers together: that
// takes some microseconds longer, and costs the machine next to nothing. A thread that waits in the kernel has the
// runtime look after it some sixty times before it believes that it waits.
func (q *Queue) Idle(until time.Time) (packets []Queued, err error) {
	q.file.SetReadDeadline(until)
	waited := q.raw.Read(func(uintptr) bool {
		packets, err = q.Rest()
		return err != nil || len(packets) > 0
	})
	if waited != nil && !errors.Is(waited, os.ErrDeadlineExceeded) {
		return nil, fmt.Errorf("wait for packets: %w", waited)
	}
	return packets, err
}

// Rest is Receive that does not wait.
func (q *Queue) Rest() ([]Queued, error) {
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(q.fd), uintptr(unsafe.Pointer(&q.headers[0])), batchSize, unix.MSG_DONTWAIT, 0, 0)
	switch errno {
	case 0:
	case unix.EAGAIN, unix.EINTR, unix.ENOBUFS:
		return nil, nil
	default:
		return nil, fmt.Errorf("receive from queue: %w", errno)
	}
	q.batch = q.batch[:0]
	for i := range int(n) {
		q.parse(q.buffers[i][:q.headers[i].length])
	}
	return q.batch, nil
}

// parse reads the messages of one datagram; for packets there is just one. All of it comes from the
// kernel, but for the payload.
func (q *Queue) parse(b []byte) {
	for len(b) >= unix.NLMSG_HDRLEN+4 {
		length := int(binary.NativeEndian.Uint32(b))
		if length < unix.NLMSG_HDRLEN+4 || length > len(b) {
			return
		}
		if binary.NativeEndian.Uint16(b[4:]) == msgPacket {
			q.packet(b[unix.NLMSG_HDRLEN+4 : length])
		}
		b = b[min((length+3)&^3, len(b)):]
	}
}

func (q *Queue) packet(attrs []byte) {
	var p Queued
	known := false
	for len(attrs) >= 4 {
		length := int(binary.NativeEndian.Uint16(attrs))
		if length < 4 || length > len(attrs) {
			break
		}
		value := attrs[4:length]
		switch binary.NativeEndian.Uint16(attrs[2:]) {
		case attrPacketHeader:
			if len(value) >= 7 {
				p.ID, p.Hook, known = binary.BigEndian.Uint32(value), Hook(value[6]), true
			}
		case attrPayload:
			p.Raw = value
		case attrWholeLength:
			p.Cut = true
		}
		attrs = attrs[min((length+3)&^3, len(attrs)):]
	}
	if known {
		q.batch = append(q.batch, p)
	}
}

// Accept lets a packet pass, with the bytes changed unless they are nil. Verdicts are sent by Flush, or
// before it when they become too long for one message: the kernel would refuse all of them.
func (q *Queue) Accept(id uint32, changed []byte) {
	if len(q.answer)+len(changed) > maxAnswer-verdictSize {
		q.Push()
	}
	q.answer = q.verdict(q.answer, id, verdictAccept, changed)
}

// Drop ends a packet.
func (q *Queue) Drop(id uint32) { q.answer = q.verdict(q.answer, id, verdictDrop, nil) }

// Push sends the verdicts so far, all in one message: the kernel reads one after the other. Flush says
// whether that went well.
func (q *Queue) Push() {
	if len(q.answer) > 0 {
		q.err = errors.Join(q.err, q.send(q.answer))
		q.answer = q.answer[:0]
	}
}

// Flush sends the verdicts, and returns what went wrong with any since the last Flush.
func (q *Queue) Flush() error {
	q.Push()
	err := q.err
	q.err = nil
	return err
}

// AcceptLater is Accept and Flush in one, for a packet that was held. It may be called from any goroutine.
func (q *Queue) AcceptLater(id uint32, changed []byte) error {
	return q.send(q.verdict(nil, id, verdictAccept, changed))
}

func (q *Queue) send(b []byte) error {
	for {
		err := unix.Sendto(q.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		if err != unix.EINTR {
			return err
		}
	}
}

func (q *Queue) verdict(b []byte, id, verdict uint32, changed []byte) []byte {
	start := len(b)
	b = q.message(b, msgVerdict, unix.NLM_F_REQUEST)
	b = append(b, 12, 0, attrVerdict, 0)
	binary.NativeEndian.PutUint16(b[len(b)-4:], 12)
	binary.NativeEndian.PutUint16(b[len(b)-2:], attrVerdict)
	b = binary.BigEndian.AppendUint32(b, verdict)
	b = binary.BigEndian.AppendUint32(b, id)
	if changed != nil {
		b = appendAttr(b, attrPayload, changed)
	}
	binary.NativeEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b
}

// Unseen is how many packets never reached wire: the queue or the socket was full, and the kernel
// dropped them.
func (q *Queue) Unseen() uint64 {
	text, err := os.ReadFile("/proc/thread-self/net/netfilter/nfnetlink_queue")
	if err != nil {
		return 0
	}
	return unseen(string(text), q.number)
}

// unseen reads the kernel's table: queue number, peer, waiting, copy mode, range, dropped by the queue,
// dropped by the socket, last ID, 1.
func unseen(table string, number uint16) uint64 {
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 7 || f[0] != strconv.Itoa(int(number)) {
			continue
		}
		queue, _ := strconv.ParseUint(f[5], 10, 64)
		socket, _ := strconv.ParseUint(f[6], 10, 64)
		return queue + socket
	}
	return 0
}

// Close gives the queue back. The kernel drops the packets that still wait in it, so accept them first.
func (q *Queue) Close() error { return q.file.Close() }

// hasNetAdmin tells EPERM for want of a capability from EPERM because somebody else has the queue.
func hasNetAdmin() bool {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return unix.Capget(&head, &data[0]) == nil && data[0].Effective&(1<<unix.CAP_NET_ADMIN) != 0
}
