package ladder

import (
	"strings"

	"netlab.example/pkg/language"
)

// phrases are what a learner reads, in one language. What a %s stands for is said at its field.
type phrases struct {
	Client, Server string // the heads of the two outer columns
	Conn           string // ordinal

	// What a packet is.
	SYN, SYNACK, HandshakeACK string
	Data                      string // ordinal: the #k of an exact fault
	ACK                       string
	ACKOf                     string // record
	DupACK                    string // how many there are by now
	WindowUpdate, ZeroWindow  string
	ZeroWindowProbe           string
	Again                     string // what, why
	AgainOf                   string // record, what, why
	Duplicate                 string // record
	OutOfOrder                string
	KeepAlive, KeepAliveACK   string
	DSACK, DSACKOf            string // record
	NotAccepted               string
	Challenge, ChallengeOf    string // record
	With                      string // ordinal of data
	OldData                   string
	FIN, HalfClose            string
	RST                       string
	Datagram                  string // ordinal
	Fragment                  string // offset
	PortUnreachable           string
	ICMP                      string // type, code
	Other                     string
	Ends                      string // stands behind the last packet of a connection

	// What made a sender send again: stands behind Again.
	ByTimer, ByDupACKs, BySACK, ByTLP, ByICMP string

	// What drew a reset: stands behind RST.
	Refused, Unread, AfterClose, Abort, Unknown string

	// Why a packet is not accepted, or what is odd about it: stands behind what it is.
	OutsideWindow, NotExact, WrongACK, NoACK, NotOpen, OldTimestamp, OtherBytes string

	// What became of it. The cause, as it was asked for, stands behind.
	Dropped, Corrupted, Held, Reordered, Duplicated, Delayed, Made string
	Seen                                                           string // only of a packet that is opened: in the ladder a circle says it
	GoesOn                                                         string // packet, the packet that it waited for
	Forgotten                                                      string // how many packets
	Factor, NoFactor                                               string // bytes, factor
	Gap                                                            string // for how long, in English
	LinkLayer                                                      string

	Value *strings.Replacer // the words in a field's value: package packet, and so the API, has them in English
}

var words = language.Both[phrases]{
	Zh: phrases{
		Client: "客户端",
		Server: "服务器",
		Conn:   "连接 %d",

		SYN:             "握手 1/3: 请求建立连接",
		SYNACK:          "握手 2/3: 同意",
		HandshakeACK:    "握手 3/3: 连接建立",
		Data:            "数据 #%d",
		ACK:             "确认",
		ACKOf:           "确认 #%d",
		DupACK:          "重复确认 (第 %d 个)",
		WindowUpdate:    "窗口更新: 又能收了",
		ZeroWindow:      "零窗口: 缓冲区满, 先别发",
		ZeroWindowProbe: "零窗口探测",
		Again:           "重传 %s%s",
		AgainOf:         "重传 #%d (%s)%s",
		Duplicate:       "#%d 的副本, 由网络产生",
		OutOfOrder:      "乱序到达",
		KeepAlive:       "保活探测",
		KeepAliveACK:    "保活应答",
		DSACK:           "D-SACK: 同样的数据到了两次",
		DSACKOf:         "D-SACK: #%d 到了两次",
		NotAccepted:     "不会被接受",
		Challenge:       "挑战 ACK: 刚才的不接受",
		ChallengeOf:     "挑战 ACK: 不接受 #%d",
		With:            ", 带着数据 #%d",
		OldData:         "旧数据",
		FIN:             "FIN: 关闭",
		HalfClose:       "FIN: 半关闭, 这一方向不再发送",
		RST:             "RST: 连接重置",
		Datagram:        "数据报 #%d",
		Fragment:        "分片, 从字节 %d 起",
		PortUnreachable: "ICMP 端口不可达: 那里没有程序在监听",
		ICMP:            "ICMP 类型 %d 代码 %d",
		Other:           "其他",
		Ends:            " · 连接结束",

		ByTimer:   ", 因为超时",
		ByDupACKs: ", 因为重复确认",
		BySACK:    ", 因为 SACK/RACK",
		ByTLP:     ", 尾部丢失探测",
		ByICMP:    ", 路由器说它太长",

		Refused:    ", 端口上没有程序在监听",
		Unread:     ", 关闭时还有未读的数据",
		AfterClose: ", 数据来到时套接字已关闭",
		Abort:      ", 程序要求立即中止",
		Unknown:    ", 主机不认识这个连接",

		OutsideWindow: ", 编号在窗口之外",
		NotExact:      ", 编号不正好是下一个",
		WrongACK:      ", 确认了没有发过的",
		NoACK:         ", 没有 ACK 标志",
		NotOpen:       ", 对方还在等 SYN",
		OldTimestamp:  ", 时间戳是旧的",
		OtherBytes:    ", 字节和第一次不同",

		Dropped:    "在此丢弃",
		Corrupted:  "损坏",
		Held:       "扣住",
		Reordered:  "乱序",
		Duplicated: "复制",
		Delayed:    "延迟",
		Made:       "由 wire 发出",
		Seen:       "只看见, 不知结果",
		GoesOn:     "#%d 继续前行: #%d 已经过去",
		Forgotten:  "… %d 个数据包已被忘记 …",
		Factor:     "%d 字节 (系数 %d)",
		NoFactor:   "字节数未知: 没有看见 SYN",
		Gap:        "wire 停顿 (%s), 其间数据包没有经过它",
		LinkLayer:  "这里看到的是 IP 层及以上; 链路层和 ARP 在此不可见",

		Value: strings.NewReplacer(
			"Internet Protocol, version", "网际协议 (IP), 版本", "Transmission Control Protocol", "传输控制协议 (TCP)",
			"User Datagram Protocol", "用户数据报协议 (UDP)", "Internet Control Message Protocol", "网际控制报文协议 (ICMP)",
			" bytes behind the UDP length", " 字节在 UDP 长度之后", " of them kept", " 字节留有记录", " bytes", " 字节",
			"do not fragment", "不得分片", "more fragments", "还有分片", "reserved", "保留", "none", "无",
			"times ", "乘以 ", "value ", "值 ", "echo ", "回送 ", " to ", " 到 ",
			"cookie request", "请求 cookie", "cookie of", "cookie:", "address ", "地址 ", "version ", "版本 ",
		),
	},
	En: phrases{
		Client: "client",
		Server: "server",
		Conn:   "connection %d",

		SYN:             "handshake 1/3: may I connect?",
		SYNACK:          "handshake 2/3: you may",
		HandshakeACK:    "handshake 3/3: connected",
		Data:            "data #%d",
		ACK:             "ACK",
		ACKOf:           "ACK of #%d",
		DupACK:          "duplicate ACK (number %d)",
		WindowUpdate:    "window update: room again",
		ZeroWindow:      "zero window: buffer full, stop",
		ZeroWindowProbe: "zero-window probe",
		Again:           "retransmission of %s%s",
		AgainOf:         "retransmission of #%d (%s)%s",
		Duplicate:       "duplicate of #%d, made by the network",
		OutOfOrder:      "out of order",
		KeepAlive:       "keep-alive",
		KeepAliveACK:    "answer to keep-alive",
		DSACK:           "D-SACK: the same came twice",
		DSACKOf:         "D-SACK: #%d came twice",
		NotAccepted:     "not accepted",
		Challenge:       "challenge ACK: that is not accepted",
		ChallengeOf:     "challenge ACK: #%d is not accepted",
		With:            ", with data #%d",
		OldData:         "old data",
		FIN:             "FIN: closes",
		HalfClose:       "FIN: half-close, sends no more",
		RST:             "RST: reset",
		Datagram:        "datagram #%d",
		Fragment:        "fragment, from byte %d",
		PortUnreachable: "ICMP port unreachable: nobody listens",
		ICMP:            "ICMP type %d code %d",
		Other:           "other",
		Ends:            " · the end",

		ByTimer:   ", by timer",
		ByDupACKs: ", by duplicate ACKs",
		BySACK:    ", by SACK/RACK",
		ByTLP:     ", a tail-loss probe",
		ByICMP:    ", a router said that it is too long",

		Refused:    ", nobody listens at this port",
		Unread:     ", closed with unread data",
		AfterClose: ", data after the close",
		Abort:      ", the program aborts",
		Unknown:    ", the host knows no such connection",

		OutsideWindow: ", outside the window",
		NotExact:      ", not exactly the next number",
		WrongACK:      ", acknowledges what was not sent",
		NoACK:         ", no ACK flag",
		NotOpen:       ", its receiver waits for a SYN",
		OldTimestamp:  ", an old timestamp",
		OtherBytes:    ", with other bytes than at first",

		Dropped:    "dropped here",
		Corrupted:  "corrupted",
		Held:       "held",
		Reordered:  "reordered",
		Duplicated: "duplicated",
		Delayed:    "delayed",
		Made:       "sent by wire",
		Seen:       "seen, fate unknown",
		GoesOn:     "#%d goes on: #%d has passed",
		Forgotten:  "… %d packets are forgotten …",
		Factor:     "%d bytes (factor %d)",
		NoFactor:   "bytes unknown: the SYNs were not seen",
		Gap:        "wire %s: packets passed without it",
		LinkLayer:  "this is the IP layer and above; the link layer and ARP are not seen from here",

		Value: strings.NewReplacer(),
	},
}
