package main

import (
	"errors"
	"io"
	"net"
	"testing"

	"netlab.example/pkg/language"
)

// Our client, and the textbook's server: one recv of 1,024 bytes, a bare send, close.
func TestClientTakesTurns(t *testing.T) {
	ln := listen(t, "tcp4://127.0.0.1:0")
	url := "tcp://" + ln.Addr().String()
	const ask = "请输入要发送的数据:\n"
	recv := func(conn net.Conn) string {
		buf := make([]byte, 1024)
		n, err := conn.Read(buf)
		if err != nil && !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		return string(buf[:n])
	}
	for _, tc := range []struct{ name, typed, heard, answer, shown string }{
		{"its byebye", "byebye\n", "byebye", "", ""},
		{"its exit is a byebye", "exit\n", "byebye", "", ""},
		{"the server's byebye", "再见\n", "再见", "byebye", "收到服务器的数据: byebye\n"},
		{"the server just closes", "再见\n", "再见", "", "对方关闭了连接\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := startClient(t, ClientConfig{Server: url, Mode: inTurns}, language.Chinese)
			conn := accept(t, ln)
			p.expect("已经连接到服务器\n" + ask)
			p.types("你好\n")
			if got := recv(conn); got != "你好" {
				t.Errorf("got %q", got)
			}
			io.WriteString(conn, "你好呀\x07")
			p.expect("收到服务器的数据: 你好呀\\x07\n" + ask)
			p.types("\n")
			p.expect(ask)
			p.types(tc.typed)
			if got := recv(conn); got != tc.heard {
				t.Errorf("got %q, want %q", got, tc.heard)
			}
			io.WriteString(conn, tc.answer)
			conn.Close()
			p.expect(tc.shown)
			if err := p.leaves(); err != nil {
				t.Error(err)
			}
			if rest, _ := io.ReadAll(p.read); len(p.seen)+len(rest) > 0 {
				t.Errorf("and then %q%q", p.seen, rest)
			}
		})
	}
}

func TestEndOfInputInTurnsIsByebye(t *testing.T) {
	ln := listen(t, "tcp4://127.0.0.1:0")
	p := startClient(t, ClientConfig{Server: "tcp://" + ln.Addr().String(), Mode: inTurns}, language.Chinese)
	conn := accept(t, ln)
	p.keys.Close()
	if got, err := io.ReadAll(conn); string(got) != "byebye" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if err := p.leaves(); err != nil {
		t.Error(err)
	}
}

func TestStopInTurnsIsNobodysByebye(t *testing.T) {
	ln := listen(t, "tcp4://127.0.0.1:0")
	p := startClient(t, ClientConfig{Server: "tcp://" + ln.Addr().String(), Mode: inTurns}, language.Chinese)
	conn := accept(t, ln)
	p.expect("已经连接到服务器\n请输入要发送的数据:\n")
	p.stop()
	if err := p.leaves(); err != nil {
		t.Error(err)
	}
	if rest, _ := io.ReadAll(p.read); len(p.seen)+len(rest) > 0 {
		t.Errorf("and then %q%q", p.seen, rest)
	}
	if got, err := io.ReadAll(conn); len(got) > 0 && string(got) != "byebye" || err != nil {
		t.Errorf("the server got %q, %v", got, err)
	}
}

// The server ends the chat while it is the person's turn: there is nothing to wait for any more.
func TestTheServerLeavesInThePersonsTurn(t *testing.T) {
	for _, last := range []string{"byebye", ""} {
		ln := listen(t, "tcp4://127.0.0.1:0")
		p := startClient(t, ClientConfig{Server: "tcp://" + ln.Addr().String(), Mode: inTurns}, language.Chinese)
		conn := accept(t, ln)
		p.expect("已经连接到服务器\n请输入要发送的数据:\n")
		io.WriteString(conn, last)
		conn.Close()
		if err := p.leaves(); err != nil {
			t.Errorf("%q: %v", last, err)
		}
		p.expect(map[string]string{"byebye": "收到服务器的数据: byebye\n", "": "对方关闭了连接\n"}[last])
	}
}

// In the backlog a client is connected, and nobody is there.
func TestNobodyHasAnsweredYet(t *testing.T) {
	t.Parallel()
	ln := listen(t, "tcp4://127.0.0.1:0")
	p := startClient(t, ClientConfig{Server: "tcp://" + ln.Addr().String(), Mode: inTurns}, language.Chinese)
	p.expect("已经连接到服务器\n请输入要发送的数据:\n")
	p.types("你好\n")
	p.expect(words.Zh.Unanswered + "\n")
	conn := accept(t, ln)
	expectFrom(t, conn, "你好")
	io.WriteString(conn, "来了")
	p.expect("收到服务器的数据: 来了\n请输入要发送的数据:\n")
}

// A room speaks first.
func TestTurnsWithARoom(t *testing.T) {
	_, addrs, _ := start(t, testConfig(), "tcp4://127.0.0.1:0")
	p := startClient(t, ClientConfig{Server: "tcp://" + addrs[0].String(), Mode: inTurns}, language.Chinese)
	p.expectSoon(words.Zh.SeemsRoom + "\n")
}
