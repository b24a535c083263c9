package transcript

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"netlab.example/pkg/language"
)

// writes records each Write apart.
type writes struct {
	mu   sync.Mutex
	each []string
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.each = append(w.each, string(p))
	return len(p), nil
}

func TestOneWriteForEachLine(t *testing.T) {
	var w writes
	tr := New(&w, language.English)
	tr.Printf("one %d", 1)
	tr.Printf("two")
	tr.Close()
	tr.Printf("after Close: nothing")
	if got := fmt.Sprintf("%q", w.each); got != `["one 1\n" "two\n"]` {
		t.Errorf("got %s", got)
	}
}

func TestNilTellsNothing(t *testing.T) {
	var tr *Transcript
	tr.Printf("nobody hears this")
	tr.Close()
}

func TestFloodIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writes
		tr := New(&w, language.English)
		const told = 10_000
		for i := range told {
			tr.Printf("line %d", i)
			synctest.Wait() // the writer keeps up: only the budget limits
		}
		time.Sleep(2 * time.Second) // in the bubble's time: the count is said though no line follows
		tr.Close()
		all := strings.Join(w.each, "")
		lines := strings.Count(all, "line ")
		left := 0
		for _, m := range regexp.MustCompile(`\((\d+) lines left out\)`).FindAllStringSubmatch(all, -1) {
			n, _ := strconv.Atoi(m[1])
			left += n
		}
		if lines != burstLines || lines+left != told {
			t.Errorf("%d written + %d left out, want %d in all and %d written", lines, left, told, burstLines)
		}
	})
}

func TestBlockedReaderStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe() // nobody reads
		tr := New(w, language.Chinese)
		for range 2 * queueLines {
			tr.Printf("line")
		}
		tr.Close() // returns after closeWait
		r.Close()  // lets the writer end
		<-tr.done
	})
}

func TestClosedReader(t *testing.T) {
	tr := New(broken{}, language.Chinese)
	for range 3 * queueLines {
		tr.Printf("line")
	}
	tr.Close()
	<-tr.done
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestNoteIsNotLostInAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writes
		tr := New(&w, language.English)
		for range 2 * burstLines {
			tr.Printf("line")
			synctest.Wait()
		}
		tr.Notef("guest-1 was disconnected")
		tr.Close()
		if last := w.each[len(w.each)-1]; last != fmt.Sprintf("... (%d lines left out)\nguest-1 was disconnected\n", burstLines) {
			t.Errorf("got %q", last)
		}
	})
}

// Nobody reads for a while, and a second goes by: what was left out is said behind what was told before it.
func TestTheGapIsWhereItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		tr := New(w, language.English)
		defer tr.Close()
		defer r.Close()
		for i := range 2 * queueLines {
			tr.Printf("line %d", i)
			synctest.Wait() // the writer has the first in its hands
		}
		time.Sleep(1500 * time.Millisecond)
		in := bufio.NewScanner(r)
		for i := range queueLines + 1 {
			if in.Scan(); in.Text() != fmt.Sprintf("line %d", i) {
				t.Fatalf("got %q in place of line %d", in.Text(), i)
			}
		}
		if in.Scan(); in.Text() != fmt.Sprintf("... (%d lines left out)", queueLines-1) {
			t.Errorf("got %q", in.Text())
		}
	})
}

// In a flood that goes on, the lines that are told stand together, with one gap a second between them.
func TestOneGapASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writes
		tr := New(&w, language.English)
		for range 3500 { // 3.5 s, 10 lines each millisecond
			for range 10 {
				tr.Printf("line")
				synctest.Wait()
			}
			time.Sleep(time.Millisecond)
		}
		tr.Close()
		all := strings.Join(w.each, "")
		gaps, lines := strings.Count(all, "left out"), strings.Count(all, "line\n")
		if gaps != 4 || lines != burstLines+3*linesPerSec {
			t.Errorf("%d gaps, %d lines", gaps, lines)
		}
	})
}
