package outlet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
)

const words = "(%d left out)"

// What is left out is said in its place: after what was queued, and before the next line.
func TestTheGapIsWhereItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		o := New(w, Options{LeftOut: words})
		defer o.Close()
		defer r.Close()
		long := strings.Repeat("x", 1000)
		const lines = 1000
		for i := range lines { // nobody reads
			fmt.Fprintln(o, i, long)
		}
		in := bufio.NewScanner(r)
		told := 0
		for ; in.Scan() && in.Text() == fmt.Sprint(told, " ", long); told++ {
		}
		if told < maxQueue/1010 || told == lines || in.Text() != fmt.Sprintf(words, lines-told) {
			t.Fatalf("after %d lines: %.40q", told, in.Text())
		}
		synctest.Wait() // the gap is told
		fmt.Fprintln(o, "next")
		if in.Scan(); in.Text() != "next" {
			t.Errorf("after the gap: %.40q", in.Text())
		}
	})
}

func TestBlockedReaderStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe() // nobody reads
		o := New(w, Options{LeftOut: words})
		for range 100_000 {
			fmt.Fprintln(o, "line")
		}
		o.Close() // returns after drainTime
		if _, err := fmt.Fprintln(o, "late"); err != ErrClosed {
			t.Errorf("after Close: %v", err)
		}
		r.Close() // lets the writer end
		<-o.done
	})
}

// count counts its writes, each of which fails with err.
type count struct {
	n   int
	err error
}

func (c *count) Write(p []byte) (int, error) { c.n++; return 0, c.err }

// After EPIPE nothing is written again; after an error that may pass it is.
func TestFailedWrites(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want int
	}{{syscall.EPIPE, 1}, {syscall.ENOSPC, 3}} {
		synctest.Test(t, func(t *testing.T) {
			c := &count{err: tc.err}
			o := New(c, Options{LeftOut: words})
			for range 3 {
				fmt.Fprintln(o, "line")
				synctest.Wait()
			}
			o.Close()
			if c.n != tc.want {
				t.Errorf("%v: %d writes, want %d", tc.err, c.n, tc.want)
			}
		})
	}
}

// full fails until there is room.
type full struct {
	strings.Builder
	room bool
}

func (f *full) Write(p []byte) (int, error) {
	if !f.room {
		return 0, errors.New("no room")
	}
	return f.Builder.Write(p)
}

func TestLinesThatFailedAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(full)
		o := New(f, Options{LeftOut: words})
		fmt.Fprintln(o, "one")
		synctest.Wait()
		f.room = true
		fmt.Fprintln(o, "two")
		o.Close()
		if got := f.String(); got != "two\n(1 left out)\n" {
			t.Errorf("got %q", got)
		}
	})
}
