package record

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"

	"netlab.example/pkg/wire"
)

func ids(records []*wire.Record) (ids []int) {
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return ids
}

func equal(a []int, b ...int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestLogSince(t *testing.T) {
	l := NewLog(3, 1<<20)
	for want := 1; want <= 5; want++ {
		if next := l.Next(); next != want {
			t.Errorf("next %d, want %d", next, want)
		}
		l.Append(&wire.Record{})
	}
	for _, tc := range []struct {
		since, limit, missed int
		want                 []int
	}{
		{0, 10, 2, []int{3, 4, 5}},
		{1, 10, 1, []int{3, 4, 5}},
		{2, 10, 0, []int{3, 4, 5}},
		{3, 1, 0, []int{4}},
		{5, 10, 0, nil},
		{99, 10, 0, nil},
		{-1, 1, 2, []int{3}},
		{0, -1, 2, nil},
	} {
		records, missed := l.Since(tc.since, tc.limit)
		if !equal(ids(records), tc.want...) || missed != tc.missed {
			t.Errorf("since %d, at most %d: %v, missed %d; want %v, %d", tc.since, tc.limit, ids(records), missed, tc.want, tc.missed)
		}
	}
	if m := l.Memory(); m.First != 3 || m.Last != 5 || m.Forgotten != 2 {
		t.Errorf("%+v", m)
	}
}

func TestLogBytes(t *testing.T) {
	one := size(&wire.Record{Raw: make([]byte, 100)})
	l := NewLog(1000, 3*one)
	for range 10 {
		l.Append(&wire.Record{Raw: make([]byte, 100)})
	}
	if m := l.Memory(); m.First != 8 || m.Bytes != 3*one {
		t.Errorf("%+v", m)
	}
	l.Append(&wire.Record{Raw: make([]byte, 1<<16)}) // the newest is kept, however long
	if m := l.Memory(); m.First != 11 || m.Last != 11 {
		t.Errorf("%+v", m)
	}
}

// TestLogMemory: what the log says that it holds is what it takes of the heap, and it stays below its bound.
func TestLogMemory(t *testing.T) {
	const most = 16 << 20
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	scale := uint8(7)
	for _, data := range []int{0, 40, 1460} {
		before := heap()
		l := NewLog(1<<20, most)
		for i := range 100_000 {
			l.Append(&wire.Record{
				Raw:    bytes.Clone(make([]byte, 52+data)),
				Fate:   wire.Fate{What: wire.Delayed, Cause: fmt.Sprintf("delay %d ms", i%1000)},
				Packet: wire.Packet{Version: 4, TCP: &wire.TCP{Timestamp: &wire.Timestamp{Value: uint32(i)}, WindowScale: &scale}},
			})
		}
		held, says := heap()-before, l.Memory()
		if says.Bytes > most || held > says.Bytes*11/10 || held < says.Bytes*8/10 {
			t.Errorf("%d bytes of data: %d KiB of the heap; it says %d KiB of at most %d", data, held>>10, says.Bytes>>10, most>>10)
		}
		l.Shrink()
		if m := l.Memory(); m.Bytes > says.Bytes/2 || heap()-before > held*6/10 || m.Last != says.Last {
			t.Errorf("after Shrink it holds %d KiB and says %+v", (heap()-before)>>10, m)
		}
	}
}

// TestChanges: a change stands after the records that were there before it, wherever a reader begins.
func TestChanges(t *testing.T) {
	l := NewLog(4, 1<<20)
	tell := func(line string) { l.Tell(wire.ChangeLink, line, "test") }
	tell("a")
	l.Append(&wire.Record{})
	l.Append(&wire.Record{})
	tell("b")
	tell("c")
	l.Append(&wire.Record{})
	tell("d")
	story := func(since, limit int) (story string) {
		for p := l.After(since); ; {
			events, next := l.Events(p, limit)
			for _, e := range events {
				switch {
				case e.Record != nil:
					story += fmt.Sprint(e.Record.ID)
				case e.Change != nil:
					story += e.Change.Line
				default:
					story += fmt.Sprintf("-%d ", e.Missed)
				}
			}
			if len(events) == 0 {
				return story
			}
			p = next
		}
	}
	for limit := 1; limit < 5; limit++ {
		for since, want := range []string{"a12bc3d", "2bc3d", "bc3d", "d"} {
			if got := story(since, limit); got != want {
				t.Errorf("since %d, %d at a time: %s, want %s", since, limit, got, want)
			}
		}
	}
	for range 3 {
		l.Append(&wire.Record{})
	}
	if got := story(0, 1); got != "-2 abc3d456" {
		t.Errorf("after two were forgotten: %s", got)
	}
	for i := range 3 * maxChanges {
		tell(fmt.Sprint(i))
	}
	if n := len(l.changes); n > maxChanges {
		t.Errorf("%d changes are remembered", n)
	}
	l.Forget()
	if got := story(0, 1); got != "-6 " || l.Next() != 7 {
		t.Errorf("after Forget: %q, next %d", got, l.Next())
	}
}

func TestLogFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLog(2, 1<<20)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		got := make(chan int)
		go func() {
			defer close(got)
			for p := (Place{}); ; {
				events, next, err := l.Follow(ctx, p, 10)
				if err != nil {
					return
				}
				for _, e := range events {
					if e.Record == nil {
						got <- -e.Missed
					} else {
						got <- e.Record.ID
					}
				}
				p = next
			}
		}()
		synctest.Wait() // the reader waits
		l.Append(&wire.Record{})
		if id := <-got; id != 1 {
			t.Errorf("%d, want 1", id)
		}
		synctest.Wait()
		for range 5 { // more than the log keeps, before the reader is back
			l.Append(&wire.Record{})
		}
		var rest []int
		for id := range got {
			if rest = append(rest, id); id == 6 {
				cancel()
			}
		}
		// Where the reader was woken decides what it missed; but nothing is out of order, and the sum is right.
		last := 1
		for _, id := range rest {
			if id < 0 {
				last -= id
			} else if last++; id != last {
				t.Errorf("out of order: %v", rest)
			}
		}
		if last != 6 {
			t.Errorf("ended at %d: %v", last, rest)
		}
	})
}
