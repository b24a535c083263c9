package main

import (
	"fmt"
	"strings"

	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
)

// manual is what -h says of a command: in a few words, for the list of all, and then how it is used.
type manual struct{ short, long language.Both[string] }

func says(zh, en string) language.Both[string] { return language.Both[string]{Zh: zh, En: en} }

var manuals = struct {
	serve, healthcheck, watch, read, link, do, open, sockets, counters, capture, picture, status, reset manual
}{
	serve: manual{short: says("在服务旁边运行: 观察并干扰它的数据包", "runs beside a service, watches its packets and breaks its link")},

	healthcheck: manual{short: says("wire 是否正常, 给容器引擎用", "whether wire is well, for the container engine")},

	watch: manual{
		says("梯形图: 每个数据包和它的结局, 在终端里是实时的", "the ladder: each packet and what became of it, live on a terminal"),
		says(`--conn N     只看连接 N, 从它的开头起
--since N    数据包 N 之后的; 负数从末尾数起 (默认 -100)
--once       只列出现在已有的, 然后结束
--plain      在终端里也一行一行地输出
--json       每行一个 JSON 记录
--delta      时间是与上一个数据包的间隔
--no-acks    隐藏单独的确认和保活
--light      适合白底, 打印和投影的颜色
--width N    宽度, 至少 40
在梯形图里: 空格 停止和继续, ↑↓ PgUp PgDn 滚动, Enter 打开数据包, c 只看它的连接,
a 隐藏或显示确认, t 时间或间隔, l 浅色, q 离开`, `--conn N     connection N alone, from its beginning
--since N    what came after packet N; negative: counted from the end (default -100)
--once       what there is now, and no more
--plain      line by line on a terminal, too
--json       a JSON record on each line
--delta      times are those since the packet before
--no-acks    hides bare ACKs and keep-alives
--light      colours for a white ground, for paper and for projectors
--width N    how wide, at least 40
In the ladder: space stops and goes on, ↑↓ PgUp PgDn scroll, Enter opens a packet, c shows its connection alone,
a hides or shows ACKs, t switches between times and differences, l is for light colours, q leaves`),
	},

	read: manual{
		says("别人抓的包 (pcap, pcapng, gzip) 的梯形图", "the ladder of a capture that anybody made (pcap, pcapng, gzip)"),
		says(`wire read lab.pcap                        梯形图
wire read - < lab.pcap                    从标准输入读
wire open 4 lab.pcap                      拆开其中的数据包 4
wire picture lab.pcap > lab.svg           画成图片
--service tcp://:80    只看这个服务; 不写则看所有连接, 服务器由 SYN 认出, 没有 SYN 时是端口较小的一端
--conn N --json --delta --no-acks --light --width N    同 wire watch
编号是文件里帧的编号; wire 自己的抓包保留原来的编号和结局。`, `wire read lab.pcap                        the ladder
wire read - < lab.pcap                    from standard input
wire open 4 lab.pcap                      packet 4 of it, taken apart
wire picture lab.pcap > lab.svg           as a picture
--service tcp://:80    this service alone; else every connection, and its server is known by SYN, else by the lower port
--conn N --json --delta --no-acks --light --width N    as wire watch has them
Numbers are those of the frames in the file; a wire's own capture keeps its numbers and fates.`),
	},

	link: manual{
		says("链路的设置: 查看或更改", "the link's settings: shows or changes them"),
		says(`wire link                                 查看
wire link out.loss=30% out.delay=50ms     更改写出的设置, 其余不变
wire link clear                           全部恢复
in.… 是发给服务器的方向, out.… 是发给客户端的方向, 不写则两个方向都是。
loss, duplicate, corrupt, reorder    0% 到 100%, 写上百分号
delay, jitter                        0s 到 1m, 例如 50ms, 1.5s
rate                                 每秒 1kbit 到 100gbit, 例如 500kbit, 1mbit; 0 是不限
blackhole                            什么也过不去, 也没有人被告知; in.blackhole 只是一个方向
seed                                 整数; 种子相同, 丢的数据包也相同
后面可以写 on c12 (只是连接 12), from 172.18.0.5 (只是这个客户端, 或一个前缀), after 10s (10 秒以后),
for 30s (30 秒, 然后恢复), 例如 wire link blackhole on c12 for 10s.
预设, 延迟是单程的:
`+presets(language.Chinese), `wire link                                 shows them
wire link out.loss=30% out.delay=50ms     changes these and leaves the others
wire link clear                           sets all back
in.… is the way to the server, out.… the way to the client; without either it is both.
loss, duplicate, corrupt, reorder    0% to 100%, with the percent sign
delay, jitter                        0s to 1m, as in 50ms or 1.5s
rate                                 1kbit to 100gbit a second, as in 500kbit or 1mbit; 0 is as fast as it goes
blackhole                            nothing passes, and nobody is told; in.blackhole is one way alone
seed                                 a whole number; the same seed loses the same packets again
Behind them: on c12 (connection 12 alone), from 172.18.0.5 (this client alone, or a prefix), after 10s, for 30s (then as
before), as in wire link blackhole on c12 for 10s.
Presets; their delay is one way:
`+presets(language.English)),
	},

	do: manual{
		says("对指定的数据包做一次: 丢弃, 推迟, 复制, 损坏, 交换, 重置", "does something to one packet, once: drop, delay, duplicate, corrupt, swap, reset"),
		says(`wire do                                   列出故障和它们的进展
wire do 'drop data #1 to client'          为下一个连接准备一个
wire do - < FILE                          从标准输入读多行; wire do FILE 读 wire 自己看得见的文件
wire do clear                             全部忘记
drop data #1 to client                    服务器发出的第一份数据
drop SYN #1                               也可以是 SYN-ACK, ACK, FIN, RST, ICMP
drop retransmission #1 to client          再次发送的
delay FIN 500ms                           推迟, 最多 1m
duplicate data #1 to server
corrupt data #1 to server
swap data #3 #4 to server                 #3 等到 #4 过去
reset data #2 to server                   由 wire 重置连接: 两边都收到 RST
drop data to client on c12                已经打开的连接 12 的下一份数据; 也可以是 reset on c12
drop SYN #1 from 172.18.0.5               这个客户端的下一个连接
link out.delay=50ms                       文件里也可以写链路的设置; "# " 开头的行是注释
不写 #1 就是 #1. data 和 retransmission 要写 to client 或 to server.`, `wire do                                   lists the faults and how far they are
wire do 'drop data #1 to client'          arms one for the next connection
wire do - < FILE                          lines from standard input; wire do FILE reads a file that wire itself can see
wire do clear                             forgets them all
drop data #1 to client                    the first piece of data that the server sends
drop SYN #1                               also SYN-ACK, ACK, FIN, RST, ICMP
drop retransmission #1 to client          what is sent again
delay FIN 500ms                           at most 1m
duplicate data #1 to server
corrupt data #1 to server
swap data #3 #4 to server                 #3 waits until #4 has passed
reset data #2 to server                   wire resets the connection: both sides get a RST
drop data to client on c12                the next data of connection 12, which is open already; also reset on c12
drop SYN #1 from 172.18.0.5               the next connection of this client
link out.delay=50ms                       in a file, the link's settings too; lines that begin with "# " are comments
#1 may be left out. data and retransmission need to client or to server.`),
	},

	open: manual{
		says("拆开一个数据包: 每个字段, 它的值和字节", "takes a packet apart: each field, its value, its bytes"),
		says(`wire open 4                  数据包 4, 编号在梯形图里
wire open 4 lab.pcap         文件里的; --service 要与 wire read 相同
--json --light --width N     同 wire watch`, `wire open 4                  packet 4; the ladder has its number
wire open 4 lab.pcap         one of a file; with the same --service as for wire read
--json --light --width N     as wire watch has them`),
	},

	sockets: manual{
		says("服务的套接字, 内核眼中的样子", "the service's sockets as the kernel has them"),
		says("--follow 每半秒一次    --json", "--follow twice a second    --json"),
	},

	counters: manual{
		says("wire 启动以来内核的计数", "what the kernel has counted since wire began"),
		says("--all 没有解释的也列出    --json", "--all those that have no explanation, too    --json"),
	},

	capture: manual{
		says("写成 pcapng, 给 Wireshark 和 tshark; 注释里是每个数据包的结局", "writes pcapng for Wireshark and tshark; each packet's comment has its fate"),
		says(`wire capture > lab.pcapng                         记得的全部
wire capture --follow | wireshark -k -i -         实时
--conn N --since N                                同 wire watch`, `wire capture > lab.pcapng                         all that is remembered
wire capture --follow | wireshark -k -i -         live
--conn N --since N                                as wire watch has them`),
	},

	picture: manual{
		says("把梯形图画成 SVG 图片", "draws the ladder as an SVG picture"),
		says(`wire picture > ladder.svg                  最近的数据包, 最多 200 个
wire picture --last > ladder.svg           最近开始的那个连接
wire picture --conn N > ladder.svg         连接 N
wire picture FILE > ladder.svg             抓包文件, 或 wire watch --json 的输出; - 是标准输入
--light                                    白底, 给打印和投影
--since N --delta --no-acks --service --width N    同 wire watch 和 wire read`, `wire picture > ladder.svg                  the latest packets, at most 200
wire picture --last > ladder.svg           the connection that began last
wire picture --conn N > ladder.svg         connection N
wire picture FILE > ladder.svg             of a capture, or of what wire watch --json wrote; - is standard input
--light                                    on white, for paper and projectors
--since N --delta --no-acks --service --width N    as wire watch and wire read have them`),
	},

	status: manual{
		says("wire 用什么方式工作, 这里做不到什么, 漏掉了多少", "by which mechanism wire works, what it cannot do here, what it never saw"),
		says(`--changed    只列出与开始时不同的: 链路和还在等待的故障; 没有就什么也不输出
--json`, `--changed    only what is not as it was at the start: the link, and faults that still wait; nothing if there is none
--json`),
	},

	reset: manual{short: says("链路, 故障和记录恢复到开始时的样子", "link, faults and records as they were at the start")},
}

// presets lists the links that have a name, each with its settings and where they come from.
func presets(lang language.Lang) string {
	var lines []string
	for _, p := range wire.Presets {
		lines = append(lines, fmt.Sprintf("%-10s %s\n           %s", p.Name, p.Line, p.Source.In(lang)))
	}
	return strings.Join(lines, "\n")
}
