package main

import (
	"fmt"

	"netlab.example/pkg/language"
	"netlab.example/pkg/text"
	"netlab.example/pkg/wire"
)

// phrases are what the commands say, in one language; the ladder has its own. What a %s or %d stands for
// is said at its field.
type phrases struct {
	NoWire      string // address, reason
	StartWire   string
	Ended       string
	StartAgain  string
	WhyWatching string
	NotToTTY    string
	NoPackets   string
	Watching    string
	Unseen      string // how many
	LeftOut     string // how many
	NotDrawn    string // how many
	Hidden      string // how many

	Capture     string // the middle column of a capture's ladder
	Elsewhere   string // how many
	NotIP       string // how many
	UnknownLink string // how many, which

	LinkClear string
	NoFaults  string
	DoExample string
	Armed     string
	Bound     string // connection
	Fired     string // packet
	Missed    string // why

	SocketHead  [5]string
	NoSockets   string
	MoreSockets string // how many
	Backlog     string // waiting, most
	Resent      string // how many

	NothingCounted string
	CountedSince   string // time
	Meanings       map[string]string

	Service, Mechanism, Interface, Link, Packets, NotSeen, Waiting, NotSent, StoodStill, Limits string
	Remembered                                                                                  string // seen, kept, MiB
	Gaps, WasReset                                                                              string // how often, how long; the link
	Native, Compat, Observe, NoMechanism                                                        string
	NoLinkLayer, NoImpairment, NoFragments, FirstPiece, BigFrames, NoOwner                      string
}

func (w *phrases) mechanism(m wire.Mechanism) string {
	switch m {
	case wire.Native:
		return w.Native
	case wire.Compat:
		return w.Compat
	case wire.Observe:
		return w.Observe
	}
	return w.NoMechanism
}

// limit says what cannot be done here, with the reason if it differs from place to place.
func (w *phrases) limit(l wire.Limit) string {
	switch l.Code {
	case wire.NoLinkLayer:
		return w.NoLinkLayer
	case wire.NoImpairment:
		return w.NoImpairment + ": " + l.Why
	case wire.NoFragments:
		return w.NoFragments
	case wire.FirstPiece:
		return w.FirstPiece
	case wire.BigFrames:
		return w.BigFrames
	case wire.NoOwner:
		return w.NoOwner
	}
	return l.Why
}

func (w *phrases) faultState(f wire.Fault) string {
	note := text.Escape(f.Note)
	switch f.State {
	case wire.Waiting:
		return w.Armed
	case wire.Bound:
		return fmt.Sprintf(w.Bound, f.Conn)
	case wire.Fired:
		fired := fmt.Sprintf(w.Fired, f.Packet)
		if f.Note != "" && f.Note != wire.Swapped { // a swap that its second packet never came to
			fired += "; " + note
		}
		return fired
	case wire.Missed:
		return fmt.Sprintf(w.Missed, note)
	}
	return text.Escape(string(f.State)) + " " + note
}

var words = language.Both[phrases]{
	Zh: phrases{
		NoWire:      "连不上 %s 的 wire: %s",
		StartWire:   "wire 在服务旁边运行: make up; 或用 WIRE_API 指出它的地址",
		Ended:       "wire 已停止",
		StartAgain:  "服务重启时它会自己回来; 否则: docker compose up -d",
		WhyWatching: "wire status 说明原因",
		NotToTTY:    "这不是给终端看的: 写进文件或管道",
		NoPackets:   "没有数据包可画",
		Watching:    "这里只能观察, 不能干扰 (原因: wire status)",
		Unseen:      "有 %d 个数据包没有看见",
		LeftOut:     "前面还有 %d 个数据包没有列出; 全部: wire watch --once --since 0",
		NotDrawn:    "前面还有 %d 个数据包没有画出",
		Hidden:      "隐藏了 %d 个单独的确认和保活",

		Capture:     "抓包点",
		Elsewhere:   "%d 个数据包属于别的服务, 没有列出",
		NotIP:       "%d 个帧不是 IP, 没有列出",
		UnknownLink: "%d 个帧没有读: 链路层是 %s",

		LinkClear: "链路正常, 不干扰数据包",
		NoFaults:  "没有故障",
		DoExample: "例如: wire do 'drop data #1 to client'; wire do - 从标准输入读, 因为容器里没有你的文件; 所有写法: wire do -h",
		Armed:     "等待下一个连接",
		Bound:     "在连接 %d 上等待它的数据包",
		Fired:     "已发生在 #%d",
		Missed:    "没有遇到: %s",

		SocketHead:  [5]string{"状态", "本地", "对方", "接收队列", "发送队列"},
		NoSockets:   "这个端口上没有套接字",
		MoreSockets: "还有 %d 个",
		Backlog:     "等待 accept 的连接 %d 个, 最多 %d 个",
		Resent:      "重传 %d",

		NothingCounted: "内核还没有计数",
		CountedSince:   "从 %s 起内核的计数 (wire 自己的 API 也在内):",
		Meanings: map[string]string{
			"Tcp.ActiveOpens": "主动打开的连接", "Tcp.PassiveOpens": "被动打开的连接", "Tcp.RetransSegs": "重传的报文段",
			"Tcp.InSegs": "收到的报文段", "Tcp.OutSegs": "发出的报文段", "Tcp.OutRsts": "发出的 RST", "Tcp.EstabResets": "被重置的连接",
			"Tcp.InCsumErrors": "TCP 校验和错误", "Tcp.InErrs": "出错的报文段", "Udp.InDatagrams": "收到的数据报", "Udp.OutDatagrams": "发出的数据报",
			"Udp.InCsumErrors": "UDP 校验和错误", "Icmp.OutDestUnreachs": "发出的 ICMP 不可达", "Udp.NoPorts": "端口上没有程序的数据报", "Udp.RcvbufErrors": "接收缓冲区满而丢弃",
			"TcpExt.ListenOverflows": "accept 队列满", "TcpExt.ListenDrops": "监听套接字丢弃的连接", "TcpExt.TCPTimeouts": "重传超时",
			"TcpExt.TCPFastRetrans": "快速重传", "TcpExt.TCPLossProbes": "尾部丢失探测", "TcpExt.TCPSackRecovery": "由 SACK 进入恢复",
			"TcpExt.TCPSpuriousRtxHostQueues": "未发出就想重传", "TcpExt.TW": "进入 TIME-WAIT", "TcpExt.DelayedACKs": "推迟的确认",
			"TcpExt.TCPDSACKRecv": "对方说收到了两次", "TcpExt.TCPAbortOnData": "有未读数据时关闭", "TcpExt.TCPSynRetrans": "重传的 SYN", "TcpExt.TCPLostRetransmit": "重传又丢失",
		},

		Service: "服务", Mechanism: "方式", Interface: "网络接口", Link: "链路", Packets: "数据包", NotSeen: "没有看见", Waiting: "正在扣住", NotSent: "内核没有发出的", StoodStill: "停顿", Gaps: "%d 次, 共 %v: 其间数据包没有经过 wire", WasReset: "恢复到开始时的样子: %s", Limits: "做不到",
		Remembered: "见过 %d 个, 记得 %d 个 (%d MiB)",
		Native:     "NFQUEUE, nftables 的 queue 语句; 可以干扰",
		Compat:     "NFQUEUE, xtables 的目标; 可以干扰",
		Observe:    "AF_PACKET; 只能观察", NoMechanism: "尚未开始",
		NoLinkLayer:  "链路层和 ARP 在这里看不见",
		NoImpairment: "不能干扰",
		NoFragments:  "发给客户端的长数据报在 wire 之后才分片",
		FirstPiece:   "发给服务器的长 IPv6 数据报在 wire 之后才重组: 用第一个分片代表它",
		BigFrames:    "看到的 TCP 是切分之前的大块, 校验和还没有写",
		NoOwner:      "内核早于 5.12: wire 被杀死后规则会留下, 但所有数据包照样通过",
	},
	En: phrases{
		NoWire:      "no wire answers at %s: %s",
		StartWire:   "wire runs beside a service: make up; or say where its API is, with WIRE_API",
		Ended:       "wire has ended",
		StartAgain:  "after a restart of the service it is back by itself; else: docker compose up -d",
		WhyWatching: "wire status says why",
		NotToTTY:    "this is nothing for a terminal: send it to a file or a pipe",
		NoPackets:   "there are no packets to draw",
		Watching:    "watching only: the link cannot be broken here (wire status says why)",
		Unseen:      "%d packets were never seen",
		LeftOut:     "%d packets before these are left out; all of them: wire watch --once --since 0",
		NotDrawn:    "%d packets before these are not drawn",
		Hidden:      "%d bare ACKs and keep-alives are hidden",

		Capture:     "capture",
		Elsewhere:   "%d packets of other services are left out",
		NotIP:       "%d frames that are not IP are left out",
		UnknownLink: "%d frames are not read: their link layer is %s",

		LinkClear: "the link leaves packets alone",
		NoFaults:  "no faults",
		DoExample: "for example: wire do 'drop data #1 to client'; wire do - reads standard input, for a container has none of your files; all forms: wire do -h",
		Armed:     "waits for the next connection",
		Bound:     "waits for its packet on connection %d",
		Fired:     "done, to #%d",
		Missed:    "missed: %s",

		SocketHead:  [5]string{"STATE", "LOCAL", "PEER", "RECV-Q", "SEND-Q"},
		NoSockets:   "there are no sockets at this port",
		MoreSockets: "and %d more",
		Backlog:     "%d connections wait for accept, at most %d",
		Resent:      "resent %d",

		NothingCounted: "the kernel has counted nothing yet",
		CountedSince:   "What the kernel has counted since %s, wire's own API included:",
		Meanings: map[string]string{
			"Tcp.ActiveOpens": "connections opened from here", "Tcp.PassiveOpens": "connections accepted", "Tcp.RetransSegs": "segments sent again",
			"Tcp.InSegs": "segments received", "Tcp.OutSegs": "segments sent", "Tcp.OutRsts": "RSTs sent", "Tcp.EstabResets": "connections reset",
			"Tcp.InCsumErrors": "wrong TCP checksums", "Tcp.InErrs": "bad segments", "Udp.InDatagrams": "datagrams received", "Udp.OutDatagrams": "datagrams sent",
			"Udp.InCsumErrors": "wrong UDP checksums", "Icmp.OutDestUnreachs": "ICMP unreachables sent", "Udp.NoPorts": "datagrams to a port where nobody listens", "Udp.RcvbufErrors": "dropped: receive buffer full",
			"TcpExt.ListenOverflows": "accept queue full", "TcpExt.ListenDrops": "connections dropped by a listening socket", "TcpExt.TCPTimeouts": "retransmission timeouts",
			"TcpExt.TCPFastRetrans": "fast retransmissions", "TcpExt.TCPLossProbes": "tail-loss probes", "TcpExt.TCPSackRecovery": "recoveries begun by SACK",
			"TcpExt.TCPSpuriousRtxHostQueues": "retransmissions of what was not yet sent", "TcpExt.TW": "sockets gone to TIME-WAIT", "TcpExt.DelayedACKs": "ACKs put off",
			"TcpExt.TCPDSACKRecv": "the peer says: received twice", "TcpExt.TCPAbortOnData": "closed with unread data", "TcpExt.TCPSynRetrans": "SYNs sent again", "TcpExt.TCPLostRetransmit": "retransmissions lost again",
		},

		Service: "service", Mechanism: "mechanism", Interface: "interface", Link: "link", Packets: "packets", NotSeen: "never seen", Waiting: "kept back now", NotSent: "what the kernel would not send", StoodStill: "stood still", Gaps: "%d times, %v in all: packets passed without wire", WasReset: "as at the start: %s", Limits: "not here",
		Remembered: "%d seen, %d remembered (%d MiB)",
		Native:     "NFQUEUE, by nftables' queue statement; can break the link",
		Compat:     "NFQUEUE, by the xtables target; can break the link",
		Observe:    "AF_PACKET; watching only", NoMechanism: "not started yet",
		NoLinkLayer:  "the link layer and ARP are not seen from here",
		NoImpairment: "the link cannot be broken",
		NoFragments:  "a long datagram to the client is cut into fragments after wire",
		FirstPiece:   "a long IPv6 datagram to the server is put together after wire: its first fragment stands for it",
		BigFrames:    "TCP is seen in big pieces, before they are cut, and checksums before they are written",
		NoOwner:      "this kernel is older than 5.12: if wire is killed its rules stay, and let everything pass",
	},
}
