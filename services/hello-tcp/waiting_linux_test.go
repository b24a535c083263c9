package main

import (
	"net"
	"slices"
	"testing"

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/sockets"
)

// Who has asked is passed over, though the server has not read it yet. Who is being answered too, until the answer is out.
func TestWhoMakesRoom(t *testing.T) {
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
	var a asked
	said, silent, answering, answered := connect("hello"), connect(""), connect(""), connect("")
	open := []net.Conn{said, silent, answering, answered}
	a.add(answering)
	a.add(answered)
	a.remove(answered)
	for _, want := range []net.Conn{silent, answered, said, nil} {
		got := a.makeRoom(slices.Values(open), nil)
		if got != want {
			t.Fatalf("made room: %v, want %v", got, want)
		}
		open = slices.DeleteFunc(open, func(c net.Conn) bool { return c == got })
	}
	// However many have asked, one makes room.
	open = open[:0]
	for range lookedAt + 1 {
		open = append(open, connect("hello"))
	}
	if a.makeRoom(slices.Values(open), nil) != open[0] {
		t.Error("it was not the first")
	}
}
