//go:build linux

package load

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

const short = 50 * time.Millisecond

func TestHistogram(t *testing.T) {
	var h Histogram
	for i := 1; i <= 1000; i++ {
		h.Add(time.Duration(i)*time.Microsecond, 1)
	}
	for q, want := range map[float64]time.Duration{0: time.Microsecond, 0.5: 501 * time.Microsecond, 0.99: 991 * time.Microsecond} {
		if got := h.Quantile(q); got < want || got > want*107/100 {
			t.Errorf("quantile %v: got %v, want %v or up to 7 %% more", q, got, want)
		}
	}
	if got := new(Histogram).Quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	h.Add(0, 1)
	h.Add(24*time.Hour, 1)
}

func TestOnLoopbackOnly(t *testing.T) {
	for _, a := range []string{"192.0.2.1:80", "[::1]:80"} {
		if _, err := (Hello{Addr: netip.MustParseAddrPort(a)}).Run(); err == nil {
			t.Errorf("%s was asked", a)
		}
	}
}

// serve answers each connection by what answer returns, and closes it.
func serve(t *testing.T, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { ln.Close(); all.Wait() })
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				handle(conn)
			})
		}
	})
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

func TestHelloCounts(t *testing.T) {
	for answer, look := range map[string]func(*Outcome) bool{
		"the answer": func(o *Outcome) bool { return o.Answers > 0 && o.Wrong+o.Failed == 0 },
		"another":    func(o *Outcome) bool { return o.Wrong > 0 && o.Answers+o.Failed == 0 },
		"":           func(o *Outcome) bool { return o.Failed > 0 && o.Answers+o.Wrong == 0 },
	} {
		addr := serve(t, func(conn net.Conn) {
			conn.Read(make([]byte, 100))
			io.WriteString(conn, answer)
		})
		out, err := Hello{Addr: addr, Request: "hello", Want: "answer", AtOnce: 4, Threads: 2, How: short}.Run()
		if err != nil || !look(out) {
			t.Errorf("%q: %d answers, %d wrong, %d failed, %v", answer, out.Answers, out.Wrong, out.Failed, err)
		}
	}
}

func TestCelsiusAndFahrenheit(t *testing.T) {
	for tenths, want := range map[int]string{0: "0 32", 366: "36.6 97.88", 370: "37 98.6", 1000: "100 212", 4095: "409.5 769.1"} {
		if got := celsius(tenths) + " " + fahrenheit(tenths); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestTempCounts(t *testing.T) {
	right := make(map[string]string)
	for i := range tempQuestions {
		right[celsius(i)] = "F:" + fahrenheit(i)
	}
	for name, tc := range map[string]struct {
		answer func(string) []string
		look   func(*Outcome) bool
	}{
		"right":     {func(q string) []string { return []string{right[q]} }, func(o *Outcome) bool { return o.Answers > 0 && o.Wrong == 0 }},
		"twice":     {func(q string) []string { return []string{right[q], right[q]} }, func(o *Outcome) bool { return o.Wrong > 0 }},
		"another's": {func(string) []string { return []string{"F:32"} }, func(o *Outcome) bool { return o.Wrong > 0 && o.Answers <= 1 }},
		"unmarked":  {func(q string) []string { return []string{right[q][2:]} }, func(o *Outcome) bool { return o.Wrong > 0 && o.Answers == 0 }},
	} {
		conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			buf := make([]byte, 100)
			for {
				n, from, err := conn.ReadFrom(buf)
				if err != nil {
					return
				}
				for _, a := range tc.answer(string(buf[:n])) {
					conn.WriteTo([]byte(a), from)
				}
			}
		}()
		out, err := Temp{Addr: conn.LocalAddr().(*net.UDPAddr).AddrPort(), Prefix: "F:", How: short}.Run()
		if err != nil || !tc.look(out) {
			t.Errorf("%s: %d answers, %d wrong, %d failed, %v", name, out.Answers, out.Wrong, out.Failed, err)
		}
		conn.Close()
		<-done
	}
}

// broker greets people and gives everyone's lines to all others, as change has it.
func broker(t *testing.T, change func(line string, hearer int) string) netip.AddrPort {
	var mu sync.Mutex
	var people []net.Conn
	return serve(t, func(conn net.Conn) {
		mu.Lock()
		people = append(people, conn)
		mu.Unlock()
		fmt.Fprintln(conn, "* welcome")
		for in := bufio.NewScanner(conn); in.Scan(); {
			mu.Lock()
			for i, p := range people {
				if p != conn {
					io.WriteString(p, change(in.Text()+"\n", i))
				}
			}
			mu.Unlock()
		}
	})
}

func TestTalkCounts(t *testing.T) {
	patience := chatPatience
	chatPatience = time.Second
	defer func() { chatPatience = patience }()
	held := make(map[int]string)
	for name, tc := range map[string]struct {
		change func(string, int) string
		look   func(*Heard) bool
	}{
		"well":  {func(l string, _ int) string { return "name: " + l }, func(h *Heard) bool { return h.Lost+h.Disordered == 0 }},
		"twice": {func(l string, _ int) string { return l + l }, func(h *Heard) bool { return h.Disordered > 0 }},
		"swapped": {func(l string, i int) string {
			if i != 2 || strings.HasSuffix(l, "0000000000\n") {
				return l
			}
			last := held[i]
			if held[i] = ""; last == "" {
				held[i] = l
			}
			return l[:len(l)*min(len(last), 1)] + last
		}, func(h *Heard) bool { return h.Disordered > 0 }},
		"a line lost": {func(l string, i int) string {
			if i == 2 && strings.HasSuffix(l, "3\n") {
				return ""
			}
			return l
		}, func(h *Heard) bool { return h.Lost > 0 && h.Disordered > 0 }},
		"shortened": {func(l string, _ int) string { return l[10:] }, func(h *Heard) bool { return h.Disordered > 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			crowd, err := NewCrowd(broker(t, tc.change))
			if err != nil {
				t.Fatal(err)
			}
			defer crowd.Close()
			if err := crowd.Grow(4, true, nil, 10*time.Second); err != nil {
				t.Fatal(err)
			}
			for _, talkers := range []int{1, 2} {
				h, err := crowd.Talk(Talk{Talkers: talkers, Size: 64, Underway: 8, How: short})
				if err != nil || h.Said == 0 || !tc.look(h) {
					t.Fatalf("%d talking: %+v, %v", talkers, h, err)
				}
			}
		})
	}
}
