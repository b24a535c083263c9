package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Whatever pieces somebody takes, they get all that is for them, once and in order; a bare person line by line.
func TestPlacesInPages(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	people := []*person{{}, {}, {}}
	people[2].bare.Store(true)
	for range 200 {
		first := new(page)
		last := first
		want := make([]string, len(people))
		for n := range 1 + random.IntN(10) {
			if n > 0 && random.IntN(3) == 0 {
				last.next = new(page)
				last = last.next
			}
			lines := strings.Repeat(fmt.Sprintf("line %d\n", n), 1+random.IntN(3))
			var from, to *person
			switch random.IntN(4) {
			case 0:
				from = people[random.IntN(len(people))]
			case 1:
				to = people[random.IntN(len(people))]
			}
			last.add(from, to, []byte(lines))
			for i, p := range people {
				if from != p && (to == nil || to == p) {
					want[i] += lines
				}
			}
		}
		for i, p := range people {
			at, end, got := place{page: first}, place{page: last, at: len(last.lines)}, ""
			for {
				piece := at.read(p, end)
				if len(piece) == 0 {
					break
				}
				n := 1 + random.IntN(len(piece))
				got += string(piece[:n])
				at.skip(p, end, n)
			}
			if p.bare.Load() {
				want[i] = strings.ReplaceAll(want[i], "\n", "")
			}
			if got != want[i] {
				t.Fatalf("person %d got %q, want %q", i, got, want[i])
			}
		}
	}
}

// What waits for many who do not read exists once; who has been sent away, or is up to date, does not count.
func TestTheBacklogIsCountedOnce(t *testing.T) {
	bubble(t, testConfig(), func(s *server, come func() net.Conn) {
		ann := come()
		for range 50 {
			come() // and read nothing
		}
		go io.Copy(io.Discard, ann)
		line := strings.Repeat("x", 1000) + "\n"
		for range 100 {
			io.WriteString(ann, line)
		}
		synctest.Wait()
		var waits int64
		s.room.await(s.room.todo, func() {
			s.room.backlog.slowest = -maxBacklog // have it looked at
			s.room.backlog.isFull(s.room.readers)
			waits = s.room.backlog.head - s.room.backlog.slowest
		})
		if waits < 100*1000 || waits > 2*100*1100 {
			t.Errorf("%d bytes wait, want those of 100 lines, once", waits)
		}
		time.Sleep(3 * takeTimeout) // they are sent away
		s.room.await(s.room.todo, func() {
			s.room.backlog.slowest = -maxBacklog
			s.room.backlog.isFull(s.room.readers)
			waits = s.room.backlog.head - s.room.backlog.slowest
		})
		if n := s.room.backlog.behind.Load(); n != 0 || waits != 0 {
			t.Errorf("%d bytes wait for %d, though all are gone", waits, n)
		}
		ann.Close()
	})
}
