//go:build linux

package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A number in a sentence, or a ratio such as "1.11 (1.03 to 1.29)". One that belongs to a name (p50, DEFER_ACCEPT=on) is none.
var number = regexp.MustCompile(`\b\d[\d.,]*( \([\d.]+ to [\d.]+\))?`)

// inChinese is a sentence of the tables in Chinese. The sentence is looked up without its numbers, and gets them back
// in the same order: what was measured exists once, whatever the language of the page.
func inChinese(sentence string) (string, error) {
	chinese, ok := dictionary[number.ReplaceAllString(sentence, "#")]
	if !ok {
		return "", fmt.Errorf("no Chinese for %q: add it to chinese.go", sentence)
	}
	numbers := number.FindAllString(sentence, -1)
	if strings.Count(chinese, "#") != len(numbers) {
		return "", fmt.Errorf("the Chinese for %q has not as many numbers", sentence)
	}
	for _, n := range numbers {
		chinese = strings.Replace(chinese, "#", strings.Replace(n, " to ", " 到 ", 1), 1)
	}
	return chinese, nil
}

// inChinese is the table in Chinese: every title, note and heading. Of the cells only those that hold words are in the
// dictionary; names and figures are the same in both languages.
func (t *table) inChinese() (*table, error) {
	zh := &table{notes: slices.Clone(t.notes), head: slices.Clone(t.head)}
	var err error
	if zh.title, err = inChinese(t.title); err != nil {
		return nil, err
	}
	for _, sentences := range [][]string{zh.notes, zh.head} {
		for i, s := range sentences {
			if sentences[i], err = inChinese(s); err != nil {
				return nil, err
			}
		}
	}
	for _, row := range t.rows {
		row = slices.Clone(row)
		for i, cell := range row {
			if chinese, err := inChinese(cell); err == nil {
				row[i] = chinese
			} else {
				row[i] = number.ReplaceAllStringFunc(cell, func(n string) string { return strings.Replace(n, " to ", " 到 ", 1) })
			}
		}
		zh.row(row...)
	}
	return zh, nil
}

var dictionary = map[string]string{
	"": "", "#": "#", // a heading may be empty, or a number

	"Targets": "目标", "at least": "至少", "measured": "测得", "met": "达到", "missed": "未达到",
	"nothing to compare with": "没有可比较的对象", "none": "无",
	"# wrong, # failed": "# 个错误, # 个失败", "# lost, # out of order": "丢失 # 行, 乱序 # 行",

	"hello-tcp, DEFER_ACCEPT=on ÷ nginx":                     "hello-tcp, DEFER_ACCEPT=on ÷ nginx",
	"hello-tcp, DEFER_ACCEPT=on ÷ floor":                     "hello-tcp, DEFER_ACCEPT=on ÷ 下限",
	"hello-tcp, DEFER_ACCEPT=off ÷ nginx":                    "hello-tcp, DEFER_ACCEPT=off ÷ nginx",
	"chat-server, # people, # talking: lost or out of order": "chat-server, # 人, # 人说话: 丢失或乱序",
	"chat-server, # people, one talking ÷ the better peer":   "chat-server, # 人, 一人说话 ÷ 较好的对手",
	"the better peer's p99 ÷ chat-server's":                  "较好对手的 p99 ÷ chat-server 的 p99",
	"udp-temp ÷ floor":                                       "udp-temp ÷ 下限",
	"udp-temp: wrong or lost answers":                        "udp-temp: 错误或丢失的回答",

	"server": "服务器", "people": "人数", "talking": "说话的人", "program": "程序", "image": "镜像",
	"thousand answers/s": "千个回答/秒", "thousand deliveries/s": "千次送达/秒", "µs of processor each": "每个所用处理器时间 µs",
	"p50 ms": "p50 ms", "p99 ms": "p99 ms", "generator busy": "发生器占用", "wrong or failed": "错误或失败",
	"lost or out of order": "丢失或乱序", "wrong or lost": "错误或丢失",
	"rate ÷ nginx": "速率 ÷ nginx", "rate ÷ floor": "速率 ÷ 下限", "chat-server ÷ this": "chat-server ÷ 它",
	"start to listening, ms": "从启动到监听, ms", "memory, nobody connected": "内存, 无人连接", "for each of # idle": "# 个空闲连接时每个",

	"floor (C)": "下限 (C)", "floor, DEFER_ACCEPT": "下限, DEFER_ACCEPT", "plain Go": "普通 Go", "plain Python": "普通 Python",
	"nginx, deferred": "nginx, 推迟 accept", "hello-tcp without its lobby": "hello-tcp, 不用 lobby", "hello-tcp, transcript on": "hello-tcp, 打开讲述",

	"hello-tcp: one connection a request, # at a time":                                                                     "hello-tcp: 每个请求一个连接, 同时 # 个",
	"One request is one connection: connect, ask, answer, close. The transcript is off unless the row says that it is on.": "一个请求就是一个连接: 连接, 提问, 回答, 关闭。讲述 (transcript) 是关闭的, 除非那一行注明打开。",
	"The lobby ([lobby](../services/hello-tcp/lobby)) answers # times as many as the same server without it, with DEFER_ACCEPT # times. Without DEFER_ACCEPT a connection whose request has not arrived when it is accepted gets a goroutine; that is the difference between the two.": "有 lobby ([lobby](../services/hello-tcp/lobby)) 时, 回答数是没有它时的 # 倍, 打开 DEFER_ACCEPT 时是 # 倍。不用 DEFER_ACCEPT 时, 如果 accept 返回而请求还没到, 这个连接就要一个 goroutine; 差别就在这里。",
	"hello-tcp again, asked by ab":                                 "hello-tcp, 由 ab 再问一次",
	"`ab -c #`, from apache2-utils: a generator that is not ours.": "`ab -c #`, 来自 apache2-utils: 不是我们自己的发生器。",

	"chat-server: everyone hears everything": "chat-server: 每个人都听到每一句话",
	"Lines of # bytes, one write each; # lines are under way (said, and not yet heard by all). A delivery is one line that reaches one person. `CHAT_SERVER_RATE=#`; ngircd runs without its flood protection.": "每行 # 字节, 每行一次写; 同时有 # 行在途中 (已经说出, 还没有被所有人听到)。一次送达是一行到达一个人。`CHAT_SERVER_RATE=#`; ngircd 关闭了防洪水保护。",

	"chat-server: # people paste # lines of # bytes at once": "chat-server: # 人同时粘贴 # 行, 每行 # 字节",
	"They read when all have pasted. Somebody is lost who does not get every line of all others. Before talkers waited for readers, all were lost.": "所有人粘贴完之后才开始读。没有收到其他人全部的话, 就算丢失。在让说话的人等待读者之前, 所有人都会丢失。",
	"people lost": "丢失的人", "lines lost": "丢失的行", "seconds": "秒", "# of #": "# / #",
	"chat-server, # people paste at once: people lost": "chat-server, # 人同时粘贴: 丢失的人",

	"udp-temp: # questions under way": "udp-temp: # 个问题在途中",
	"Twelve clients with sixteen questions each, all different. An answer is right only if it belongs to a question that is under way.": "十二个客户端, 每个十六个问题, 各不相同。只有属于某个在途问题的回答才算正确。",

	"At rest": "空闲时",
	"Memory is the proportional set size of all processes of a server. What the kernel keeps for a socket is the same for all, and not counted. The people of chat-server are in the room; those of ngircd have registered and joined no channel; ncat needs minutes for a thousand. Start to listening is the median of # starts. A program's size is that of its file, without libraries; an image of ours holds only that file.": "内存是服务器所有进程的 PSS (proportional set size)。内核为每个套接字保存的内容对谁都一样, 不计入。chat-server 的人都在聊天室里; ngircd 的人已注册, 没有加入频道; ncat 接纳一千人要几分钟。从启动到监听是 # 次启动的中位数。程序大小是它的文件大小, 不含动态库; 我们的镜像里只有这一个文件。",

	"Growth: chat-server, by people":                                "增长: chat-server, 按人数",
	"Growth: chat-server, by length of a line":                      "增长: chat-server, 按行的长度",
	"Growth: memory, by idle connections":                           "增长: 内存, 按空闲连接数",
	"Growth: hello-tcp, by connections at once":                     "增长: hello-tcp, 按同时的连接数",
	"thousand deliveries/s, at people, one talking":                 "千次送达/秒, 人数 (一人说话)",
	"thousand deliveries/s, at bytes a line, # people, one talking": "千次送达/秒, 每行字节数 (# 人, 一人说话)",
	"MB, at idle connections":                                       "MB, 空闲连接数",
	"thousand answers/s, at connections at once":                    "千个回答/秒, 同时的连接数",
}
