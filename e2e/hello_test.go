package e2e

import (
	"fmt"
	"strings"
	"testing"
)

const hello = "HTTP/1.1 200 OK\r\n\r\nHello World, Michael!"

// Every request gets the one answer, on every kind of socket, and never a reset.
func TestHelloAnswers(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp")
	get := "GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n"
	body := strings.Repeat("x", 4<<20)
	for _, tc := range []struct{ name, flags, request, answer string }{
		{"a word without newline", "-open", "hello", hello},
		{"a browser's request", "-open", get, hello},
		{"a request in single bytes", "-open -bytes", get, hello},
		{"the beginning of a method", "-open", "GE", hello},
		{"nothing, and the end of input", "", "", hello},
		{"a body that nobody reads", "", fmt.Sprintf("POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n", len(body)) + body, hello},
		{"a head that ends too late", "", "GET / HTTP/1.1\r\nX: " + body + "\r\n\r\n", "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n"},
		{"bytes that are no text", "-open", "\x00\xff\xfe\x1b[2J\x1b]0;title\a", hello},
	} {
		for _, network := range []string{"tcp4", "tcp6", "unix"} {
			t.Run(tc.name+" over "+network, func(t *testing.T) {
				t.Parallel()
				p := probe(t, append(strings.Fields(tc.flags), server.url(network))...)
				p.send(tc.request)
				if !strings.Contains(tc.flags, "-open") {
					p.eof()
				}
				if got := p.rest(); got != tc.answer {
					t.Errorf("answer %q, want %q", got, tc.answer)
				}
				if code := p.exit(); code != 0 {
					t.Errorf("the conversation ended badly: %s", p.err.rest())
				}
			})
		}
	}
}

func TestHelloTellsItsStory(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp", "NETLAB_LANG=en", "HELLO_TCP_NAME=小明")
	server.expect("Server started, waiting for clients...\n")
	p := probe(t, "-open", server.url("tcp4"))
	server.expect("Client connected from ") // before anything was said
	p.send("你好\x1b[2J\x00\xff\u202e")
	if got, want := p.rest(), "HTTP/1.1 200 OK\r\n\r\nHello World, 小明!"; got != want {
		t.Errorf("answer %q, want %q", got, want)
	}
	server.expect(`Received: 你好\x1b[2J\x00\xff\u202e  <- `, "\nConnection closed: ")
	rude := probe(t, "-reset", server.url("tcp6"))
	server.expect("Client connected from [fd")
	rude.eof()
	server.expect("\nConnection closed: [fd", " (reset by the peer)\n")
	if code := server.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// When all places are taken, the connection that has waited longest without a whole request makes room.
func TestHelloMakesRoom(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp", "HELLO_TCP_IDLE_TIMEOUT=5m", "HELLO_TCP_MAX_CONNS=2")
	slow := probe(t, "-open", server.url("tcp4"))
	slow.send("GET / HTTP/1.1\r\nX: ")
	server.expect("客户端连接成功")
	silent := probe(t, "-open", server.url("unix"))
	server.expect("客户端连接成功, 地址: unix")
	third := probe(t, "-open", server.url("tcp6"))
	server.expect(" (连接已满, 等得最久的让位)\n")
	third.send("hello")
	if got := third.rest(); got != hello {
		t.Errorf("answer %q, want %q", got, hello)
	}
	if got := slow.rest(); got != "" {
		t.Errorf("who made room got %q", got)
	}
	silent.send("hello") // it still has its place
	if got := silent.rest(); got != hello {
		t.Errorf("answer %q, want %q", got, hello)
	}
}

// A request that never becomes whole ends when its time is up, however busily its bytes drip in.
func TestHelloSlowPeers(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp", "HELLO_TCP_IDLE_TIMEOUT=1s")
	silent := probe(t, "-open", server.url("unix"))
	server.expect("客户端连接关闭: unix (没有等到完整的请求)\n")
	slow := probe(t, "-open", "-bytes", server.url("tcp4"))
	slow.send("GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 6000)) // twelve seconds' worth
	server.expect(" (没有等到完整的请求)\n")
	for _, p := range []*process{silent, slow} {
		if got, code := p.rest(), p.exit(); got != "" || code != 0 {
			t.Errorf("the end was %q, %s", got, p.err.rest())
		}
	}
}

func TestHelloCrowd(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp")
	p := probe(t, "-count=500", server.url("tcp4"))
	p.send("hello")
	p.eof()
	if got, want := p.rest(), fmt.Sprintf("500 %q\n", hello); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHelloStopsInMidRequest(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp")
	p := probe(t, "-open", server.url("tcp4"))
	p.send("POST / HTTP/1.1\r\n")
	server.expect("客户端连接成功")
	if code := server.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if got := server.rest(); !strings.Contains(got, " (服务器停止)\n") {
		t.Errorf("the transcript ends with %q", got)
	}
	if code := p.exit(); code != 0 {
		t.Errorf("the peer saw no orderly end: %s", p.err.rest())
	}
}

func TestHelloClientOnTerminal(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp", "HELLO_TCP_NAME="+strings.Repeat("长", 2000))
	c := start(t, spec{service: "hello-tcp", args: []string{"hello-tcp", "client", server.url("tcp6")}, tty: true})
	c.expect("请输入要发送的数据:")
	c.send("你好, world\r")
	// The whole answer, not the first 1,024 bytes.
	c.expect("接收到的数据: HTTP/1.1 200 OK\n  | \n  | Hello World, ")
	c.out.find("长", 2000) // in rows
	c.expect("!\n", "(服务器回答后就关闭连接", "请输入要发送的数据:")
	server.expect("接收到客户端发送的数据: 你好, world  <- [fd")
	c.send("\x1b[A\r") // the Up arrow brings it back
	c.expect("接收到的数据: HTTP/1.1 200 OK\n")
	server.expect("客户端连接成功", "接收到客户端发送的数据: 你好, world  <- [fd")
	c.send("exit\r")
	if rest := c.rest(); strings.Contains(rest, "服务器回答后就关闭连接") {
		t.Errorf("said twice that each line is a connection: %q", rest)
	}
	if code := c.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestHelloClientOnPipe(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp")
	for _, tc := range []struct{ network, typed string }{{"tcp4", "one\ntwo\n"}, {"unix", "one\ntwo\nexit\nthree\n"}} {
		c := start(t, spec{service: "hello-tcp", args: []string{"hello-tcp", "client", server.url(tc.network)}, env: []string{"NETLAB_LANG=en"}})
		c.send(tc.typed)
		c.eof()
		got := c.rest()
		if n := strings.Count(got, "Received: HTTP/1.1 200 OK\n  | \n  | Hello World, Michael!\n"); n != 2 {
			t.Errorf("%d answers in %q", n, got)
		}
		if strings.Contains(got, "\x1b") {
			t.Errorf("escape codes on a pipe: %q", got)
		}
		if code := c.exit(); code != 0 || c.err.rest() != "" {
			t.Errorf("exit %d", code)
		}
		server.expect("one  <- ", "two  <- ")
	}
}

// What a server says is escaped, and a broken answer is told as what it is.
func TestHelloClientAgainstStrangeServers(t *testing.T) {
	t.Parallel()
	home := serve(t, "hello-tcp", "NETLAB_LANG=en").id
	for _, tc := range []struct{ name, flags, answer, out, errs string }{
		{"escapes", "", "\x1b]0;title\a\x00\xff", `Received: \x1b]0;title\x07\x00\xff` + "\n", ""},
		{"nothing", "", "", "", "the server closed the connection without an answer\n"},
		{"reset", "-reset", "", "", "the connection was reset (connection reset)\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := probe(t, append(strings.Fields(tc.flags), "-listen", "tcp://:0")...)
			c := command(t, home, "hello-tcp", "client", "tcp://probe:"+server.port())
			c.send("hello\n")
			c.eof()
			if tc.flags == "" {
				server.expect("hello")
			}
			server.send(tc.answer)
			server.eof()
			out, errs, code := c.rest(), c.err.rest(), c.exit()
			if !strings.Contains(out, tc.out) || !strings.Contains(errs, tc.errs) || strings.Contains(out, "\x1b") {
				t.Errorf("printed %q, %q", out, errs)
			}
			if want := min(len(tc.errs), 1); code != want {
				t.Errorf("exit %d, want %d", code, want)
			}
		})
	}
}

// A server has a terminal that says where one is and how to leave. No key there stops it.
func TestServersTerminals(t *testing.T) {
	t.Parallel()
	for service, story := range map[string]string{"hello-tcp": "Client connected from ", "udp-temp": "Request from "} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			server := serveSpec(t, spec{service: service, tty: true, env: []string{"NETLAB_LANG=en"}})
			here := "(You see what " + service + " tells. Ctrl-P Ctrl-Q leaves, and the server goes on"
			server.send("\x03\x04\x1cq\r")
			server.expect(here)
			server.resize(81, 25) // somebody else attaches
			server.expect(here)
			p := probe(t, map[string]string{"hello-tcp": server.url("tcp4"), "udp-temp": server.url("udp4")}[service])
			p.send("36.6\n")
			p.out.find("Hello World|97.88", 1)
			server.out.find(story, 1)
			if code := server.stop(); code != 0 {
				t.Errorf("exit %d", code)
			}
		})
	}
}
