//go:build linux

package load

import (
	"bytes"
	"cmp"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Hello asks with one connection a question, so many at a time.
type Hello struct {
	Addr    netip.AddrPort
	Request string
	Want    string // what a right answer ends in
	AtOnce  int
	Threads int // that ask, each its share of AtOnce; 0 is one
	How     time.Duration
	Meter   Meter
}

// An Outcome says what became of the questions.
type Outcome struct {
	Answers int           // whole and right
	Wrong   int           // whole, but not what was expected
	Failed  int           // refused, reset, cut, or none at all
	Elapsed time.Duration // from the first question to the last answer
	Busy    time.Duration // processor time of the generator
	Server  time.Duration // and of the server
	Latency Histogram
}

// PerSecond is the rate of right answers.
func (o *Outcome) PerSecond() float64 { return float64(o.Answers) / o.Elapsed.Seconds() }

func (o *Outcome) ended(begin time.Time, e effort) {
	o.Elapsed, o.Busy, o.Server = time.Since(begin), e.generator, e.server
}

type question struct {
	fd    int
	start time.Time
	got   []byte
}

// Run asks for as long as it is told to. What is not answered at the end counts as nothing.
func (h Hello) Run() (*Outcome, error) {
	share := h
	h.Threads = max(h.Threads, 1)
	share.AtOnce = h.AtOnce / h.Threads
	others := make(chan *Outcome, h.Threads)
	failed := make(chan error, h.Threads)
	for range h.Threads - 1 {
		go func() {
			without := share
			without.Meter = nil // the server's time is measured once
			out, err := without.run()
			others <- out
			failed <- err
		}()
	}
	out, err := share.run()
	for range h.Threads - 1 {
		other := <-others
		if err = cmp.Or(err, <-failed); err == nil {
			out.add(other)
		}
	}
	return out, err
}

// add takes in what another thread has seen at the same time.
func (o *Outcome) add(other *Outcome) {
	o.Answers += other.Answers
	o.Wrong += other.Wrong
	o.Failed += other.Failed
	o.Busy += other.Busy
	o.Latency.add(&other.Latency)
}

func (h Hello) run() (*Outcome, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	to, err := onLoopback(h.Addr)
	if err != nil {
		return nil, err
	}
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	defer unix.Close(ep)
	asked := make(map[int]*question, h.AtOnce)
	defer func() {
		for fd := range asked {
			unix.Close(fd)
		}
	}()
	out, request, want, buf := new(Outcome), []byte(h.Request), []byte(h.Want), make([]byte, 4096)

	ask := func(q *question) error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		*q = question{fd, time.Now(), q.got[:0]}
		asked[fd] = q
		if err := unix.Connect(fd, to); err != nil && err != unix.EINPROGRESS {
			return err
		}
		// On loopback connect(2) has shaken hands when it returns, if the backlog has room.
		if n, err := unix.Write(fd, request); err == unix.EAGAIN || err == unix.ENOTCONN {
			return unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLOUT, Fd: int32(fd)})
		} else if err != nil || n < len(request) {
			out.Failed++
		}
		return unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	}
	for range h.AtOnce {
		if err := ask(&question{got: make([]byte, 0, 4096)}); err != nil {
			return nil, err
		}
	}
	begin, before := time.Now(), h.Meter.now()
	events := make([]unix.EpollEvent, 256)
	for time.Since(begin) < h.How {
		ready, err := wait(ep, events, 100*time.Millisecond)
		if err != nil {
			return nil, err
		}
		for _, e := range ready {
			q := asked[int(e.Fd)]
			if e.Events == unix.EPOLLOUT { // connected at last
				unix.Write(q.fd, request)
				unix.EpollCtl(ep, unix.EPOLL_CTL_MOD, q.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: e.Fd})
				continue
			}
			n, err := unix.Read(q.fd, buf)
			if n > 0 {
				q.got = append(q.got, buf[:n]...)
				continue // a server of ours has closed by now, but that is to be seen and not believed
			}
			switch {
			case err == unix.EAGAIN || err == unix.EINTR:
				continue
			case err != nil || len(q.got) == 0:
				out.Failed++
			case !bytes.HasSuffix(q.got, want):
				out.Wrong++
			default:
				out.Answers++
				out.Latency.Add(time.Since(q.start), 1)
			}
			delete(asked, q.fd)
			unix.Close(q.fd)
			if err := ask(q); err != nil {
				return nil, err
			}
		}
	}
	out.ended(begin, h.Meter.since(before))
	return out, nil
}
