package main

import (
	"io"
	"testing"

	"netlab.example/pkg/language"
)

// The server goes away and comes back: a person's client says so, and comes back too, under their name.
func TestAPersonOutlivesTheServer(t *testing.T) {
	url := "unix://" + t.TempDir() + "/c.sock"
	ln := listen(t, url)
	ann := sit(t, newTTY(t), ClientConfig{Server: url}, language.English)
	conn := accept(t, ln)
	io.WriteString(conn, "* hello, you are guest-1, 1 here; /help lists the commands, byebye leaves\n")
	ann.types("/nick Ann\r")
	expectFrom(t, conn, "/nick Ann\n")
	io.WriteString(conn, "* guest-1 is now Ann\n")
	ann.expectSoon("* guest-1 is now Ann\n")
	ln.Close()
	conn.Close()
	ann.expectSoon("the connection to the server is gone: the other side closed it; trying again in 500ms\n")
	ann.types("too early\r")
	ann.expectSoon("not sent: too early\n")
	ann.expectSoon("no connection to the server: no such socket file; trying again in 1s\n")
	ann.types("half a li")
	conn = accept(t, listen(t, url))
	expectFrom(t, conn, "/nick Ann\n")
	ann.expectSoon("Connected to the server\n")
	ann.types("ne\r")
	expectFrom(t, conn, "half a line\n")
	io.WriteString(conn, "byebye\n") // the server ends it: that is no loss, and no reason to come back
	conn.Close()
	ann.expectSoon("byebye\n")
	if err := ann.leaves(); err != nil {
		t.Error(err)
	}
}
