package main

import "netlab.example/pkg/language"

// wire are the words that are sent. They follow NETLAB_LANG alone; the first Answer is the textbook's.
type wire struct {
	Answer  string        // a number of degrees follows
	Refusal string        // the reason follows
	Why     [kinds]string // of those kinds that are refused with a line
}

var wireWords = language.Both[wire]{
	Zh: wire{
		Answer:  "转换后的温度(华氏温度):",
		Refusal: "无法转换:",
		Why: [kinds]string{
			tooCold:  "低于绝对零度 -273.15",
			tooHot:   "高于 1000000000",
			tooLong:  "超过 32 个字节",
			utf16:    "这是 UTF-16, 请用 UTF-8 发送",
			noNumber: "不是数字, 请发送例如 36.6",
		},
	},
	En: wire{
		Answer:  "Temperature in Fahrenheit: ",
		Refusal: "Cannot convert: ",
		Why: [kinds]string{
			tooCold:  "below absolute zero, -273.15",
			tooHot:   "above 1000000000",
			tooLong:  "over 32 bytes",
			utf16:    "this is UTF-16, send UTF-8",
			noNumber: "send a number such as 36.6",
		},
	},
}

// phrases are what people read, in one language. A %s is said at its field.
type phrases struct {
	// The server's.
	Here      string
	Bound     string        // port, address
	BoundUnix string        // address
	Answered  string        // host, port, what was received, answer. On an AF_UNIX socket the host is "unix", the port a path
	Silent    string        // host, port, what was received, why it is not answered
	Lost      string        // host, port, why the answer could not be sent
	Quiet     [kinds]string // why a kind is not answered
	Limited   string

	// The client's.
	Ask         string
	AskAgain    string // how long it waited, try, tries
	Failed      string // url, reason
	NoAnswer    string // tries
	Refused     string
	Interrupted string
	TryThis     string
	NoNumber    string
	TypeThis    string
	NotSent     string // why nobody would answer
}

var words = language.Both[phrases]{
	Zh: phrases{
		Here:      "(这里是 udp-temp 的讲述; Ctrl-P Ctrl-Q 离开, 服务器继续运行; 别的键不起作用; 停止它: docker compose stop udp-temp)",
		Bound:     "绑定 UDP服务 到 %s 端口 (%s)",
		BoundUnix: "绑定 UNIX 数据报服务 到 %s",
		Answered:  "从%s:%s收到请求数据: %s  -> %s",
		Silent:    "从%s:%s收到请求数据: %s  (不回答: %s)",
		Lost:      "给%s:%s的回答没有送达: %v",
		Quiet: [kinds]string{
			empty:   "没有内容",
			notUTF8: "不是 UTF-8",
			control: "含有控制字符",
			ourText: "它自己就像一个回答",
		},
		Limited: "对这个地址每秒最多说 10 次无法转换",

		Ask:         "请输入要转换的摄氏温度:",
		AskAgain:    "(%v 内没有回答; 数据报会丢失, 再发一次: 第 %d 次, 共 %d 次)",
		Failed:      "%s: %s",
		NoAnswer:    "发了 %d 次, 没有回答",
		Refused:     "那里没有程序在接收: 网络回答说端口不可达 (port unreachable)",
		Interrupted: "中断了",
		TryThis:     "先启动服务器 (udp-temp serve 或 make up), 或给出它的地址: udp-temp client udp://HOST:PORT",
		NoNumber:    "服务器没有给出温度",
		TypeThis:    "给出一个摄氏温度, 例如: udp-temp client 36.6",
		NotSent:     "没有发送, 因为服务器不会回答: %s",
	},
	En: phrases{
		Here:      "(You see what udp-temp tells. Ctrl-P Ctrl-Q leaves, and the server goes on; no other key does anything. To stop it: docker compose stop udp-temp)",
		Bound:     "UDP service bound to port %s (%s)",
		BoundUnix: "UNIX datagram service bound to %s",
		Answered:  "Request from %s:%s: %s  -> %s",
		Silent:    "Request from %s:%s: %s  (not answered: %s)",
		Lost:      "The answer to %s:%s could not be sent: %v",
		Quiet: [kinds]string{
			empty:   "there is nothing in it",
			notUTF8: "it is not UTF-8",
			control: "it has control characters",
			ourText: "it looks like an answer itself",
		},
		Limited: "this address is told at most 10 times a second that something cannot be converted",

		Ask:         "Type a temperature in Celsius: ",
		AskAgain:    "(no answer within %v; datagrams get lost, so it is sent again: try %d of %d)",
		Failed:      "%s: %s",
		NoAnswer:    "no answer to %d tries",
		Refused:     "nobody receives there: the network answered port unreachable",
		Interrupted: "interrupted",
		TryThis:     "start the server first (udp-temp serve, or make up), or say where it is: udp-temp client udp://HOST:PORT",
		NoNumber:    "the server gave no temperature",
		TypeThis:    "give a temperature in Celsius, such as: udp-temp client 36.6",
		NotSent:     "not sent, since a server would not answer: %s",
	},
}
