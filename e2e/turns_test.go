package e2e

import (
	"strings"
	"testing"
)

// The textbook's chat, both ways round. The probe makes the calls that its programs make: send without a
// newline, one read of 1024 bytes for each turn, close after byebye.

func turnsServer(t *testing.T, tty bool) *process {
	t.Helper()
	return serveSpec(t, spec{service: "chat-server", tty: tty, env: []string{"CHAT_SERVER_MODE=turns"}})
}

func TestTurnsTextbookClient(t *testing.T) {
	t.Parallel()
	server := turnsServer(t, true)
	for _, network := range []string{"tcp4", "tcp6", "unix"} {
		peer := probe(t, "-turns", server.url(network))
		peer.send("你好\n")
		server.expect("建立连接: ", "收到信息: 你好\n", "请输入发送的信息:")
		server.send("hello\r")
		peer.expect("hello\n")
		peer.send("再问一句\n")
		server.expect("收到信息: 再问一句\n", "请输入发送的信息:")

		// The next one is connected, as far as it can see, and waits.
		next := probe(t, "-turns", server.url("tcp4"))
		next.send("轮到我了\n")
		server.send("好\r")
		peer.expect("好\n")
		peer.send("byebye\n")
		if between := server.out.expect("连接关闭: "); strings.Contains(between, "建立连接") {
			t.Errorf("the next one was served before the first had ended: %q", between)
		}
		if code := peer.exit(); code != 0 || peer.rest() != "" {
			t.Errorf("the first ended badly: %s", peer.err.rest())
		}
		server.expect("建立连接: ", "收到信息: 轮到我了\n", "请输入发送的信息:")
		server.send("byebye\r") // from this side
		next.expect("byebye\n")
		server.expect("连接关闭: ")
		if code := next.exit(); code != 0 {
			t.Errorf("the next one ended badly: %s", next.err.rest())
		}
	}
	if code := server.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestTurnsTextbookServer(t *testing.T) {
	t.Parallel()
	for _, tty := range []bool{true, false} {
		enter := "\n"
		if tty {
			enter = "\r"
		}
		// Our client ends it, and then the server does.
		for _, last := range []string{"client", "server"} {
			server := probe(t, "-turns", "-listen", "tcp://:0")
			c := start(t, spec{service: "chat-server", args: []string{"chat-server", "client", "tcp://probe:" + server.port()}, tty: tty,
				env: []string{"CHAT_CLIENT_MODE=turns"}})
			c.expect("已经连接到服务器\n", "请输入要发送的数据:")
			c.send("你好" + enter)
			server.expect("你好\n") // no newline came with it: it would be told as \n
			server.send("hello, 世界\n")
			c.expect("收到服务器的数据: hello, 世界\n", "请输入要发送的数据:")
			if last == "client" {
				c.send("byebye" + enter)
				server.expect("byebye\n")
			} else {
				c.send("第二句" + enter)
				server.expect("第二句\n")
				server.send("byebye\n")
				c.expect("收到服务器的数据: byebye\n")
			}
			if a, b := c.exit(), server.exit(); a != 0 || b != 0 {
				t.Errorf("tty %v, %s ends: exit %d and %d", tty, last, a, b)
			}
		}
	}
}

// Our own two: client and operator, each at a terminal.
func TestTurnsOurOwn(t *testing.T) {
	t.Parallel()
	server := turnsServer(t, true)
	c := start(t, spec{service: "chat-server", args: []string{"chat-server", "client", server.url("tcp6")}, tty: true, env: []string{"CHAT_CLIENT_MODE=turns"}})
	c.expect("已经连接到服务器\n", "请输入要发送的数据:")
	for _, turn := range []struct{ question, answer string }{{"你好", "hello"}, {"第二句", "the second"}} {
		c.send(turn.question + "\r")
		server.expect("收到信息: "+turn.question+"\n", "请输入发送的信息:")
		server.send(turn.answer + "\r")
		c.expect("收到服务器的数据: "+turn.answer+"\n", "请输入要发送的数据:")
	}
	c.send("最后\r")
	server.expect("收到信息: 最后\n", "请输入发送的信息:")
	server.send("\x04") // the end of the operator's input counts as byebye, and the server goes on
	c.expect("收到服务器的数据: byebye\n")
	if code := c.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
	server.expect("连接关闭: ")
	peer := probe(t, "-turns", server.url("tcp4"))
	peer.send("还在吗\n")
	server.expect("收到信息: 还在吗\n")
}

// An operator at a pipe; escape sequences; and a stop while somebody waits for an answer.
func TestTurnsOperatorOnPipe(t *testing.T) {
	t.Parallel()
	server := turnsServer(t, false)
	peer := probe(t, "-turns", server.url("tcp4"))
	peer.send(`\x1b]0;title\x07` + "\n")
	server.expect(`收到信息: \x1b]0;title\x07`+"\n", "请输入发送的信息:")
	server.send("hello\n")
	peer.expect("hello\n")
	peer.send("一\n")
	server.expect("收到信息: 一\n")
	if code := server.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if got := peer.rest(); got != "byebye\n" {
		t.Errorf("at the stop the peer got %q", got)
	}
	if code := peer.exit(); code != 0 || strings.Contains(string(server.out.text), "\x1b") {
		t.Errorf("exit %d; the story %q", code, server.out.text)
	}
}

// What the operator types while nobody waits for an answer is thrown away, keys and all, and they are told so. What
// they had begun to type to one visitor is not there for the next.
func TestTurnsOutOfTurn(t *testing.T) {
	t.Parallel()
	server := turnsServer(t, true)
	server.send("too early\r")
	server.expect("(还没轮到你")
	server.send("\x03\x04half")
	first := start(t, spec{service: "chat-server", args: []string{"chat-server", "client", server.url("tcp4")}, env: []string{"CHAT_CLIENT_MODE=turns"}})
	first.send("你好\n")
	server.expect("收到信息: 你好\n", "请输入发送的信息:")
	server.send("a half li")
	server.expect("a half li")
	first.signal("KILL")
	server.expect("(对方不再发送")
	server.send("\r") // the operator is told, and may still send it
	server.expect("连接关闭: ")

	second := probe(t, "-turns", server.url("tcp4"))
	second.send("第二位\n")
	server.expect("收到信息: 第二位\n", "请输入发送的信息:")
	server.send("hi\r")
	if before := second.out.expect("hi\n"); before != "" {
		t.Errorf("before the answer came %q", before)
	}
	second.send("byebye\n")
	if code := second.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if code := server.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// The client says that it is connected and nobody has answered; and it notices a server that stops in its turn.
func TestTurnsClientInTheBacklog(t *testing.T) {
	t.Parallel()
	server := turnsServer(t, true)
	first := probe(t, "-turns", server.url("tcp4"))
	first.send("你好\n")
	server.expect("收到信息: 你好\n")
	c := start(t, spec{service: "chat-server", args: []string{"chat-server", "client", server.url("tcp4")}, tty: true, env: []string{"CHAT_CLIENT_MODE=turns"}})
	c.expect("已经连接到服务器\n", "请输入要发送的数据:")
	c.send("有人吗\r")
	c.expect("(已经连接, 还没有人回答")
	c.send("喂")
	c.expect("(还没轮到你")
	server.send("byebye\r")
	first.expect("byebye\n")
	server.expect("收到信息: 有人吗\n", "请输入发送的信息:")
	server.send("有\r")
	c.expect("收到服务器的数据: 有\n", "请输入要发送的数据:")
	if code := server.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	c.expect("收到服务器的数据: byebye\n")
	if code := c.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// A client and a server in different modes do not wait for each other without a word.
func TestTurnsAndRoomMixed(t *testing.T) {
	t.Parallel()
	server := turnsServer(t, true)
	c := start(t, spec{service: "chat-server", args: []string{"chat-server", "client", server.url("tcp4")}, tty: true})
	c.expect("CHAT_CLIENT_MODE=turns")
	room := serve(t, "chat-server")
	c = start(t, spec{service: "chat-server", args: []string{"chat-server", "client", room.url("tcp4")}, tty: true, env: []string{"CHAT_CLIENT_MODE=turns"}})
	c.expect("CHAT_CLIENT_MODE=room")
}
