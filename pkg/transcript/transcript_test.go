package transcript

import (
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
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

func TestLinesInOrder(t *testing.T) {
	var w writes
	tr := New(&w, language.English)
	tr.Printf("one %d", 1)
	tr.Tell(func() string { return "two" })
	tr.Close()
	tr.Printf("after Close: nothing")
	if got := strings.Join(w.each, ""); got != "one 1\ntwo\n" {
		t.Errorf("got %q", got)
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

// What is not written is not worked out either.
func TestTellCallsOnlyForALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := New(new(writes), language.English)
		defer tr.Close()
		called := 0
		for range 3 * burstLines {
			tr.Tell(func() string { called++; return "line" })
		}
		if called != burstLines {
			t.Errorf("called %d times, want %d", called, burstLines)
		}
		if n := testing.AllocsPerRun(100, func() { tr.Tell(func() string { called++; return "line" }) }); n != 0 {
			t.Errorf("%v allocations for a line that is left out", n)
		}
	})
}

// On a terminal a line of the transcript stands where it was told, among what else is shown there.
func TestOnKeepsTheOrder(t *testing.T) {
	var screen strings.Builder
	tr := On(&screen, language.English)
	tr.Printf("somebody came")
	screen.WriteString("hello\n")
	tr.Printf("somebody left")
	tr.Close()
	if got := screen.String(); got != "somebody came\nhello\nsomebody left\n" {
		t.Errorf("got %q", got)
	}
}

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
		want := fmt.Sprintf("... (%d lines left out)\nguest-1 was disconnected\n", burstLines)
		if all := strings.Join(w.each, ""); !strings.HasSuffix(all, want) {
			t.Errorf("got %q", all[len(all)-100:])
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

// What a line costs that is left out: with the words worked out before, and with a function that is not called.
func BenchmarkLeftOut(b *testing.B) {
	from := netip.MustParseAddrPort("127.0.0.1:1314")
	data := []byte("36.6")
	tr := New(io.Discard, language.English)
	defer tr.Close()
	for range burstLines {
		tr.Printf("")
	}
	b.Run("Printf", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			tr.Printf("from %s: %s", from, string(data))
		}
	})
	b.Run("Tell", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			tr.Tell(func() string { return fmt.Sprintf("from %s: %s", from, string(data)) })
		}
	})
}
