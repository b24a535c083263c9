package main

import (
	"io"
	"net"
	"testing"

	"netlab.example/pkg/labtest"
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
	ann.expectSoon("the connection to the server is gone: the other side closed it; trying again in")
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

// What the operator types while nobody waits for an answer is thrown away, and what they had begun to type for a peer
// that is gone is not there for the next one.
func TestTurnsAtTheOperatorsTerminal(t *testing.T) {
	operator := newTTY(t)
	addrs, _ := startTurnsAt(t, operator, "tcp4://127.0.0.1:0")
	operator.types("too early\r\x03\x04")
	operator.expectSoon(words.Zh.NotNow + "\n")
	first := labtest.Dial(t, addrs[0])
	first.Send("你好")
	operator.expectSoon("收到信息: 你好\n")
	operator.types("half a li")
	operator.expectSoon("half a li")
	first.Conn.(*net.TCPConn).SetLinger(0)
	first.Close()
	operator.expectSoon("连接关闭: ")

	second := labtest.Dial(t, addrs[0])
	second.Send("我是第二位")
	operator.expectSoon("收到信息: 我是第二位\n")
	operator.expectSoon(words.Zh.Ask)
	operator.types("hi\r")
	second.Expect("hi")
	second.Send("byebye")
	second.ExpectEOF()
}

// Nobody in the room, and no server, can write to a person as if it were their own prompt.
func TestAMarginBeforeWhatTheServerSends(t *testing.T) {
	ln := listen(t, "tcp4://127.0.0.1:0")
	ann := sit(t, newTTY(t), ClientConfig{Server: "tcp://" + ln.Addr().String()}, language.Chinese)
	conn := accept(t, ln)
	io.WriteString(conn, words.Zh.AskData+" hi\n* 2 here: Ann, Ben\n")
	ann.expectSoon("  " + words.Zh.AskData + " hi\n")
	ann.expectSoon("  * 2 here: Ann, Ben\n(* 2 人: Ann, Ben)\n")
}

// Ctrl-C while the operator thinks is a goodbye, and they are told.
func TestLeavingOutOfTurn(t *testing.T) {
	ln := listen(t, "tcp4://127.0.0.1:0")
	ann := sit(t, newTTY(t), ClientConfig{Server: "tcp://" + ln.Addr().String(), Mode: inTurns}, language.Chinese)
	conn := accept(t, ln)
	ann.expectSoon(words.Zh.AskData)
	ann.types("你好\r")
	expectFrom(t, conn, "你好")
	ann.types("x")
	ann.expectSoon(words.Zh.NotNow + "\n")
	ann.types("\x03")
	if err := ann.leaves(); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(conn); string(got) != "byebye" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}
