package link

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"netlab.example/pkg/wire/record"
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
func (s Settings) chance(r *record.Record, conn int) record.Fate {
	w := s.way(r.Dir)
	hits := func(what string, p Percent) bool {
		return p > 0 && s.roll(r, conn, what)*100 < float64(p)
	}
	if hits("loss", w.Loss) {
		return record.Fate{What: record.Dropped, Cause: "loss " + w.Loss.words()}
	}
	var f record.Fate
	var causes []string
	if hits("corrupt", w.Corrupt) {
		if f.Damage = s.damage(r, conn); f.Damage != nil {
			causes = append(causes, "corrupt "+w.Corrupt.words())
		}
	}
	if hits("duplicate", w.Duplicate) {
		f.Copies = 1
		causes = append(causes, "duplicate "+w.Duplicate.words())
	}
	delay := time.Duration(w.Delay)
	if w.Jitter > 0 {
		delay = max(0, delay+time.Duration((2*s.roll(r, conn, "jitter")-1)*float64(w.Jitter)))
	}
	switch {
	case hits("reorder", w.Reorder):
		f.What = record.Reordered
		causes = append(causes, "reorder "+w.Reorder.words())
		if w.Delay == 0 && w.Jitter == 0 { // there is no delay to skip
			f.Delay = keptBack
		}
	case delay > 0:
		f.Delay = delay
		causes = append(causes, w.delayWords())
	}
	f.Cause = strings.Join(causes, "; ")
	f.What = f.Word()
	return f
}

func (s Settings) way(d record.Direction) *Way {
	if d == record.In {
		return &s.In
	}
	return &s.Out
}

// roll is a number in [0, 1) that belongs to r and what: the same each time.
func (s Settings) roll(r *record.Record, conn int, what string) float64 {
	return float64(s.hash(r, conn, what)>>11) / (1 << 53)
}

func (s Settings) hash(r *record.Record, conn int, what string) uint64 {
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

// damage picks one bit of the packet: of its data, or, where it has none, of the checksum. So the
// headers stay readable and the packet still reaches the right socket's checksum test.
func (s Settings) damage(r *record.Record, conn int) *record.Damage {
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
	x := s.hash(r, conn, "damage")
	return &record.Damage{Offset: at + int(x%uint64(length)), Mask: 1 << (x >> 32 % 8)}
}

// The words of a cause, as people write them: "loss 30 %", "delay 50 ms".
func (p Percent) words() string { return strings.TrimSuffix(p.String(), "%") + " %" }

func (w *Way) delayWords() string {
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

func (r Rate) words() string {
	s := r.String()
	i := strings.IndexFunc(s, func(c rune) bool { return c >= 'a' })
	unit := strings.NewReplacer("m", "M", "g", "G").Replace(s[i:])
	return fmt.Sprintf("rate %s %s/s", s[:i], unit)
}
