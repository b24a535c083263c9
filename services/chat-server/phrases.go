package main

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	"netlab.example/pkg/language"
)

// notices are what the server says on the wire. Each begins with "* ": no name does.
type notices struct {
	Welcome string // name, people
	Joined  string // name
	Left    string // name
	Dropped string // name
	Renamed string // old name, new name

	You        string // name
	Who        string // people, names
	More       string // people, names, people not named
	Help       string
	NoCommand  string
	NameLength string
	NameChars  string
	NameKept   string
	NameTaken  string // name
	TooLong    string
	NotUTF8    string
	UTF16      string
	Unfinished string
	Idle       string
	Full       string // people
	Stopping   string
	OnlySaid   string // lines
}

var wire = language.Both[notices]{
	Zh: notices{
		Welcome: "* 你好, 你是 %s, 这里有 %d 人; /help 看命令, byebye 离开",
		Joined:  "* %s 进来了",
		Left:    "* %s 离开了",
		Dropped: "* %s 收不下消息, 连接已断开",
		Renamed: "* %s 改名为 %s",

		You:        "* 你是 %s",
		More:       "* %d 人: %s 和另外 %d 人",
		Who:        "* %d 人: %s",
		Help:       "* /nick 名字: 改名; /who: 谁在这里; /help: 这一行; //文字: 以 / 开头的消息; byebye: 离开",
		NoCommand:  "* 没有这个命令; /help 看命令",
		NameLength: "* 名字最多 32 个字符",
		NameChars:  "* 名字是一个词 (/nick 名字): 不能有空格, 冒号, 控制字符或看不见的字符, 也不能混用字母表",
		NameKept:   "* 名字不能是 server, 也不能以 * 或 / 开头",
		NameTaken:  "* 已经有人叫 %s",
		TooLong:    "* 没有转发: 一行最多 1024 字节",
		NotUTF8:    "* 没有转发: 不是 UTF-8 文字",
		UTF16:      "* 没有转发: 像是 UTF-16; 这里用 UTF-8",
		Unfinished: "* 一行开始后 30 秒内没有结束, 连接关闭",
		Idle:       "* 沉默太久, 连接关闭",
		Full:       "* 人满了 (最多 %d 人), 请稍后再来",
		Stopping:   "* 服务器停止, 再见",
		OnlySaid:   "* 只说出了你的前 %d 行",
	},
	En: notices{
		Welcome: "* hello, you are %s, %d here; /help lists the commands, byebye leaves",
		Joined:  "* %s joined",
		Left:    "* %s left",
		Dropped: "* %s does not take in messages and was disconnected",
		Renamed: "* %s is now %s",

		You:        "* you are %s",
		More:       "* %d here: %s and %d more",
		Who:        "* %d here: %s",
		Help:       "* /nick NAME: change your name; /who: who is here; /help: this line; //TEXT: a message that begins with /; byebye: leave",
		NoCommand:  "* no such command; /help lists the commands",
		NameLength: "* a name has at most 32 characters",
		NameChars:  "* a name is one word (/nick NAME): no spaces, colons, control or invisible characters, and letters of one alphabet",
		NameKept:   "* a name is not server, and does not begin with * or /",
		NameTaken:  "* somebody is called %s already",
		TooLong:    "* not passed on: a line has at most 1024 bytes",
		NotUTF8:    "* not passed on: this is no UTF-8 text",
		UTF16:      "* not passed on: this looks like UTF-16; please send UTF-8",
		Unfinished: "* a line did not end within 30 seconds of its beginning, closing",
		Idle:       "* silent for too long, closing",
		Full:       "* the room is full (%d people at most), please come again later",
		Stopping:   "* the server stops, goodbye",
		OnlySaid:   "* only your first %d lines were said",
	},
}

// meaning is a notice of the server in a person's language, or "" where it is no notice or is in that
// language already.
func meaning(line string, l language.Lang) string {
	if !strings.HasPrefix(line, "* ") {
		return ""
	}
	for _, t := range translations.In(l)() {
		if m := t.from.FindStringSubmatch(line); m != nil {
			var args []any
			for _, s := range m[1:] {
				args = append(args, s)
			}
			return fmt.Sprintf(t.to, args...)
		}
	}
	return ""
}

// A translation recognizes a notice in one language, and is its format in the other.
type translation struct {
	from *regexp.Regexp
	to   string
}

var translations = language.Both[func() []translation]{
	Zh: sync.OnceValue(func() []translation { return translate(wire.En, wire.Zh) }),
	En: sync.OnceValue(func() []translation { return translate(wire.Zh, wire.En) }),
}

func translate(from, to notices) (ts []translation) {
	f, t := reflect.ValueOf(from), reflect.ValueOf(to)
	for i := range f.NumField() {
		from := regexp.MustCompile("^" + pattern(f.Field(i).String()) + "$")
		ts = append(ts, translation{from, strings.ReplaceAll(t.Field(i).String(), "%d", "%s")})
	}
	// The longest first: "* 3 here: a and 2 more" would look like "* %d here: %s" too.
	slices.SortFunc(ts, func(a, b translation) int { return len(b.from.String()) - len(a.from.String()) })
	return ts
}

// pattern is the regular expression of a notice.
func pattern(format string) string {
	return strings.NewReplacer("%s", "(.+)", "%d", "([0-9]+)").Replace(regexp.QuoteMeta(format))
}

// phrases are what people read at their own terminal, in one language.
type phrases struct {
	// serve
	Connected string // address
	Received  string // text
	Ask       string
	Closed    string // address
	Joined    string // name
	Said      string // name, text
	Renamed   string // old name, new name
	Slowed    string // name, lines a second
	Left      string // name, why

	ByeBye, EndOfInput, Reset, Silent, NoEnd, NotReading, Dismissed, Stopped, NoPerson string // why

	GoesOn   string // process
	TooLong  string // bytes
	NotUTF8  string
	Commands string
	Goodbye  string // people

	PeerEnded  string
	YouAnswer  string
	YouOperate string

	// client
	YouAre     string // name
	HowToLeave string
	NotNow     string
	Reached    string
	AskData    string
	Answer     string // text
	Meaning    string // text
	Quiet      string
	Unanswered string
	SeemsRoom  string
	TryThis    string
	Unreached  string // reason, pause
	Gone       string // reason, pause
	EndedIt    string
	WasReset   string
	NoByebye   string
	NotSent    string // text
	LongLine   string
	NotSaid    string // lines
	MayBeLost  string // lines
	RestUnsent string
	SendAgain  string
}

var words = language.Both[phrases]{
	Zh: phrases{
		Connected: "建立连接: %s",
		Received:  "收到信息: %s",
		Ask:       "请输入发送的信息:",
		Closed:    "连接关闭: %s",
		Joined:    "建立连接: %s (%s)",
		Said:      "收到信息: %s: %s",
		Renamed:   "改名: %s -> %s",
		Slowed:    "%s 说得太快: 每秒只读 %d 行",
		Left:      "连接关闭: %s (%s)",

		ByeBye:     "再见",
		EndOfInput: "对方不再发送",
		Reset:      "连接被对方重置",
		Silent:     "沉默太久",
		NoEnd:      "一行没有在 30 秒内结束",
		NotReading: "收不下消息",
		Dismissed:  "操作员说了再见",
		Stopped:    "服务器停止",
		NoPerson:   "不是人, 是别的协议的程序",

		GoesOn:   "(服务器继续运行; Ctrl-P Ctrl-Q 离开 docker attach; 要停止服务器: make down, 或向进程 %d 发 SIGTERM)",
		TooLong:  "(没有发送: 最多 %d 字节)",
		NotUTF8:  "(没有发送: 不是 UTF-8 文字)",
		Commands: "(/who: 谁在这里; byebye: 向所有人说再见; //文字: 以 / 开头的消息; 其余的话大家都看得到)",
		Goodbye:  "(已向 %d 人说再见; 聊天室还开着)",

		YouAnswer:  "(你是操作员, 与来访者一人一句; exit 或 byebye: 结束与这一位的谈话; Ctrl-P Ctrl-Q: 退出 docker attach, 服务器继续运行)",
		YouOperate: "(你是操作员, 你的话以 server 的名义说给所有人; /who: 谁在这里; byebye: 向所有人说再见; Ctrl-P Ctrl-Q: 退出 docker attach, 服务器继续运行)",
		PeerEnded:  "(对方不再发送, 可能已经离开; byebye 结束, 等下一位)",

		YouAre:     "你是 %s; ",
		HowToLeave: "exit 或 byebye: 离开; Ctrl-P Ctrl-Q: 退出 docker attach, 客户端继续运行",
		NotNow:     "(还没轮到你: 现在输入的不会发送)",
		Reached:    "已经连接到服务器",
		AskData:    "请输入要发送的数据:",
		Answer:     "收到服务器的数据: %s",
		Meaning:    "(%s)",
		Quiet:      "(服务器还没有说话; 如果它要等对方先说, 一人一句, 请用 CHAT_CLIENT_MODE=turns 启动客户端)",
		Unanswered: "(已经连接, 还没有人回答; Ctrl-C 离开)",
		SeemsRoom:  "(没有问, 服务器就说话了; 如果它是聊天室, 请用 CHAT_CLIENT_MODE=room 启动客户端)",
		TryThis:    "先启动服务器 (chat-server serve 或 make up), 或给出它的地址: chat-server client tcp://HOST:PORT",
		Unreached:  "连不上服务器: %s; %v 后再试",
		Gone:       "与服务器的连接断了: %s; %v 后再连",
		EndedIt:    "对方关闭了连接",
		WasReset:   "连接被重置 (connection reset)",
		NoByebye:   "服务器没有用 byebye 回答",
		NotSent:    "没有发送: %s",
		LongLine:   "(有一行太长, 没有显示)",
		NotSaid:    "; 有 %d 行没有说出",
		MayBeLost:  "; 最多有 %d 行可能没有说出",
		RestUnsent: "; 其余的输入没有发送",
		SendAgain:  "缺的是最后几行, 可以重新发送; 服务器每秒读几行: CHAT_SERVER_RATE",
	},
	En: phrases{
		Connected: "Connected: %s",
		Received:  "Received: %s",
		Ask:       "Type a message: ",
		Closed:    "Connection closed: %s",
		Joined:    "Connected: %s (%s)",
		Said:      "Received: %s: %s",
		Renamed:   "Renamed: %s -> %s",
		Slowed:    "%s talks too fast: only %d lines a second are read",
		Left:      "Connection closed: %s (%s)",

		ByeBye:     "said goodbye",
		EndOfInput: "ended its input",
		Reset:      "reset by the peer",
		Silent:     "silent for too long",
		NoEnd:      "a line did not end within 30 seconds",
		NotReading: "does not take in messages",
		Dismissed:  "the operator said goodbye",
		Stopped:    "the server stops",
		NoPerson:   "no person, but a program of another protocol",

		GoesOn:   "(The server goes on. Ctrl-P Ctrl-Q leaves docker attach; to stop the server: make down, or SIGTERM to process %d)",
		TooLong:  "(not sent: at most %d bytes)",
		NotUTF8:  "(not sent: this is no UTF-8 text)",
		Commands: "(/who: who is here; byebye: say goodbye to all; //TEXT: a message that begins with /; all else is for everybody)",
		Goodbye:  "(said goodbye to %d; the room stays open)",

		YouAnswer:  "(you are the operator, and take turns with whoever comes; exit or byebye: end the chat with them; Ctrl-P Ctrl-Q: leave docker attach, and the server goes on)",
		YouOperate: "(you are the operator, and speak to all as server; /who: who is here; byebye: say goodbye to all; Ctrl-P Ctrl-Q: leave docker attach, and the server goes on)",
		PeerEnded:  "(the other side has ended its input, and may have left; byebye ends this, for the next one)",

		YouAre:     "you are %s; ",
		HowToLeave: "exit or byebye: leave; Ctrl-P Ctrl-Q: leave docker attach, and the client goes on",
		NotNow:     "(it is not your turn: what you type now is not sent)",
		Reached:    "Connected to the server",
		AskData:    "Type what to send: ",
		Answer:     "Received: %s",
		Meaning:    "(%s)",
		Quiet:      "(the server has said nothing yet; if it waits for you to begin, and takes turns, start the client with CHAT_CLIENT_MODE=turns)",
		Unanswered: "(connected, nobody has answered yet; Ctrl-C leaves)",
		SeemsRoom:  "(the server speaks without being asked; if it is a room, start the client with CHAT_CLIENT_MODE=room)",
		TryThis:    "start the server first (chat-server serve, or make up), or say where it is: chat-server client tcp://HOST:PORT",
		Unreached:  "no connection to the server: %s; trying again in %v",
		Gone:       "the connection to the server is gone: %s; trying again in %v",
		EndedIt:    "the other side closed it",
		WasReset:   "it was reset (connection reset)",
		NoByebye:   "the server did not answer byebye",
		NotSent:    "not sent: %s",
		LongLine:   "(a line was too long and is not shown)",
		NotSaid:    "; lines that were not said: %d",
		MayBeLost:  "; lines that may not have been said: up to %d",
		RestUnsent: "; the rest of the input was not sent",
		SendAgain:  "the missing lines are the last ones: send them again; CHAT_SERVER_RATE is how many lines a second a server reads",
	},
}
