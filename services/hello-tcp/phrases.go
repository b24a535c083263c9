package main

import "netlab.example/pkg/language"

// phrases are what people read, in one language. A %s is said at its field.
type phrases struct {
	Here      string
	Started   string
	Connected string // address
	Received  string // data, address
	Closed    string // address, why
	Because   [endings]string

	Ask      string
	Answer   string
	Cut      string // most bytes
	Again    string
	Failed   string // url, reason
	TryThis  string
	NoMore   string
	WasReset string
}

var words = language.Both[phrases]{
	Zh: phrases{
		Here:      "(这里是 hello-tcp 的讲述; Ctrl-P Ctrl-Q 离开, 服务器继续运行; 别的键不起作用; 停止它: docker compose stop hello-tcp)",
		Started:   "服务器启动成功, 等待客户端连接...",
		Connected: "客户端连接成功, 地址: %s",
		Received:  "接收到客户端发送的数据: %s  <- %s",
		Closed:    "客户端连接关闭: %s%s",

		Because: [endings]string{
			overLimit: " (请求头超过 8 KiB)",
			timedOut:  " (没有等到完整的请求)",
			stopped:   " (服务器停止)",
			madeRoom:  " (连接已满, 等得最久的让位)",
			reset:     " (连接被对方重置)",
		},

		Ask:      "请输入要发送的数据:",
		Answer:   "接收到的数据: ",
		Cut:      "(回答太长, 只显示前 %d 个字节)",
		Again:    "(服务器回答后就关闭连接, 所以每一行都是一个新的连接; 输入 exit 或 byebye 离开)",
		Failed:   "%s: %s",
		TryThis:  "先启动服务器 (hello-tcp serve 或 make up), 或给出它的地址: hello-tcp client tcp://HOST:PORT",
		NoMore:   "对方没有回答就关闭了连接",
		WasReset: "连接被重置 (connection reset)",
	},
	En: phrases{
		Here:      "(You see what hello-tcp tells. Ctrl-P Ctrl-Q leaves, and the server goes on; no other key does anything. To stop it: docker compose stop hello-tcp)",
		Started:   "Server started, waiting for clients...",
		Connected: "Client connected from %s",
		Received:  "Received: %s  <- %s",
		Closed:    "Connection closed: %s%s",

		Because: [endings]string{
			overLimit: " (request head over 8 KiB)",
			timedOut:  " (no whole request came)",
			stopped:   " (the server stops)",
			madeRoom:  " (full: the one that waited longest makes room)",
			reset:     " (reset by the peer)",
		},

		Ask:      "Type what to send: ",
		Answer:   "Received: ",
		Cut:      "(a long answer: these are its first %d bytes)",
		Again:    "(The server closes after each answer, so every line is a connection of its own. Type exit or byebye to leave.)",
		Failed:   "%s: %s",
		TryThis:  "start the server first (hello-tcp serve, or make up), or say where it is: hello-tcp client tcp://HOST:PORT",
		NoMore:   "the server closed the connection without an answer",
		WasReset: "the connection was reset (connection reset)",
	},
}
