package engine

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/record"
)

func TestLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLater()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			l.run(ctx)
			close(ended)
		}()
		var got []string
		began := time.Now()
		add := func(after time.Duration, name string) {
			l.at(began.Add(after), 1, &wire.Record{}, func() { got = append(got, name+"@"+time.Since(began).String()) })
		}
		add(30*time.Millisecond, "c")
		add(10*time.Millisecond, "a")
		add(10*time.Millisecond, "b")
		add(time.Hour, "e")
		add(time.Minute, "d")
		time.Sleep(time.Second)
		synctest.Wait()
		stop() // what is left is done at once, in order
		<-ended
		if want := []string{"a@10ms", "b@10ms", "c@30ms", "d@1s", "e@1s"}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		if l.len() != 0 || l.bytes != 0 {
			t.Errorf("left: %d, %d bytes", l.len(), l.bytes)
		}
	})
}

// TestRelease: what one connection waits for is due at once, in order, and the others' is not.
func TestRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLater()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			l.run(ctx)
			close(ended)
		}()
		var got []string
		began := time.Now()
		add := func(after time.Duration, conn int, name string) {
			l.at(began.Add(after), 1, &wire.Record{Conn: conn}, func() { got = append(got, name+"@"+time.Since(began).String()) })
		}
		add(30*time.Second, 1, "c")
		add(10*time.Second, 1, "a")
		add(10*time.Second, 2, "x")
		add(10*time.Second, 1, "b")
		time.Sleep(time.Second)
		l.release(wire.Scope{Conn: 1})
		time.Sleep(time.Minute)
		stop()
		<-ended
		if want := []string{"a@1s", "b@1s", "c@1s", "x@10s"}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

// TestNoResetOfDatagrams: nobody expects a RST there.
func TestNoResetOfDatagrams(t *testing.T) {
	scenario, err := wire.ParseScenario("reset packet #1\nlink loss=1%")
	if err != nil {
		t.Fatal(err)
	}
	for proto, want := range map[wire.Proto]error{wire.ProtoTCP: nil, wire.ProtoUDP: errNoReset} {
		e := New(Options{Service: wire.Service{Proto: proto, Port: 1}, Memory: record.NewLog(1, 1), Log: zap.NewNop()})
		e.state.Store(&state{mechanism: wire.Native})
		if _, err := e.Do(scenario, "test"); !errors.Is(err, want) || want != nil && e.Link.State().Line != "" {
			t.Errorf("%s: %v", proto, err)
		}
	}
}

func TestLaterIsBounded(t *testing.T) {
	l := newLater()
	for range maxLater {
		if !l.room(100) {
			t.Fatal("no room")
		}
		l.at(time.Now(), 100, &wire.Record{}, func() {})
	}
	if l.room(100) {
		t.Error("room for one too many")
	}
	l = newLater()
	l.at(time.Now(), maxLaterBytes-10, &wire.Record{}, func() {})
	if l.room(11) || !l.room(10) {
		t.Error("bytes are not bounded")
	}
}
