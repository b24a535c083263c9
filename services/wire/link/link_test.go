package link

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"netlab.example/pkg/wire"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// pk makes a packet's record from words: "out c1 data#2.1", then flags.
func pk(t testing.TB, words string, flags ...wire.Flags) *wire.Record {
	t.Helper()
	r := &wire.Record{Time: start, Packet: wire.Packet{Length: 100, Header: wire.Span{At: 20, Len: 20}, Data: wire.Span{At: 40, Len: 60}}}
	var name string
	if _, err := fmt.Sscanf(words, "%s c%d %s", &r.Dir, &r.Conn, &name); err != nil {
		t.Fatal(words, err)
	}
	class, rest, _ := strings.Cut(name, "#")
	r.Class = wire.Class(class)
	if _, err := fmt.Sscanf(rest, "%d.%d", &r.Ordinal, &r.Attempt); err != nil {
		t.Fatal(words, err)
	}
	r.Packet.TCP = &wire.TCP{Flags: wire.ACK}
	if len(flags) > 0 {
		r.Packet.TCP.Flags = flags[0]
	}
	if r.Class != wire.ClassData {
		r.Packet.Data.Len = 0
	}
	return r
}

func begin(t testing.TB, conn int) *wire.Record {
	r := pk(t, fmt.Sprintf("in c%d syn#1.0", conn), wire.SYN)
	r.Begins = true
	return r
}

// decide is Link.Decide, with the fate's word.
func decide(l *Link, r *wire.Record) Decision {
	d := l.Decide(r)
	d.Fate.What = d.Fate.Word()
	return d
}

// set makes a link with settings.
func set(t testing.TB, line string) *Link {
	t.Helper()
	l := &Link{}
	do(t, l, "link "+line)
	return l
}

func do(t testing.TB, l *Link, lines ...string) {
	t.Helper()
	s, err := wire.ParseScenario(strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Do(s, "test"); err != nil {
		t.Fatal(err)
	}
}

func TestChanceIsByName(t *testing.T) {
	const line = "loss=30% duplicate=10% corrupt=10% reorder=10% delay=5ms jitter=5ms seed=7"
	fates := func(l *Link, conn int, names []string) map[string]string {
		decide(l, begin(t, conn))
		m := map[string]string{}
		for _, n := range names {
			f := decide(l, pk(t, fmt.Sprintf(n, conn))).Fate
			m[n] = fmt.Sprintf("%+v %+v", f, f.Damage)
		}
		return m
	}
	var names []string
	for i := 1; i <= 50; i++ {
		names = append(names, fmt.Sprintf("out c%%d data#%d.0", i), fmt.Sprintf("in c%%d ack#%d.0", i*60))
	}
	one := fates(set(t, line), 1, names)
	// In another order, with other packets in between, and on a wire that has seen connections before.
	l := &Link{}
	for c := 1; c < 9; c++ {
		decide(l, begin(t, c))
	}
	do(t, l, "link "+line)
	slices.Reverse(names)
	two := fates(l, 9, append(names, "in c%d ack#7777.0", "out c%d data#1.1"))
	// A connection that was there before wire is in nobody's way.
	l = set(t, line)
	decide(l, pk(t, "in c1 data#1.0"))
	three := fates(l, 2, names)
	kinds := map[string]bool{}
	for name, fate := range one {
		kinds[strings.Fields(fate)[0]] = true
		// A cause may quote pointers; everything that matters is printed by value.
		if cut(two[name]) != cut(fate) {
			t.Errorf("%s: %s, then %s", name, fate, two[name])
		}
		if cut(three[name]) != cut(fate) {
			t.Errorf("%s: %s, and beside an older connection %s", name, fate, three[name])
		}
	}
	if len(kinds) < 5 {
		t.Errorf("chance did little: %v", kinds)
	}
	if other := fates(set(t, strings.Replace(line, "seed=7", "seed=8", 1)), 1, names); func() bool {
		for n := range one {
			if cut(one[n]) != cut(other[n]) {
				return false
			}
		}
		return true
	}() {
		t.Error("another seed changes nothing")
	}
}

// cut takes the pointer to the damage out of a printed fate.
func cut(s string) string {
	before, after, _ := strings.Cut(s, "Damage:")
	_, after, _ = strings.Cut(after, " ")
	return before + after
}

// Each chance is met as often as it says: within four standard deviations, for a seed that is fixed.
func TestChanceInNumbers(t *testing.T) {
	const n = 20000
	for _, tc := range []struct {
		line string
		is   func(wire.Fate) bool
		p    float64
	}{
		{"out.loss=30% seed=1", func(f wire.Fate) bool { return f.What == wire.Dropped }, 0.3},
		{"out.loss=1% seed=1", func(f wire.Fate) bool { return f.What == wire.Dropped }, 0.01},
		{"out.duplicate=10% seed=1", func(f wire.Fate) bool { return f.Copies == 1 }, 0.1},
		{"out.corrupt=10% seed=1", func(f wire.Fate) bool { return f.Damage != nil }, 0.1},
		{"out.reorder=25% out.delay=10ms seed=1", func(f wire.Fate) bool { return f.What == wire.Reordered && f.Delay == 0 }, 0.25},
		{"out.delay=10ms out.jitter=10ms seed=1", func(f wire.Fate) bool { return f.Delay < 10*time.Millisecond }, 0.5},
		{"in.loss=100%", func(f wire.Fate) bool { return f.What != wire.Delivered }, 0},
		{"out.loss=100%", func(f wire.Fate) bool { return f.What == wire.Dropped }, 1},
	} {
		l := set(t, tc.line)
		decide(l, begin(t, 1))
		hits := 0.0
		for i := 1; i <= n; i++ {
			if tc.is(decide(l, pk(t, fmt.Sprintf("out c1 data#%d.0", i))).Fate) {
				hits++
			}
		}
		deviation := hits - n*tc.p
		if deviation*deviation > 16*n*tc.p*(1-tc.p) {
			t.Errorf("%s: %v of %d", tc.line, hits, n)
		}
	}
}

// What belongs to no connection has no name. Each such packet has a chance of its own all the same.
func TestChanceWithoutAConnection(t *testing.T) {
	for seed := range 5 {
		l := set(t, fmt.Sprintf("out.loss=30%% seed=%d", seed))
		dropped := 0
		for range 1000 {
			if decide(l, pk(t, "out c0 icmp#0.0")).Fate.What == wire.Dropped {
				dropped++
			}
		}
		if dropped < 240 || dropped > 360 {
			t.Errorf("seed %d: %d of 1000 lost, want about 300", seed, dropped)
		}
	}
}

func TestBegunIsBounded(t *testing.T) {
	l := set(t, "out.loss=30% seed=7")
	for conn := 1; conn <= 3*maxBegun; conn += 2 { // the others were there before
		decide(l, begin(t, conn))
		if len(l.begun) > maxBegun || l.chanceName(pk(t, fmt.Sprintf("out c%d data#1.0", conn))) != conn/2+1 {
			t.Fatalf("connection %d: %d remembered", conn, len(l.begun))
		}
	}
}

func TestReorderSkipsTheJitterToo(t *testing.T) {
	for _, line := range []string{"out.delay=5ms out.jitter=10ms out.reorder=100%", "out.jitter=10ms out.reorder=100%"} {
		l := set(t, line)
		for i := 1; i <= 100; i++ {
			if f := decide(l, pk(t, fmt.Sprintf("out c1 data#%d.0", i))).Fate; f.What != wire.Reordered || f.Delay != 0 {
				t.Fatalf("%s: %+v", line, f)
			}
		}
	}
}

func TestCauses(t *testing.T) {
	for line, want := range map[string]string{
		"out.loss=100%":                     "dropped: loss 100 %",
		"out.delay=50ms":                    "delayed: delay 50 ms",
		"out.delay=1.5s out.duplicate=100%": "duplicated: duplicate 100 %; delay 1.5 s",
		"out.corrupt=100%":                  "corrupted: corrupt 100 %",
		"out.reorder=100%":                  "reordered: reorder 100 %",
		"out.rate=1mbit":                    "delayed: rate 1 Mbit/s",
		"out.delay=1ms out.rate=64kbit":     "delayed: delay 1 ms; rate 64 kbit/s",
		"in.loss=100%":                      "delivered: ",
	} {
		f := decide(set(t, line), pk(t, "out c1 data#1.0")).Fate
		if got := string(f.What) + ": " + f.Cause; got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestRate(t *testing.T) {
	l := set(t, "out.rate=80kbit") // a packet of 100 bytes takes 10 ms
	r := pk(t, "out c1 data#1.0")
	for i := range 101 { // the last waits for a second, and a second's worth is what the queue takes
		if f := decide(l, r).Fate; f.Delay != time.Duration(i+1)*10*time.Millisecond {
			t.Fatalf("packet %d: %+v", i, f)
		}
	}
	if f := decide(l, r).Fate; f.What != wire.Dropped || f.Cause != "rate 80 kbit/s, its queue is full" {
		t.Errorf("queue full: %+v", f)
	}
	if f := decide(l, pk(t, "in c1 data#1.0")).Fate; f.What != wire.Delivered {
		t.Errorf("the other direction: %+v", f)
	}
	do(t, l, "delay data #1 to client 1s")
	decide(l, begin(t, 2))
	if f := decide(l, pk(t, "out c2 data#1.0")).Fate; f.What != wire.Dropped || f.Fault != 1 || !strings.HasPrefix(f.Cause, "delay data #1 to client 1s; rate") {
		t.Errorf("queue full, and a fault: %+v", f)
	}
	r.Time = start.Add(2 * time.Second)
	if f := decide(l, r).Fate; f.Delay != 10*time.Millisecond {
		t.Errorf("after a pause: %+v", f)
	}
}

func TestRateCountsCopies(t *testing.T) {
	l := set(t, "out.rate=80kbit out.duplicate=100%")
	for i := range 10 {
		if f := decide(l, pk(t, "out c1 data#1.0")).Fate; f.Copies != 1 || f.Delay != time.Duration(i+1)*20*time.Millisecond {
			t.Fatalf("packet %d: %+v", i, f)
		}
	}
}

// state is a fault in short.
func state(f wire.Fault) string {
	return fmt.Sprintf("%s c%d p%d %s", f.State, f.Conn, f.Packet, f.Note)
}

func TestFaultFiresOnce(t *testing.T) {
	l := set(t, "out.loss=100%") // a fault overrides chance
	decide(l, begin(t, 4))       // a connection that is there already is not meant
	do(t, l, "delay data #2 to client 1s")
	if f := decide(l, pk(t, "out c4 data#2.0")).Fate; f.Fault != 0 {
		t.Errorf("the fault met a connection that was there before: %+v", f)
	}
	decide(l, begin(t, 5))
	for _, tc := range []struct{ packet, want string }{
		{"out c5 data#1.0", "dropped loss 100 %"},
		{"in c5 data#2.0", "delivered "},
		{"out c5 data#2.1", "dropped loss 100 %"}, // a retransmission is not what is meant
		{"out c5 data#2.0", "delayed delay data #2 to client 1s"},
		{"out c5 data#2.0", "dropped loss 100 %"}, // once
	} {
		r := pk(t, tc.packet)
		r.ID = 77
		if f := decide(l, r).Fate; string(f.What)+" "+f.Cause != tc.want {
			t.Errorf("%s: %+v, want %s", tc.packet, f, tc.want)
		}
	}
	if got := state(l.Faults()[0]); got != "fired c5 p77 " {
		t.Error(got)
	}
}

func TestFaultOfOtherKinds(t *testing.T) {
	for _, tc := range []struct {
		line    string
		packets []*wire.Record
	}{ // the last packet is the one that is met
		{"drop SYN #2", []*wire.Record{begin(t, 1), pk(t, "in c1 syn#1.1", wire.SYN)}},
		{"drop SYN", []*wire.Record{begin(t, 1)}},
		{"drop SYN-ACK", []*wire.Record{begin(t, 1), pk(t, "out c1 syn#1.0", wire.SYN|wire.ACK)}},
		{"drop FIN", []*wire.Record{begin(t, 1), pk(t, "in c1 ack#1.0"), pk(t, "out c1 data#1.0", wire.FIN|wire.ACK)}},
		{"drop FIN to client", []*wire.Record{begin(t, 1), pk(t, "in c1 fin#1.0", wire.FIN), pk(t, "out c1 fin#1.0", wire.FIN)}},
		{"drop ACK #2 to server", []*wire.Record{begin(t, 1), pk(t, "in c1 ack#1.0"), pk(t, "out c1 ack#6.0"), pk(t, "in c1 ack#9.0")}},
		{"drop RST", []*wire.Record{begin(t, 1), pk(t, "out c1 rst#1.0", wire.RST)}},
		{"drop retransmission #2 to client", []*wire.Record{begin(t, 1), pk(t, "out c1 data#1.0"), pk(t, "out c1 data#1.1"), pk(t, "out c1 data#1.2")}},
	} {
		l := &Link{}
		do(t, l, tc.line)
		for i, r := range tc.packets {
			want := wire.Delivered
			if i == len(tc.packets)-1 {
				want = wire.Dropped
			}
			if f := decide(l, r).Fate; f.What != want {
				t.Errorf("%s: packet %d: %+v", tc.line, i, f)
			}
		}
	}
}

// TestResetWantsTCP: what is no segment, such as an ICMP error about the connection, cannot be answered with a RST.
func TestResetWantsTCP(t *testing.T) {
	l := &Link{}
	do(t, l, "reset packet #2")
	decide(l, begin(t, 1))
	icmp := pk(t, "in c1 icmp#0.0")
	icmp.Packet.TCP = nil
	if d := decide(l, icmp); d.Reset || d.Fate.What == wire.Dropped {
		t.Errorf("%+v", d)
	}
	if d := decide(l, pk(t, "out c1 data#1.0")); !d.Reset || d.Fate.What != wire.Dropped {
		t.Errorf("%+v", d)
	}
}

func TestFaultMissed(t *testing.T) {
	l := &Link{}
	do(t, l, "drop data #3 to client", "drop RST")
	decide(l, begin(t, 1))
	decide(l, pk(t, "out c1 data#1.0"))
	l.Ended(1)
	want := []string{"missed c1 p0 connection 1 ended before its data #3 to client", "missed c1 p0 connection 1 ended after 0 of this kind"}
	for i, f := range l.Faults() {
		if state(f) != want[i] {
			t.Errorf("%s, want %s", state(f), want[i])
		}
	}
	decide(l, begin(t, 2)) // it does not wait for the next
	if f := decide(l, pk(t, "out c2 data#3.0")).Fate; f.What != wire.Delivered {
		t.Errorf("%+v", f)
	}
}

func TestTwoFaultsForOnePacket(t *testing.T) {
	l := &Link{}
	do(t, l, "drop data #1 to client", "delay data #1 to client 1s", "delay FIN 10ms", "drop FIN")
	decide(l, begin(t, 1))
	decide(l, pk(t, "out c1 data#1.0"))
	decide(l, pk(t, "out c1 fin#1.0", wire.FIN|wire.ACK))
	l.Ended(1)
	want := []string{"fired c1 p0 ", "missed c1 p0 fault 1 met its packet before it", "fired c1 p0 ", "missed c1 p0 fault 3 met its packet before it"}
	for i, f := range l.Faults() {
		if state(f) != want[i] {
			t.Errorf("%s, want %s", state(f), want[i])
		}
	}
}

// The two that are exchanged stay behind what went before them on a link with a delay.
func TestSwapOnASlowLink(t *testing.T) {
	l := set(t, "out.delay=50ms")
	do(t, l, "swap data #3 #4 to client")
	decide(l, begin(t, 1))
	for i, want := range []string{"delayed 50ms 0", "delayed 50ms 0", "held 0s 0", "reordered 50ms 1", "delayed 50ms 0"} {
		d := decide(l, pk(t, fmt.Sprintf("out c1 data#%d.0", i+1)))
		if got := fmt.Sprint(d.Fate.What, " ", d.Fate.Delay, " ", d.Release); got != want {
			t.Errorf("data #%d: %s, want %s", i+1, got, want)
		}
	}
}

func TestSwap(t *testing.T) {
	l := &Link{}
	do(t, l, "swap data #1 #2 to server")
	decide(l, begin(t, 1))
	if d := decide(l, pk(t, "in c1 data#1.0")); d.Fate.What != wire.Held || d.Release != 0 {
		t.Errorf("%+v", d)
	}
	if d := decide(l, pk(t, "in c1 data#1.1")); d.Fate.What != wire.Delivered || d.Release != 0 {
		t.Errorf("a retransmission meanwhile: %+v", d)
	}
	d := decide(l, pk(t, "in c1 data#2.0"))
	if d.Fate.What != wire.Reordered || d.Fate.Cause != "swap data #1 #2 to server" || d.Release != 1 {
		t.Errorf("%+v", d)
	}
	if d := decide(l, pk(t, "in c1 data#3.0")); d.Release != 0 {
		t.Errorf("%+v", d)
	}
	do(t, l, "swap data #1 #2 to server")
	decide(l, begin(t, 2))
	decide(l, pk(t, "in c2 data#1.0"))
	l.GaveUp(2)
	if got := l.Faults()[1].Note; got != "data #2 did not come in time, so #1 went on alone" {
		t.Error(got)
	}
	if d := decide(l, pk(t, "in c2 data#2.0")); d.Release != 0 || d.Fate.What != wire.Delivered {
		t.Errorf("after it gave up: %+v", d)
	}
}

func TestFaultsAreBounded(t *testing.T) {
	l := &Link{}
	f, err := wire.ParseFault("drop RST")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Do(wire.Scenario{Faults: slices.Repeat([]wire.Fault{f}, maxFaults)}, "test"); err != nil {
		t.Error(err)
	}
	one := wire.Scenario{Faults: []wire.Fault{f}, Link: []wire.Step{{Line: "out.loss=1%"}}}
	if _, err := l.Do(one, "test"); err == nil || !strings.Contains(err.Error(), "wire do clear") || l.State().Line != "" {
		t.Errorf("one too many: %v, and the link is %v", err, l.State())
	}
	l.faults[0].State, l.faults[7].State = wire.Fired, wire.Missed // those that are done make room
	added, err := l.Do(one, "test")
	if err != nil || added[0].Number != maxFaults+1 || len(l.Faults()) != maxFaults-1 || l.State().Line != "out.loss=1%" {
		t.Errorf("%v %v, %d faults, link %q", added, err, len(l.Faults()), l.State().Line)
	}
	l.ClearFaults("test")
	if len(l.Faults()) != 0 {
		t.Error("they are still there")
	}
}

// TestScopes: settings for one connection or one client leave the others alone.
func TestScopes(t *testing.T) {
	client := func(r *wire.Record, addr string) *wire.Record {
		r.Client = netip.AddrPortFrom(netip.MustParseAddr(addr), 40000)
		return r
	}
	l := &Link{}
	do(t, l, "link delay=5ms", "link loss=100% on c2", "link blackhole from 10.0.0.0/24")
	for _, tc := range []struct {
		packet, addr string
		want         wire.What
		cause        string
	}{
		{"out c1 data#1.0", "10.9.0.1", wire.Delayed, "delay 5 ms"},
		{"out c2 data#1.0", "10.9.0.1", wire.Dropped, "loss 100 %"},
		{"in c3 data#1.0", "10.0.0.7", wire.Dropped, "black hole to server"},
		{"out c3 data#1.0", "::ffff:10.0.0.7", wire.Dropped, "black hole to client"},
	} {
		if f := decide(l, client(pk(t, tc.packet), tc.addr)).Fate; f.What != tc.want || f.Cause != tc.cause {
			t.Errorf("%s from %s: %+v", tc.packet, tc.addr, f)
		}
	}
	if s := l.State(); s.Line != "in.delay=5ms out.delay=5ms; in.loss=100% out.loss=100% on c2; in.blackhole out.blackhole from 10.0.0.0/24" {
		t.Errorf("%q", s.Line)
	}
	l.Ended(2)
	do(t, l, "link clear from 10.0.0.0/24")
	if s := l.State(); len(s.Scoped) != 0 || s.Line != "in.delay=5ms out.delay=5ms" {
		t.Errorf("%+v", s)
	}
	do(t, l, "link loss=1% on c3", "link clear")
	if s := l.State(); s.Line != "" || len(s.Scoped) != 0 {
		t.Errorf("clear left %+v", s)
	}
	for n := range maxScopes {
		do(t, l, fmt.Sprintf("link loss=1%% on c%d", n+1))
	}
	s, _ := wire.ParseScenario("link loss=1% on c999")
	if _, err := l.Do(s, "test"); err == nil {
		t.Error("one scope too many")
	}
}

// TestPlan: "after" waits, "for" ends, what was changed in the meantime stays, and each is told when it happens.
func TestPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		l := &Link{Tell: func(_ wire.ChangeKind, line, by string) { told = append(told, line+" by "+by) }}
		do(t, l, "link delay=5ms", "link out.loss=100% seed=7 after 10s for 5s")
		state := func() string { return l.State().Line }
		if s := l.State(); s.Line != "in.delay=5ms out.delay=5ms" || len(s.Next) != 1 || time.Until(s.Next[0].Time) != 10*time.Second {
			t.Errorf("at once: %+v", s)
		}
		time.Sleep(10 * time.Second)
		if f := l.Decide(&wire.Record{Time: time.Now(), Dir: wire.Out, Conn: 1}).Fate; f.What != wire.Dropped { // a packet is late for nothing
			t.Errorf("after 10 s: %+v", f)
		}
		do2 := func(at time.Duration, want string) {
			t.Helper()
			time.Sleep(at)
			if got := state(); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		do2(4999*time.Millisecond, "in.delay=5ms out.loss=100% out.delay=5ms seed=7")
		do2(time.Millisecond, "in.delay=5ms out.delay=5ms")
		want := []string{"link delay=5ms by test", "link out.loss=100% seed=7 after 10s for 5s by test", "link out.loss=100% seed=7 ends by test"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q", told)
		}
		do(t, l, "link loss=50% for 5s")
		l.plan = append(l.plan, due{at: time.Now().Add(time.Second), do: wire.Step{Line: "out.loss=1%"}})
		slices.Reverse(l.plan)
		do2(5*time.Second, "in.delay=5ms out.loss=1% out.delay=5ms") // out.loss was changed since
		do(t, l, "link loss=50% for 5s", "link clear")
		do2(5*time.Second, "")
		if s := l.State(); len(s.Next) != 0 {
			t.Errorf("still to come: %+v", s.Next)
		}
	})
}

// TestOpenConnection: a fault on a connection that is open already needs no number.
func TestOpenConnection(t *testing.T) {
	l := &Link{}
	decide(l, begin(t, 1))
	decide(l, begin(t, 2))
	do(t, l, "drop data to client on c1", "reset on c2", "drop data #9 to client on c1")
	if d := decide(l, pk(t, "out c1 data#7.0")); d.Fate.What != wire.Dropped || d.Reset {
		t.Errorf("%+v", d)
	}
	if d := decide(l, pk(t, "out c1 data#8.0")); d.Fate.What != wire.Delivered {
		t.Errorf("%+v", d)
	}
	if d := decide(l, pk(t, "in c2 ack#9.0")); d.Fate.What != wire.Dropped || !d.Reset || d.Fate.Cause != "reset packet on c2" {
		t.Errorf("%+v", d)
	}
	l.Ended(1)
	if f := l.Faults()[2]; f.State != wire.Missed {
		t.Errorf("%+v", f)
	}
}

// TestFaultFrom waits for the client that it names.
func TestFaultFrom(t *testing.T) {
	l := &Link{}
	do(t, l, "drop SYN from 10.0.0.7")
	for conn, addr := range []string{"10.0.0.8:1", "10.0.0.7:1"} {
		r := begin(t, conn+1)
		r.Client = netip.MustParseAddrPort(addr)
		if dropped := decide(l, r).Fate.What == wire.Dropped; dropped != (conn == 1) {
			t.Errorf("%s: dropped %v", addr, dropped)
		}
	}
}

// Damage never touches what the packet needs to reach the checksum test.
func TestDamageStaysInside(t *testing.T) {
	s := wire.Settings{Out: wire.Way{Corrupt: 100}}
	for i := 1; i < 500; i++ {
		r := pk(t, fmt.Sprintf("out c1 data#%d.0", i))
		if d := chance(s, r, 1).Damage; d == nil || d.Offset < 40 || d.Offset >= 100 || d.Mask == 0 {
			t.Fatalf("data: %+v", d)
		}
		r = pk(t, fmt.Sprintf("out c1 ack#%d.0", i))
		if d := chance(s, r, 1).Damage; d == nil || d.Offset < 36 || d.Offset > 37 {
			t.Fatalf("ack: %+v", d)
		}
	}
}

func FuzzScenario(f *testing.F) {
	f.Add("# x\nlink out.loss=30% seed=7\ndrop data #1 to client\n")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := wire.ParseScenario(text); err == nil {
			if _, err := new(Link).Do(s, "test"); err != nil && len(s.Faults) <= maxFaults && len(s.Link) <= maxScopes {
				t.Errorf("%q can be read but not run: %v", text, err)
			}
		}
	})
}
