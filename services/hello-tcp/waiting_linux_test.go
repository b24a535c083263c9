package main

import (
	"io"
	"net"
	"testing"

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/sockets"
)

// Who has asked is passed over, though the server has not read it yet. Who has had an answer is not.
func TestEvictPassesOverWhoHasAsked(t *testing.T) {
	lns, err := sockets.Listen(t.Context(), "tcp4://127.0.0.1:0", sockets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer lns[0].Close()
	connect := func(said string) net.Conn {
		peer := labtest.Dial(t, lns[0].Addr())
		peer.Send(said)
		conn, err := lns[0].Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		for sockets.Unread(conn) < len(said) { // on loopback it is on its way at most
		}
		return conn
	}
	var w waiting
	asked, silent, answered := connect("hello"), connect(""), connect("more")
	w.add(asked)
	w.add(silent)
	w.addAnswered(answered)
	for _, want := range []net.Conn{answered, silent, asked} {
		if !w.evict() {
			t.Fatal("nobody makes room")
		}
		if _, err := want.Write([]byte("x")); err == nil {
			t.Error("another one made room")
		}
	}
	if w.evict() || len(w.at) > 0 {
		t.Errorf("%d left", len(w.at))
	}
	// However many have asked, one makes room.
	for range lookedAt + 1 {
		w.add(connect("hello"))
	}
	if first := w.conns.Front().Value.(*place).Conn; !w.evict() {
		t.Error("nobody makes room")
	} else if _, err := io.WriteString(first, "x"); err == nil {
		t.Error("it was not the first")
	}
}
