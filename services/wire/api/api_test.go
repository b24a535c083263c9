package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/pcapgo"

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/record"
	"netlab.example/pkg/wire/trace"
	"netlab.example/services/wire/engine"
	"netlab.example/services/wire/link"
)

// bench is a link without an engine.
type bench struct {
	*link.Link
	watching bool
}

func (b *bench) Status() wire.Status {
	return wire.Status{Mechanism: wire.Native, Impairs: !b.watching, Changed: []string{}, Limits: []wire.Limit{{Code: wire.NoLinkLayer, Why: "it is below"}}}
}

func (b *bench) Do(s wire.Scenario, by string) ([]wire.Fault, error) {
	if b.watching {
		return nil, engine.ErrWatchingOnly
	}
	return b.Link.Do(s, by)
}

func (b *bench) Reset(by string) error {
	_, err := b.Do(wire.Scenario{Link: []wire.Step{{Line: "clear"}}}, by)
	return err
}

// lab is a server under test, with a client.
type lab struct {
	*Server
	*wire.Client
	wire *bench
	addr string
}

func start(t *testing.T, keep int) *lab {
	t.Helper()
	b := &bench{Link: &link.Link{}}
	s := &Server{Wire: b, Link: b.Link, Log: record.NewLog(keep, 1<<30), Tracker: trace.New(), Service: wire.Service{Proto: wire.ProtoTCP, Port: 1}}
	lns, err := s.Start(t.Context(), "tcp://127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	addr := lns[0].Addr().String()
	c, err := wire.NewClient("tcp://"+addr, "a test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &lab{s, c, b, addr}
}

// add puts records on the list.
func (l *lab) add(n, size int) {
	for range n {
		l.Log.Append(&wire.Record{Conn: 1 + l.Log.Next()%2, Dir: wire.In, Time: time.Unix(0, 1).UTC(), Raw: bytes.Repeat([]byte{0x45}, size),
			Client: netip.MustParseAddrPort("10.0.0.1:5"), Fate: wire.Fate{What: wire.Delivered}})
	}
}

func ids(rs []*wire.Record) string {
	var s []string
	for _, r := range rs {
		s = append(s, fmt.Sprint(r.ID))
	}
	return strings.Join(s, " ")
}

func TestRecords(t *testing.T) {
	l := start(t, 6)
	l.add(10, 20) // 1 to 4 are forgotten
	for _, tc := range []struct {
		q    wire.Query
		want string
	}{
		{wire.Query{}, "5 6 7 8 9 10, missed 4, next 10"},
		{wire.Query{Since: 7}, "8 9 10, missed 0, next 10"},
		{wire.Query{Since: -2}, "9 10, missed 0, next 10"},
		{wire.Query{Since: -50}, "5 6 7 8 9 10, missed 4, next 10"},
		{wire.Query{Since: 10}, ", missed 0, next 10"},
		{wire.Query{Since: 99}, ", missed 0, next 10"},
		{wire.Query{Conn: 2}, "5 7 9, missed 4, next 10"},
	} {
		p, err := l.Records(t.Context(), tc.q)
		if got := fmt.Sprintf("%s, missed %d, next %d", ids(p.Records), p.Missed, p.Next); got != tc.want || err != nil {
			t.Errorf("%+v: got %s, %v; want %s", tc.q, got, err, tc.want)
		}
	}
}

func TestPagesAreBounded(t *testing.T) {
	l := start(t, 5000)
	l.add(2500, 10)
	l.add(100, 64<<10)
	var all []*wire.Record
	for since, pages := 0, 0; ; pages++ {
		p, err := l.Records(t.Context(), wire.Query{Since: since})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Records) == 0 {
			if pages < 5 {
				t.Errorf("%d pages: too long ones", pages)
			}
			break
		}
		all, since = append(all, p.Records...), p.Next
	}
	if len(all) != 2600 || all[2599].ID != 2600 {
		t.Errorf("got %d records", len(all))
	}
}

// TestRoundTrip: nothing of a record is lost on its way through JSON.
func TestRoundTrip(t *testing.T) {
	l := start(t, 10)
	scale := uint8(7)
	want := &wire.Record{Time: time.Now().UTC().Round(0), Dir: wire.Out, Conn: 3, Client: netip.MustParseAddrPort("[fd00::1]:5"), Server: netip.MustParseAddrPort("10.0.0.2:8080"),
		Begins: true, Ends: true, Seq: 1, Ack: 2, Class: wire.ClassData, Ordinal: 4, Attempt: 5,
		Fate:  wire.Fate{What: wire.Corrupted, Cause: "corrupt 1 %", Delay: 5, Copies: 1, Damage: &wire.Damage{Offset: 3, Mask: 8}, Fault: 9},
		Label: wire.Label{Kind: wire.KindRetransmission, Of: 1, By: wire.ByTLP, Why: wire.WhyAbort, Half: true, Nth: 2},
		Packet: wire.Packet{Version: 6, Proto: wire.ProtoTCP, TTL: 64, Length: 99, Header: wire.Span{At: 40, Len: 20}, Problem: "none", Fragment: &wire.Fragment{ID: 1, Offset: 8, More: true},
			ICMP: &wire.ICMP{Type: 3, Quote: &wire.Quote{Proto: wire.ProtoUDP}},
			TCP:  &wire.TCP{Flags: wire.SYN | wire.ECE, SACK: []wire.SeqRange{{From: 1, To: 2}}, WindowScale: &scale, Timestamp: &wire.Timestamp{Value: 1}}},
		Raw: []byte("\x00\xff")}
	l.Log.Append(want)
	p, err := l.Packet(t.Context(), 1)
	if err != nil || !reflect.DeepEqual(p.Record, want) {
		t.Errorf("got %+v, %v\nwant %+v", p.Record, err, want)
	}
	for _, tc := range []struct {
		id     int
		status int
	}{{2, 404}, {0, 400}, {-1, 400}} {
		_, err := l.Packet(t.Context(), tc.id)
		if e, ok := errors.AsType[*wire.Error](err); !ok || e.Status != tc.status {
			t.Errorf("packet %d: %v", tc.id, err)
		}
	}
}

func TestFollow(t *testing.T) {
	l := start(t, 100)
	l.add(3, 20)
	got := make(chan string)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- l.Client.Follow(ctx, wire.Query{Since: 1}, func(e wire.Event) error {
			got <- fmt.Sprint(e.Record.ID)
			return nil
		})
	}()
	expect := func(want ...string) {
		t.Helper()
		for _, w := range want {
			select {
			case g := <-got:
				if g != w {
					t.Errorf("got %s, want %s", g, w)
				}
			case <-time.After(labtest.Patience):
				t.Fatalf("no %s", w)
			}
		}
	}
	expect("2", "3")
	l.add(2, 20)
	expect("4", "5")
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Errorf("ended with %v", err)
	}
}

// TestFollowOutlivesARequest: a follower may be silent for longer than any request may take.
func TestFollowOutlivesARequest(t *testing.T) {
	const short = 50 * time.Millisecond
	s := &Server{Wire: &bench{}, Log: record.NewLog(10, 1<<20), timeout: short}
	lns, err := s.Start(t.Context(), "tcp://127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := wire.NewClient("tcp://"+lns[0].Addr().String(), "a test")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l := &lab{Server: s}
	l.add(1, 20)
	err = c.Follow(t.Context(), wire.Query{}, func(e wire.Event) error {
		if e.Record.ID == 2 {
			return io.EOF
		}
		time.AfterFunc(4*short, func() { l.add(1, 20) })
		return nil
	})
	if err != io.EOF {
		t.Errorf("ended with %v", err)
	}
}

// TestSlowFollower does not read for a while, during which more is forgotten than any buffer can hold.
func TestSlowFollower(t *testing.T) {
	l := start(t, 50)
	wait, go_on := make(chan bool), make(chan bool)
	var missed, seen, last int
	done := make(chan error, 1)
	go func() {
		done <- l.Client.Follow(t.Context(), wire.Query{}, func(e wire.Event) error {
			if missed += e.Missed; e.Record != nil {
				if seen++; seen == 1 {
					wait <- true
					<-go_on
				}
				if last = e.Record.ID; last == 501 {
					return io.EOF
				}
			}
			return nil
		})
	}()
	l.add(1, 20)
	<-wait
	l.add(500, 60<<10) // 40 MB as text, more than the sockets' buffers
	close(go_on)
	if err := <-done; err != io.EOF {
		t.Fatal(err)
	}
	if missed == 0 || missed+seen != 501 {
		t.Errorf("missed %d, seen %d: these are not all", missed, seen)
	}
}

func TestEvents(t *testing.T) {
	l := start(t, 2)
	l.add(5, 20)
	req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://"+l.addr+"/records/follow", nil)
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Last-Event-ID", "1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if ct := resp.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Errorf("type %q", ct)
	}
	in := bufio.NewReader(resp.Body)
	for _, want := range []string{"event: missed", `data: {"missed":2}`, "", "id: 4", "event: record", `data: {"id":4,`, "", "id: 5"} {
		line, err := in.ReadString('\n')
		if line = strings.TrimSuffix(line, "\n"); err != nil || !strings.HasPrefix(line, want) || want == "" && line != "" {
			t.Fatalf("got %q, %v; want %q", line, err, want)
		}
	}
}

func TestStopEndsFollowers(t *testing.T) {
	l := start(t, 10)
	l.add(1, 20)
	err := l.Client.Follow(t.Context(), wire.Query{}, func(wire.Event) error {
		l.Server.Close()
		return nil
	})
	if err != wire.ErrEnded {
		t.Errorf("ended with %v", err)
	}
}

func TestTooManyFollowers(t *testing.T) {
	l := start(t, 10)
	l.add(1, 20)
	ctx, cancel := context.WithCancel(t.Context())
	there, gone := make(chan bool), make(chan error)
	for range maxFollowers {
		go func() {
			gone <- l.Client.Follow(ctx, wire.Query{}, func(wire.Event) error { there <- true; return nil })
		}()
		<-there
	}
	err := l.Client.Follow(t.Context(), wire.Query{}, nil)
	if e, ok := errors.AsType[*wire.Error](err); !ok || e.Status != 503 {
		t.Errorf("one too many: %v", err)
	}
	cancel()
	for range maxFollowers {
		<-gone
	}
	// Their places are free again as soon as the server has noticed.
	for end := time.Now().Add(labtest.Patience); ; {
		err := l.Client.Follow(t.Context(), wire.Query{}, func(wire.Event) error { return io.EOF })
		if err == io.EOF {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestLink(t *testing.T) {
	l := start(t, 10)
	ctx := t.Context()
	check := func(got wire.Link, err error, want string) {
		t.Helper()
		if err != nil || got.Line != want || l.wire.State().Line != want {
			t.Errorf("got %q, %v, set %q; want %q", got.Line, err, l.wire.State().Line, want)
		}
	}
	got, err := l.ChangeLink(ctx, "out.loss=30% in.delay=50ms seed=7")
	check(got, err, "in.delay=50ms out.loss=30% seed=7")
	got, err = l.ChangeLink(ctx, "out.loss=5%")
	check(got, err, "in.delay=50ms out.loss=5% seed=7")
	got, err = l.SetLink(ctx, wire.Settings{Out: wire.Way{Rate: 1_500_000}})
	check(got, err, "out.rate=1.5mbit")
	got, err = l.Client.Link(ctx)
	check(got, err, "out.rate=1.5mbit")
	got, err = l.ClearLink(ctx)
	check(got, err, "")
	if _, err := l.ChangeLink(ctx, "out.loss=130%"); err == nil || !strings.Contains(err.Error(), "0% to 100%") {
		t.Errorf("a bad line: %v", err)
	}
}

func TestFaults(t *testing.T) {
	l := start(t, 10)
	ctx := t.Context()
	f, err := l.Do(ctx, "# the answer\ndrop data #1 to client\nlink out.delay=5ms\nDelay FIN 500ms\n")
	if err != nil || len(f.Faults) != 2 || f.Faults[0].Line != "drop data #1 to client" || f.Faults[1].State != wire.Waiting || l.wire.State().Line != "out.delay=5ms" {
		t.Errorf("got %+v, %v", f, err)
	}
	if _, err = l.Do(ctx, "drop SYN\ndrop everything"); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a bad line: %v", err)
	}
	if f, err = l.Client.Faults(ctx); err != nil || len(f.Faults) != 2 {
		t.Errorf("after a bad line there are %+v, %v", f, err)
	}
	if f, err = l.ClearFaults(ctx); err != nil || len(f.Faults) != 0 || len(l.wire.Faults()) != 0 {
		t.Errorf("cleared: %+v, %v", f, err)
	}
}

func TestWatchingOnly(t *testing.T) {
	l := start(t, 10)
	l.wire.watching = true
	_, err1 := l.ChangeLink(t.Context(), "loss=1%")
	_, err2 := l.Do(t.Context(), "drop SYN")
	for _, err := range []error{err1, err2} {
		if e, ok := errors.AsType[*wire.Error](err); !ok || e.Status != 409 {
			t.Errorf("got %v", err)
		}
	}
	if s, err := l.Client.Status(t.Context()); err != nil || s.Impairs || len(s.Limits) != 1 {
		t.Errorf("status %+v, %v", s, err)
	}
}

func TestKernel(t *testing.T) {
	l := start(t, 10)
	l.Service.Port = netip.MustParseAddrPort(l.addr).Port()
	s, err := l.Client.Sockets(t.Context())
	if err != nil || len(s.Sockets) == 0 || s.Sockets[0].State != "LISTEN" {
		t.Errorf("got %+v, %v", s, err)
	}
	c, err := l.Client.Counters(t.Context())
	if err != nil || c.Since.IsZero() || len(c.Counters) == 0 {
		t.Errorf("got %+v, %v; our own requests should have moved some", c, err)
	}
}

func TestCapture(t *testing.T) {
	l := start(t, 100)
	l.add(3, 20)
	count := func(r io.Reader, n int) string {
		t.Helper()
		ng, err := pcapgo.NewNgReader(r, pcapgo.NgReaderOptions{WantMixedLinkType: true})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for len(got) != n {
			_, _, opts, err := ng.ReadPacketDataWithOptions()
			if err != nil {
				break
			}
			got = append(got, fmt.Sprint(*opts.PacketID))
		}
		return strings.Join(got, " ")
	}
	var file bytes.Buffer
	if err := l.Capture(t.Context(), wire.Query{Conn: 2}, false, &file); err != nil {
		t.Fatal(err)
	}
	if got := count(&file, -1); got != "1 3" {
		t.Errorf("got %s", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- l.Capture(ctx, wire.Query{Since: 2}, true, w) }()
	go l.add(2, 20)
	if got := count(r, 3); got != "3 4 5" {
		t.Errorf("followed %s", got)
	}
	cancel()
	r.Close()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
}

// TestGuard is about requests that no learner meant to send.
func TestGuard(t *testing.T) {
	l := start(t, 10)
	_, port, _ := net.SplitHostPort(l.addr)
	for _, tc := range []struct {
		name, method, path, host, header, body string
		status                                 int
	}{
		{"by address", "GET", "/status", l.addr, "", "", 200},
		{"localhost", "GET", "/status", "localhost:" + port, "", "", 200},
		{"a container", "GET", "/status", "hello-tcp:9101", "", "", 200},
		{"v6", "GET", "/status", "[::1]:9101", "", "", 200},
		{"a page's own name", "GET", "/status", "evil.example:" + port, "", "", 403},
		{"and a final dot", "GET", "/status", "evil.example.", "", "", 403},
		{"looks like an address", "GET", "/status", "127.0.0.1.evil.example", "", "", 403},
		{"a form", "POST", "/scenario", l.addr, "", "drop SYN", 403},
		{"no header, put", "PUT", "/link", l.addr, "", "{}", 403},
		{"no header, delete", "DELETE", "/link", l.addr, "", "", 403},
		{"preflight", "OPTIONS", "/link", l.addr, "", "", 403},
		{"header", "DELETE", "/link", l.addr, "1", "", 200},
		{"header, page's name", "DELETE", "/link", "evil.example", "1", "", 403},
		{"too long", "POST", "/scenario", l.addr, "1", strings.Repeat("#\n", 40<<10), 413},
		{"too long json", "PUT", "/link", l.addr, "1", `{"in":{"loss":"` + strings.Repeat("1", 70<<10), 413},
		{"no json", "PUT", "/link", l.addr, "1", "loss=1%", 400},
		{"unknown field", "PUT", "/link", l.addr, "1", `{"out":{"los":"1%"}}`, 400},
		{"two objects", "PUT", "/link", l.addr, "1", `{}{}`, 400},
		{"no such thing", "GET", "/etc/passwd", l.addr, "", "", 404},
		{"no such method", "POST", "/status", l.addr, "1", "", 405},
		{"bad number", "GET", "/records?since=x", l.addr, "", "", 400},
		{"bad limit", "GET", "/records?limit=0", l.addr, "", "", 400},
		{"bad conn", "GET", "/records/follow?conn=-1", l.addr, "", "", 400},
		{"bad follow", "GET", "/capture?follow=maybe", l.addr, "", "", 400},
		{"bad id", "GET", "/records/99999999999999999999", l.addr, "", "", 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), tc.method, "http://"+l.addr+tc.path, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Host = tc.host
			if tc.header != "" {
				req.Header.Set(wire.Header, tc.header)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tc.status {
				t.Errorf("%s: %s", resp.Status, body)
			}
			if resp.Header.Get("Access-Control-Allow-Origin")+resp.Header.Get("Access-Control-Allow-Headers") != "" {
				t.Error("other pages are let in")
			}
			var e wire.Error
			if tc.status == 400 && (json.Unmarshal(body, &e) != nil || e.Message == "") {
				t.Errorf("no reason: %s", body)
			}
		})
	}
	if s := l.wire.State().Line; s != "" || len(l.wire.Faults()) > 0 {
		t.Errorf("something got through: %q, %v", s, l.wire.Faults())
	}
}

func TestUnix(t *testing.T) {
	l := start(t, 10)
	url := "unix://" + filepath.Join(t.TempDir(), "wire.sock")
	s := &Server{Wire: l.wire, Link: l.wire.Link, Log: l.Log, Tracker: l.Tracker}
	if _, err := s.Start(t.Context(), url, ""); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := wire.NewClient(url+", tcp://:1", "a test")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.ChangeLink(t.Context(), "loss=1%"); err != nil {
		t.Error(err)
	}
}
