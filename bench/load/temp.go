//go:build linux

package load

import (
	"bytes"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	tempSockets   = 12          // SO_REUSEPORT shares clients out by their ports: there must be some
	tempPlaces    = 16          // questions of one socket that are under way. All together fit a default receive buffer, which has room for about 200
	tempPatience  = time.Second // after which an answer counts as lost, and another question is asked in its place
	tempQuestions = 4096        // tenths of degrees, from 0 to 409.5
)

// Temp asks a udp-temp server with 192 questions under way, no two alike, and many in one system call.
type Temp struct {
	Addr   netip.AddrPort
	Prefix string // of a right answer; the number follows
	How    time.Duration
	Meter  Meter
}

// tempSocket is one client: a connected socket and the questions that are under way from it.
type tempSocket struct {
	fd     int
	places [tempPlaces]tempPlace
	in     [tempPlaces]mmsghdr
	out    [tempPlaces]mmsghdr
	invec  [tempPlaces]unix.Iovec
	outvec [tempPlaces]unix.Iovec
	bufs   [tempPlaces][256]byte
	due    []int // places that are free
}

// A tempPlace has one question under way at a time. Place p of a socket asks only those that are p modulo 16:
// so an answer tells where it belongs.
type tempPlace struct {
	tenths  int  // the question, in tenths of a degree
	lost    int  // an earlier one that was given up
	pending bool // an answer is due
	asked   time.Time
}

type mmsghdr struct {
	unix.Msghdr
	n uint32
	_ [4]byte
}

// celsius and fahrenheit are exact: 36.6 and 97.88.
func celsius(tenths int) string { return decimal(tenths * 10) }

func fahrenheit(tenths int) string { return decimal(tenths*18 + 3200) }

// decimal prints hundredths without needless zeros.
func decimal(hundredths int) string {
	s := fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Run asks for as long as it is told to. An answer is right when it ends in the number that one of the
// questions under way on its socket asks for: so neither another's answer nor a second one passes.
func (t Temp) Run() (*Outcome, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	to, err := onLoopback(t.Addr)
	if err != nil {
		return nil, err
	}
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	defer unix.Close(ep)
	questions := make([][]byte, tempQuestions)
	answers := make(map[string]int, tempQuestions)
	for i := range tempQuestions {
		questions[i] = []byte(celsius(i))
		answers[fahrenheit(i)] = i
	}
	sockets := make(map[int32]*tempSocket)
	for i := range tempSockets {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		defer unix.Close(fd)
		if err := unix.Connect(fd, to); err != nil {
			return nil, err
		}
		if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			return nil, err
		}
		s := &tempSocket{fd: fd}
		for p := range s.places {
			s.places[p] = tempPlace{tenths: i*tempPlaces + p, lost: -1}
			s.due = append(s.due, p)
			s.invec[p] = unix.Iovec{Base: &s.bufs[p][0]}
			s.invec[p].SetLen(len(s.bufs[p]))
			s.in[p].Iov = &s.invec[p]
			s.in[p].SetIovlen(1)
		}
		sockets[int32(fd)] = s
	}

	out := new(Outcome)
	begin, before := time.Now(), t.Meter.now()
	looked := begin
	for _, s := range sockets {
		if err := s.ask(questions, begin); err != nil {
			return nil, err
		}
	}
	events := make([]unix.EpollEvent, tempSockets)
	for time.Since(begin) < t.How {
		ready, err := wait(ep, events, 100*time.Millisecond)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		for _, e := range ready {
			if err := t.answered(sockets[e.Fd], out, answers, now); err != nil {
				return nil, err
			}
			if err := sockets[e.Fd].ask(questions, now); err != nil {
				return nil, err
			}
		}
		if now.Sub(looked) < tempPatience/2 {
			continue
		}
		looked = now
		for _, s := range sockets {
			for p := range s.places {
				if place := &s.places[p]; place.pending && now.Sub(place.asked) > tempPatience {
					place.pending, place.lost = false, place.tenths
					out.Failed++
					s.due = append(s.due, p)
				}
			}
			if err := s.ask(questions, now); err != nil {
				return nil, err
			}
		}
	}
	out.ended(begin, t.Meter.since(before))
	return out, nil
}

// ask sends what is due. What the kernel does not take now is lost, and asked again when it is missed.
func (s *tempSocket) ask(questions [][]byte, now time.Time) error {
	if len(s.due) == 0 {
		return nil
	}
	for i, p := range s.due {
		place := &s.places[p]
		place.tenths = (place.tenths + tempSockets*tempPlaces) % tempQuestions
		place.asked, place.pending = now, true
		q := questions[place.tenths]
		s.outvec[i].Base = &q[0]
		s.outvec[i].SetLen(len(q))
		s.out[i].Iov = &s.outvec[i]
		s.out[i].SetIovlen(1)
	}
	_, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.out[0])), uintptr(len(s.due)), unix.MSG_DONTWAIT, 0, 0)
	s.due = s.due[:0]
	if errno != 0 && errno != unix.EAGAIN && errno != unix.ECONNREFUSED {
		return errno
	}
	return nil
}

// answered takes in all answers that have come, and notes whose places are free again.
func (t Temp) answered(s *tempSocket, out *Outcome, answers map[string]int, now time.Time) error {
	r, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.in[0])), tempPlaces, unix.MSG_DONTWAIT, 0, 0)
	if errno == unix.EAGAIN || errno == unix.EINTR {
		return nil
	}
	if errno != 0 {
		return errno
	}
	for i := range int(r) {
		number, whole := bytes.CutPrefix(s.bufs[i][:s.in[i].n], []byte(t.Prefix))
		tenths, known := answers[string(number)]
		switch place := &s.places[tenths%tempPlaces]; {
		case whole && known && place.pending && place.tenths == tenths:
			place.pending = false
			out.Answers++
			out.Latency.Add(now.Sub(place.asked), 1)
			s.due = append(s.due, tenths%tempPlaces)
		case whole && known && place.lost == tenths: // late: it has been counted
		default:
			out.Wrong++
		}
	}
	return nil
}
