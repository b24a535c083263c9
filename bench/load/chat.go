//go:build linux

package load

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	chatTail  = 13                     // bytes at the end of a line: # talker (2 digits) number (10 digits)
	chatQuiet = 200 * time.Millisecond // then nothing more is on its way
)

var chatPatience = 10 * time.Second // for what does not come

// A Crowd is people who are connected to a server, and may talk there.
type Crowd struct {
	addr    netip.AddrPort
	ep      int
	people  []*listener
	byFd    map[int32]*listener
	talkers []*talker
	buf     []byte
	size    int    // of a line, its newline included
	heard   *Heard // what is being measured
}

// A listener is one of them.
type listener struct {
	fd     int
	came   bool   // has been told something
	rest   []byte // of a line that has begun
	probed uint64 // a bit for each talker who has been heard at all
	next   []int  // the number that is due from each talker
	order  uint64 // a hash of all that was heard, in order
}

// A talker has lines under way: said, and not yet heard by all.
type talker struct {
	*listener
	number int         // of the line that is said next; 0 is a probe
	heard  int         // all lines before this one everybody has heard
	first  int         // of this measurement
	sent   []time.Time // of the lines under way: a ring
	due    []int       // how many have still to hear each of them
	line   []byte      // what is being written
	rest   []byte      // of it
}

// NewCrowd is nobody yet.
func NewCrowd(addr netip.AddrPort) (*Crowd, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return &Crowd{addr: addr, ep: ep, byFd: make(map[int32]*listener), buf: make([]byte, 64<<10)}, err
}

// Close ends all connections.
func (c *Crowd) Close() {
	for _, p := range c.people {
		unix.Close(p.fd)
	}
	unix.Close(c.ep)
}

// Grow connects until there are n people, and reads what they are told until it is quiet. hello is what
// somebody sends on coming in, nil where nothing. Where the server greets whoever comes, they come one
// after the other: each is announced to all, and a backlog may be short.
func (c *Crowd) Grow(n int, greets bool, hello func(person int) string, patience time.Duration) error {
	to, err := onLoopback(c.addr)
	if err != nil {
		return err
	}
	end := time.Now().Add(patience)
	for i := len(c.people); i < n; i++ {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		p := &listener{fd: fd}
		c.people = append(c.people, p)
		c.byFd[int32(fd)] = p
		if err := errors.Join(
			unix.Connect(fd, to),
			unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
			unix.SetNonblock(fd, true),
			unix.EpollCtl(c.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}),
		); err != nil {
			return fmt.Errorf("person %d: %w", i, err)
		}
		if hello != nil {
			unix.Write(fd, []byte(hello(i)))
		}
		if i%64 == 0 {
			if _, err := c.listen(0); err != nil {
				return err
			}
		}
		for greets && !p.came {
			if time.Now().After(end) {
				return fmt.Errorf("%d people in %v, and no more", i, patience)
			}
			if _, err := c.listen(chatQuiet); err != nil {
				return err
			}
		}
	}
	return c.untilQuiet(end)
}

// untilQuiet reads what else the server has to say to newcomers.
func (c *Crowd) untilQuiet(end time.Time) error {
	for last := time.Now(); time.Since(last) < chatQuiet && time.Now().Before(end); {
		n, err := c.listen(chatQuiet)
		if err != nil {
			return err
		}
		if n > 0 {
			last = time.Now()
		}
	}
	return nil
}

// Talk lets some people talk, has all listen, and checks what each hears.
type Talk struct {
	Before   string // of each line: a command of the protocol
	Talkers  int
	Size     int // bytes of a line, its newline included
	Underway int // lines of each talker that may be under way
	How      time.Duration
	Meter    Meter
}

// Heard says what became of the lines.
type Heard struct {
	Said       int // lines
	Deliveries int // one for each line and each person who hears it
	Lost       int // deliveries that did not happen
	Disordered int // deliveries in another order than they were said, or twice, or damaged
	Elapsed    time.Duration
	Busy       time.Duration // processor time of the generator
	Server     time.Duration // and of the server
	Latency    Histogram     // from the line's write(2) to each delivery
}

// PerSecond is the rate of deliveries.
func (h *Heard) PerSecond() float64 { return float64(h.Deliveries) / h.Elapsed.Seconds() }

// Talk measures for as long as it is told to, and then waits for what is under way.
func (c *Crowd) Talk(t Talk) (*Heard, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if t.Talkers > min(64, len(c.people)) || t.Size < chatTail+1 || len(c.people) < 2 {
		return nil, errors.New("talk: at most 64 talkers, lines of 14 bytes and more, two people and more")
	}
	c.size, c.heard = t.Size, new(Heard)
	for i := len(c.talkers); i < t.Talkers; i++ {
		c.talkers = append(c.talkers, &talker{listener: c.people[i], number: 1})
	}
	for _, k := range c.talkers {
		k.sent, k.due = make([]time.Time, t.Underway), make([]int, t.Underway)
		k.first, k.heard, k.rest = k.number, k.number, nil
	}
	for _, p := range c.people {
		p.next, p.order = nil, 0
		for _, k := range c.talkers {
			p.next = append(p.next, k.number)
		}
	}
	if err := c.probe(t); err != nil {
		return nil, err
	}
	if err := c.talk(t); err != nil {
		return nil, err
	}
	c.compare(c.people[len(c.talkers):])
	return c.heard, nil
}

// probe has each talker say something, again and again, until all have heard it. That works with any
// server, whatever it greets people with.
func (c *Crowd) probe(t Talk) error {
	end := time.Now().Add(chatPatience)
	for again := time.Now(); !c.allProbed(); {
		now := time.Now()
		if now.After(end) {
			return errors.New("not everybody hears")
		}
		if !now.Before(again) {
			for i, k := range c.talkers {
				unix.Write(k.fd, t.text(nil, i, 0))
			}
			again = now.Add(5 * chatQuiet)
		}
		if _, err := c.listen(10 * time.Millisecond); err != nil {
			return err
		}
	}
	return c.untilQuiet(end)
}

func (c *Crowd) allProbed() bool {
	for i, p := range c.people {
		for k := range c.talkers {
			if k != i && p.probed&(1<<k) == 0 {
				return false
			}
		}
	}
	return true
}

// text is a line of Size bytes.
func (t Talk) text(b []byte, talker, number int) []byte {
	b = append(b, t.Before...)
	for range t.Size - chatTail - 1 {
		b = append(b, 'x')
	}
	return fmt.Appendf(b, "#%02d%010d\n", talker, number)
}

func (c *Crowd) talk(t Talk) error {
	talking := c.talkers[:t.Talkers]
	begin, before := time.Now(), t.Meter.now()
	for time.Since(begin) < t.How {
		for i, k := range talking {
			for len(k.rest) > 0 || k.number-k.heard < t.Underway {
				if len(k.rest) == 0 {
					c.next(t, i, k)
				}
				if done, err := k.write(); err != nil {
					return fmt.Errorf("talker %d: %w", i, err)
				} else if !done {
					break
				}
			}
		}
		if _, err := c.listen(100 * time.Millisecond); err != nil {
			return err
		}
	}
	c.heard.Elapsed = time.Since(begin)
	used := t.Meter.since(before)
	c.heard.Busy, c.heard.Server = used.generator, used.server
	deliveries := c.heard.Deliveries // in that time; what comes now is only waited for
	all := c.heard.Said * (len(c.people) - 1)
	for last := time.Now(); c.heard.Deliveries < all && time.Since(last) < chatPatience; {
		for _, k := range talking {
			if _, err := k.write(); err != nil {
				return err
			}
		}
		n, err := c.listen(100 * time.Millisecond)
		if err != nil {
			return err
		}
		if n > 0 {
			last = time.Now()
		}
	}
	c.heard.Lost = all - c.heard.Deliveries
	c.heard.Deliveries = deliveries
	return nil
}

// next is the talker's next line.
func (c *Crowd) next(t Talk, i int, k *talker) {
	k.line = t.text(k.line[:0], i, k.number)
	k.rest = k.line
	k.sent[k.number%t.Underway] = time.Now()
	k.due[k.number%t.Underway] = len(c.people) - 1
	k.number++
	c.heard.Said++
}

// write writes one line, and no two at once: that is how people talk. It is not done where the kernel has no room.
func (k *talker) write() (done bool, err error) {
	if len(k.rest) == 0 {
		return true, nil
	}
	n, err := unix.Write(k.fd, k.rest)
	if err == unix.EAGAIN || err == unix.EINTR {
		return false, nil
	}
	k.rest = k.rest[max(n, 0):]
	return len(k.rest) == 0, err
}

// listen takes in what has come, and returns how many bytes.
func (c *Crowd) listen(longest time.Duration) (int, error) {
	var space [256]unix.EpollEvent
	events, err := wait(c.ep, space[:], longest)
	if err != nil {
		return 0, err
	}
	sum := 0
	for _, e := range events {
		p := c.byFd[e.Fd]
		n, err := unix.Read(p.fd, c.buf)
		if err == unix.EAGAIN || err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return 0, errors.Join(errEnded, err)
		}
		sum += n
		p.came = true
		if p.next != nil {
			c.hear(p, c.buf[:n], time.Now())
		}
	}
	return sum, nil
}

var errEnded = errors.New("the server has ended a connection")

// hear takes a read apart into lines.
func (c *Crowd) hear(p *listener, b []byte, now time.Time) {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			p.rest = append(p.rest, b...)
			return
		}
		line := b[:i]
		if len(p.rest) > 0 {
			p.rest = append(p.rest, line...)
			line = p.rest
			p.rest = p.rest[:0]
		}
		c.line(p, line, now)
		b = b[i+1:]
	}
}

// line looks at the end of a line; how it begins is the server's affair.
func (c *Crowd) line(p *listener, line []byte, now time.Time) {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if len(line) < chatTail || line[len(line)-chatTail] != '#' {
		return // a notice
	}
	tail, err := strconv.ParseUint(string(line[len(line)-chatTail+1:]), 10, 64)
	i, number := int(tail/1e10), int(tail%1e10)
	if err != nil || i >= len(c.talkers) {
		return
	}
	k := c.talkers[i]
	switch {
	case number == 0:
		p.probed |= 1 << i
		return
	case number < k.first: // of an earlier measurement, where it has been counted as lost
		return
	case number != p.next[i], number >= k.number, len(line) < c.size-1:
		c.heard.Disordered++
	}
	p.next[i] = number + 1
	p.order = (p.order ^ tail) * 0x100000001b3 // FNV-1a's prime
	c.heard.Deliveries++
	if number < k.heard || number >= k.number {
		return
	}
	at := number % len(k.sent)
	c.heard.Latency.Add(now.Sub(k.sent[at]), 1)
	k.due[at]--
	for k.heard < k.number && k.due[k.heard%len(k.due)] == 0 {
		k.heard++
	}
}

// compare is about the order in which those who only listened have heard everything: it must be the same.
func (c *Crowd) compare(silent []*listener) {
	if c.heard.Lost > 0 {
		return
	}
	for _, p := range silent {
		if p.order != silent[0].order {
			c.heard.Disordered++
		}
	}
}
