package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// Everybody pastes at once, and one person takes in nothing. All who read, however slow the network is, get every
// line of all others, in the order in which each said them, and none of them is disconnected.
func TestNobodyWhoReadsIsLost(t *testing.T) {
	for _, tc := range []struct{ people, lines, bytes int }{
		{2, 5000, 1000}, {10, 500, 100}, {10, 1000, 1000}, {50, 20, 1000}, {100, 20, 300}, {100, 20, 1000}, {300, 10, 100},
	} {
		t.Run(fmt.Sprintf("%d people, %d lines of %d bytes", tc.people, tc.lines, tc.bytes), func(t *testing.T) {
			bubble(t, testConfig(), func(s *server, come func() net.Conn) {
				silent := come()
				fill := strings.Repeat("x", tc.bytes)
				var all, here, rest sync.WaitGroup
				var conns []net.Conn
				here.Add(1)
				for i := range tc.people {
					conn := come()
					all.Go(func() {
						here.Wait()
						var paste bytes.Buffer
						for n := range tc.lines {
							fmt.Fprintf(&paste, "%d %s\n", n, fill)
						}
						if _, err := paste.WriteTo(conn); err != nil {
							t.Errorf("person %d: %v", i, err)
						}
					})
					all.Go(func() {
						next, in := make(map[string]int), bufio.NewReader(slowly{conn})
						for heard := 0; heard < (tc.people-1)*tc.lines; {
							line, err := in.ReadString('\n')
							if err != nil {
								t.Errorf("person %d heard %d lines, then %v", i, heard, err)
								return
							}
							name, said, ok := strings.Cut(line, ": ")
							if !ok || strings.HasPrefix(line, "* ") {
								continue // a notice
							}
							if want := fmt.Sprintf("%d %s\n", next[name], fill); said != want {
								t.Errorf("person %d: %.20q of %s, want line %d", i, said, name, next[name])
								return
							}
							next[name]++
							heard++
						}
						rest.Go(func() { io.Copy(io.Discard, conn) })
					})
					conns = append(conns, conn)
				}
				here.Done()
				all.Wait()
				time.Sleep(2 * takeTimeout)
				if n := testutil.ToFloat64(s.counts.visits.WithLabelValues("not_reading")); n != 1 {
					t.Errorf("%v were disconnected, want 1, who is silent", n)
				}
				for _, conn := range append(conns, silent) {
					conn.Close()
				}
				rest.Wait()
			})
		})
	}
}

// slowly reads 64 KiB a second.
type slowly struct{ io.Reader }

func (r slowly) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	time.Sleep(time.Duration(n) * time.Second >> 16)
	return n, err
}

// While the backlog is full, those who talk wait, and what waits stays bounded. Who takes in nothing by then holds
// them up for hurryTimeout at most. Who reads, however slowly, loses nothing.
func TestTalkersWaitForReaders(t *testing.T) {
	cfg := testConfig()
	bubble(t, cfg, func(s *server, come func() net.Conn) {
		talker, silent, slow := come(), come(), come()
		go io.Copy(io.Discard, talker)
		const lines = 3 * maxBacklog / 1000
		line := strings.Repeat("x", 990) + "\n"
		talked := make(chan time.Duration)
		go func() {
			began := time.Now()
			for range lines {
				if _, err := io.WriteString(talker, line); err != nil {
					t.Error(err)
				}
			}
			talked <- time.Since(began)
		}()
		heard := make(chan int)
		go func() { // 64 KiB in each second
			n, in := 0, bufio.NewReaderSize(slow, 64<<10)
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					heard <- n
					return
				}
				if strings.HasPrefix(line, "guest-1: ") {
					if n++; n%64 == 0 {
						time.Sleep(time.Second)
					}
				}
			}
		}()
		most := int64(0)
		var took time.Duration
		for took == 0 {
			select {
			case took = <-talked:
			case <-time.After(time.Second):
				s.room.await(s.room.todo, func() {
					s.room.backlog.isFull(s.room.readers)
					most = max(most, s.room.backlog.head-s.room.backlog.slowest)
				})
			}
		}
		if most > maxBacklog+4*maxRound || most < maxBacklog-4*maxRound {
			t.Errorf("%d bytes waited, want %d", most, maxBacklog)
		}
		// Without the one who is silent, slow takes lines/64 s for all, less what may wait for it in the end.
		if most := time.Duration(lines/64)*time.Second + hurryTimeout; took > most {
			t.Errorf("the talker took %v, want %v at most", took, most)
		}
		if got, err := io.ReadAll(silent); err == nil && len(got) > 0 {
			t.Errorf("the silent one got %d bytes, and no end", len(got))
		}
		talker.Close()
		time.Sleep(time.Duration(lines/64) * time.Second)
		slow.Close()
		if n := <-heard; n != lines {
			t.Errorf("the slow one heard %d lines of %d", n, lines)
		}
		if n := testutil.ToFloat64(s.counts.visits.WithLabelValues("not_reading")); n != 1 {
			t.Errorf("%v were disconnected, want 1", n)
		}
	})
}
