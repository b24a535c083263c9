package record

import (
	"context"
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
	l := NewLog(1000, 3*(overhead+100))
	for range 10 {
		l.Append(&wire.Record{Raw: make([]byte, 100)})
	}
	if m := l.Memory(); m.First != 8 || m.Bytes != 3*(overhead+100) {
		t.Errorf("%+v", m)
	}
	l.Append(&wire.Record{Raw: make([]byte, 1<<16)}) // the newest is kept, however long
	if m := l.Memory(); m.First != 11 || m.Last != 11 {
		t.Errorf("%+v", m)
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
			for last := 0; ; {
				records, missed, err := l.Follow(ctx, last, 10)
				if err != nil {
					return
				}
				if missed > 0 {
					got <- -missed
				}
				for _, r := range records {
					got <- r.ID
					last = r.ID
				}
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
