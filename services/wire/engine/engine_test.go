package engine

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
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
			l.at(began.Add(after), 1, func() { got = append(got, name+"@"+time.Since(began).String()) })
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

func TestLaterIsBounded(t *testing.T) {
	l := newLater()
	for range maxLater {
		if !l.room(100) {
			t.Fatal("no room")
		}
		l.at(time.Now(), 100, func() {})
	}
	if l.room(100) {
		t.Error("room for one too many")
	}
	l = newLater()
	l.at(time.Now(), maxLaterBytes-10, func() {})
	if l.room(11) || !l.room(10) {
		t.Error("bytes are not bounded")
	}
}
