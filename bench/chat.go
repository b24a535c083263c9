//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"netlab.example/bench/load"
)

const (
	chatLine     = 64  // bytes; a power of two, since ncat takes its reads for lines
	chatUnderway = 256 // lines that have been said and not heard by all, of all talkers together
	chatRounds   = 3
	joinPatience = 60 * time.Second // ncat needs a while for a thousand people
)

// A chatPeer is a server, and how one talks to it.
type chatPeer struct {
	program
	hello   func(person int) string // what somebody sends on coming in
	greets  bool                    // whoever comes is told something
	before  string                  // of each line
	most    int                     // people; 0: any number
	longest int                     // line, in bytes; 0: any that is measured
}

func (b *bench) chatPeers() (peers []chatPeer) {
	line := func(int) string { return "\n" } // the others hear of somebody at their first line
	irc := func(i int) string { return fmt.Sprintf("NICK p%d\r\nUSER p 0 * :p\r\nJOIN #bench\r\n", i) }
	for _, p := range []chatPeer{
		{program: b.ourChat(), greets: true, hello: line},
		{program: b.ncat(), greets: true, most: 1000},                                             // select(2)
		{program: b.ngircd(), greets: true, hello: irc, before: "PRIVMSG #bench :", longest: 256}, // of IRC's 512 some are for who says it
	} {
		if len(b.present(p.program)) > 0 {
			peers = append(peers, p)
		}
	}
	return peers
}

// A room is a server with people in it.
type room struct {
	chatPeer
	*load.Crowd
	server *server
	failed error // why nothing more can be measured here
}

// rooms fills a room of each kind. They are measured in turn; the others rest meanwhile.
func (b *bench) rooms(people int) (rooms []*room, err error) {
	for _, p := range b.chatPeers() {
		r := &room{chatPeer: p}
		if r.server, err = p.start(b.ctx, b.work); err != nil {
			return rooms, err
		}
		rooms = append(rooms, r)
		if r.Crowd, err = load.NewCrowd(r.server.addr); err != nil {
			return rooms, err
		}
		r.failed = r.Grow(people, p.greets, p.hello, joinPatience)
		if b.ctx.Err() != nil {
			return rooms, context.Cause(b.ctx)
		}
	}
	return rooms, nil
}

func closeAll(rooms []*room) {
	for _, r := range rooms {
		if r.Crowd != nil {
			r.Crowd.Close()
		}
		r.server.stop()
	}
}

// talk measures all rooms in turn.
func (b *bench) talk(rooms []*room, rounds, talkers, size int) *results {
	res := new(results)
	for round := range rounds {
		for i := range rooms {
			r := rooms[(round+i)%len(rooms)]
			if r.longest > 0 && size > r.longest || b.ctx.Err() != nil {
				continue
			}
			s := b.talkIn(r, talkers, size)
			res.add(r.name, s)
			b.progress(fmt.Sprintf("round %d: %d talking, %d bytes: %s", round+1, talkers, size, r.name), s)
		}
	}
	return res
}

func (b *bench) talkIn(r *room, talkers, size int) sample {
	var out *load.Heard
	if r.failed == nil {
		out, r.failed = r.Talk(load.Talk{
			Before: r.before, Talkers: talkers, Size: size, Underway: chatUnderway / talkers, How: b.howLong, Meter: r.server.processorTime,
		})
	}
	if r.failed != nil {
		return sample{bad: fmt.Sprintf("%v %s", r.failed, bytes.TrimSpace(r.server.told.Bytes()))}
	}
	s := sample{
		rate: out.PerSecond(), cost: float64(out.Server.Microseconds()) / float64(max(out.Deliveries, 1)),
		p50: milliseconds(out.Latency.Quantile(0.5)), p99: milliseconds(out.Latency.Quantile(0.99)),
		generator: out.Busy.Seconds() / out.Elapsed.Seconds(),
	}
	if out.Lost+out.Disordered > 0 {
		s.bad = fmt.Sprintf("%d lost, %d out of order", out.Lost, out.Disordered)
	}
	return s
}

// chat: from 10 to 1,000 people, one and ten of them talking, lines of several lengths.
func (b *bench) chat() error {
	t := &table{
		title: "chat-server: everyone hears everything",
		notes: []string{fmt.Sprintf("Lines of %d bytes, one write each; %d lines are under way (said, and not yet heard by all). "+
			"A delivery is one line that reaches one person. `CHAT_SERVER_RATE=0`; ngircd runs without its flood protection.", chatLine, chatUnderway)},
		head: []string{"people", "talking", "server", "thousand deliveries/s", "µs of processor each", "p50 ms", "p99 ms", "generator busy", "lost or out of order", "chat-server ÷ this"},
	}
	people := growth{title: "chat-server, by people", x: "people, one talking", y: "thousand deliveries/s", ticks: []int{10, 30, 100, 300, 1000}}
	sizes := growth{title: "chat-server, by length of a line", x: "bytes a line, 100 people, one talking", y: "thousand deliveries/s", ticks: []int{32, 64, 128, 256, 512, 1024}}
	for _, n := range people.ticks {
		if err := b.chatAt(n, t, &people, &sizes); err != nil {
			return err
		}
	}
	b.print(t)
	b.growths = append(b.growths, people, sizes)
	return nil
}

func (b *bench) chatAt(n int, t *table, people, sizes *growth) error {
	rooms, err := b.rooms(n)
	defer closeAll(rooms)
	if err != nil {
		return err
	}
	rounds, talkings := chatRounds, []int{1, 10}
	switch n {
	case 30, 300:
		rounds, talkings = growthRounds, []int{1}
	case 100: // what the targets are about
		rounds = b.rounds
	}
	for _, talkers := range talkings {
		res := b.talk(rooms, rounds, talkers, chatLine)
		ours := rooms[0].name
		for _, r := range rooms {
			rates := res.of(r.name, rate)
			t.row(fmt.Sprint(n), fmt.Sprint(talkers), r.name, thousands(rates.median()), digits(res.of(r.name, cost).median()), digits(res.of(r.name, p50).median()),
				digits(res.of(r.name, p99).median()), percent(res.of(r.name, generator).median()), res.bad(r.name), res.of(ours, rate).over(rates).String())
			if talkers == 1 {
				people.add(r.name, rates.median()/1000)
			}
		}
		if n == 100 && talkers == 1 {
			b.chatTargets(res, ours, rooms[1:])
		}
		b.faultless(fmt.Sprintf("chat-server, %d people, %d talking: lost or out of order", n, talkers), res.bad(ours))
	}
	if n == 100 {
		for _, size := range sizes.ticks {
			res := b.talk(rooms, growthRounds, 1, size)
			for _, r := range rooms {
				if s := res.of(r.name, rate); len(s) > 0 {
					sizes.add(r.name, s.median()/1000)
				}
			}
		}
	}
	if b.ctx.Err() != nil {
		return context.Cause(b.ctx)
	}
	return nil
}

func (b *bench) chatTargets(res *results, ours string, peers []*room) {
	var rates, waits []series
	for _, p := range peers {
		rates = append(rates, res.of(p.name, rate))
		waits = append(waits, res.of(p.name, p99))
	}
	b.target("chat-server, 100 people, one talking ÷ the better peer", 1.3, res.of(ours, rate).over(largest(rates...)))
	b.target("the better peer's p99 ÷ chat-server's", 1.0, smallest(waits...).over(res.of(ours, p99)))
}
