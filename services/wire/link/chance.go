// Package link is the link that a learner may break: by chance ("out.loss=30%") or exactly ("drop data
// #1 to client"). It decides what becomes of each packet, and does no I/O: the engine carries it out.
// What can be asked for, and its text, is in pkg/wire.
//
//	chance.go    what chance does to a packet: a function of its name and the seed
//	fault.go     which packet an exact fault meets, and what it does to it
//	link.go      Link: settings and faults together, asked packet by packet
package link

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"netlab.example/pkg/wire"
)

// keptBack is for how long a reordered packet waits on a link without delay.
const keptBack = 10 * time.Millisecond

// chance decides what the settings do to r, but for the rate, which depends on the packets before. conn is
// the number that stands for r's connection, see Link.chanceName.
//
// Chance is not drawn, it is computed from the packet's name: seed, direction, connection, class, ordinal
// and attempt. Two runs of a scenario differ in how many ACKs they have and in what order packets of two
// connections come; with one draw a packet everything after the first difference would fall out
// differently. By name, data #2 of the first connection has the same fate each time.
func chance(s wire.Settings, r *wire.Record, conn int) wire.Fate {
	w := way(&s, r.Dir)
	hits := func(what string, p wire.Percent) bool {
		return p > 0 && roll(s, r, conn, what)*100 < float64(p)
	}
	if w.Blackhole {
		return wire.Fate{What: wire.Dropped, Cause: "black hole to " + r.Dir.Peer()}
	}
	if hits("loss", w.Loss) {
		return wire.Fate{What: wire.Dropped, Cause: "loss " + percentWords(w.Loss)}
	}
	var f wire.Fate
	var causes []string
	if hits("corrupt", w.Corrupt) {
		if f.Damage = damage(s, r, conn); f.Damage != nil {
			causes = append(causes, "corrupt "+percentWords(w.Corrupt))
		}
	}
	if hits("duplicate", w.Duplicate) {
		f.Copies = 1
		causes = append(causes, "duplicate "+percentWords(w.Duplicate))
	}
	delay := time.Duration(w.Delay)
	if w.Jitter > 0 {
		delay = max(0, delay+time.Duration((2*roll(s, r, conn, "jitter")-1)*float64(w.Jitter)))
	}
	switch {
	case hits("reorder", w.Reorder):
		f.What = wire.Reordered
		causes = append(causes, "reorder "+percentWords(w.Reorder))
		if w.Delay == 0 && w.Jitter == 0 { // there is no delay to skip
			f.Delay = keptBack
		}
	case delay > 0:
		f.Delay = delay
		causes = append(causes, delayWords(w))
	}
	f.Cause = strings.Join(causes, "; ")
	return f
}

func way(s *wire.Settings, d wire.Direction) *wire.Way {
	if d == wire.In {
		return &s.In
	}
	return &s.Out
}

// roll is a number in [0, 1) that belongs to r and what: the same each time.
func roll(s wire.Settings, r *wire.Record, conn int, what string) float64 {
	return float64(hash(s, r, conn, what)>>11) / (1 << 53)
}

func hash(s wire.Settings, r *wire.Record, conn int, what string) uint64 {
	h := fnv.New64a()
	var b [8]byte
	for _, n := range []uint64{s.Seed, uint64(conn), uint64(r.Ordinal), uint64(r.Attempt)} {
		binary.LittleEndian.PutUint64(b[:], n)
		h.Write(b[:])
	}
	fmt.Fprintf(h, "%s %s %s", r.Dir, r.Class, what)
	// FNV's last bytes hardly reach its high bits; two rounds of mixing (splitmix64's) spread them.
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// damage picks one bit of the packet: of its data, or of the checksum if it has none. So the
// headers stay readable and the packet still reaches the right socket's checksum test.
func damage(s wire.Settings, r *wire.Record, conn int) *wire.Damage {
	at, length := r.Packet.Data.At, r.Packet.Data.Len
	if length == 0 {
		switch h := r.Packet.Header; {
		case r.Packet.TCP != nil:
			at, length = h.At+16, 2
		case r.Packet.ICMP != nil:
			at, length = h.At+2, 2
		case h.Len == 8: // UDP
			at, length = h.At+6, 2
		default:
			return nil
		}
	}
	x := hash(s, r, conn, "damage")
	return &wire.Damage{Offset: at + int(x%uint64(length)), Mask: 1 << (x >> 32 % 8)}
}

// The words of a cause, as people write them: "loss 30 %", "delay 50 ms".
func percentWords(p wire.Percent) string { return strings.TrimSuffix(p.String(), "%") + " %" }

func delayWords(w *wire.Way) string {
	if w.Jitter == 0 {
		return "delay " + timeWords(time.Duration(w.Delay))
	}
	return "delay " + timeWords(time.Duration(w.Delay)) + " ± " + timeWords(time.Duration(w.Jitter))
}

func timeWords(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%g ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%g s", d.Seconds())
}

func rateWords(r wire.Rate) string {
	s := r.String()
	i := strings.IndexFunc(s, func(c rune) bool { return c >= 'a' })
	unit := strings.NewReplacer("m", "M", "g", "G").Replace(s[i:])
	return fmt.Sprintf("rate %s %s/s", s[:i], unit)
}
