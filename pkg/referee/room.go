package referee

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Room is many connections that share state.
var Room = &Protocol{
	Name:     "chat-server",
	Networks: []string{"tcp", "unix"},
	Contract: []Clause{
		{
			ID: "R1",
			Text: due("一条消息是一行 UTF-8, 最多 1,024 字节, 以换行结束; 其他每个人得到 名字: 文字\\n, 自己得不到; 大家看到的顺序相同",
				"A message is a line of UTF-8, at most 1,024 bytes and a newline; everybody else gets NAME: TEXT\\n, its writer does not; the order is the same for all"),
			Why:  due("谈话的意义在于顺序: 回答要在问题之后", "A conversation lives by its order: an answer comes after its question"),
			Read: "RFC 3629",
		},
		{
			ID: "R2",
			Text: due("TCP 是字节流: 一行可以分几段到, 几行可以一段到; 最后一行没有换行, 由输入结束来结束; \\r\\n 也是换行",
				"TCP is a stream: a line may come in several segments, and several lines in one; the end of input ends a last line without a newline; \\r\\n is a newline, too"),
			Why:  due("一次 send 不等于一次 recv", "One send is not one recv"),
			Read: "recv(2); RFC 9293, 2.2",
		},
		{
			ID: "R3",
			Text: due("服务器的话以 * 和空格开头; 每个人得到一个名字, 用 /nick 更改; 名字唯一, 最多 32 个字符, 不能是 server, 不以 * 或 / 开头; /who 列出所有人, /help 列出命令",
				"What the server says begins with * and a space; everybody is given a name and changes it with /nick; names are unique, at most 32 characters, never server, never beginning with * or /; /who lists all, /help the commands"),
			Why:  due("名字是别人认出你的唯一依据, 所以不能冒充", "A name is all by which others know you, so nobody may pass for another"),
			Read: "RFC 8266",
		},
		{
			ID: "R4",
			Text: due("byebye 只得到 byebye 并结束这次来访; 结束输入也结束来访; 离开的人不再在 /who 里, 名字可以再用",
				"byebye is answered with byebye alone and ends the visit, and so does the end of input; who has left is not in /who, and the name is free again"),
			Why:  due("一个连接结束的方式不止一种, 服务器都必须注意到", "A connection can end in several ways, and a server has to notice each"),
			Read: "shutdown(2); RFC 9293, 3.6",
		},
		{
			ID: "R5",
			Text: due("太长的一行一超过限度就被拒绝, 不是 UTF-8 的一行也被拒绝, 各用一行说明, 连接继续; 控制字符不会到达别人的终端",
				"A line that is too long is refused as soon as it is, one that is not UTF-8 when it ends, each with one line, and the connection lives on; no control character reaches another's terminal"),
			Why:  due("没有限度的一行会占满内存; 转义序列能改写别人的屏幕", "A line without a limit fills the memory; an escape sequence rewrites somebody's screen"),
			Read: "ECMA-48; RFC 3629, 10",
		},
		{
			ID: "R6",
			Text: due("沉默的人、不读的人、断开或重置的人, 都不妨碍别人",
				"Nobody who is silent, does not read, leaves or resets keeps the others from talking"),
			Why:  due("send 在对方的窗口满时会阻塞: 给所有人发送的循环会被一个人停住", "send blocks when a peer's window is full: a loop that sends to all is stopped by one"),
			Read: "send(2); RFC 9293, 3.8.6",
		},
		{
			ID: "R7",
			Text: due("从没发过换行的人, 停顿 200 毫秒就结束一条消息 (不会在一个字符中间), 得到的文字也不带换行",
				"Of a peer that has never sent a newline, a pause of 200 ms ends a message (never inside a character), and it gets its lines without newlines"),
			Why:  due("教科书里的程序发送时不带换行", "A textbook's programs send text without a newline"),
			Read: "tcp(7)",
		},
		{
			ID: "R8",
			Text: due("服务器停止时, 已经说完的话都送到, 每个连接有序结束 (FIN)",
				"A server that is stopped delivers what was said before, and ends each connection in order (FIN)"),
			Why:  due("说了而没有人听到的话, 没有人知道它丢了", "Of a line that was said and reached nobody, nobody knows that it is lost"),
			Read: "signal(7); close(2)",
		},
	},
	Checks: []Check{
		{Name: "say-and-hear", Clause: "R1", Title: due("一个人说, 另一个人听到并回答", "one says, another hears and answers"), Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			a.Say("hello")
			b.Hears(a, "hello")
			b.Say("yes?")
			a.Hears(b, "yes?")
		}},
		{Name: "not-echoed", Clause: "R1", Title: due("自己的话不会回来", "nobody gets their own lines"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			a.Say("mine")
			b.Hears(a, "mine")
			b.Say("yours")
			a.ExpectLine(b.name + ": yours") // and nothing before it but notices
		}},
		{Name: "all-hear", Clause: "R1", Title: due("每个人都听到", "everybody hears it"), Needs: talking, Run: func(x *Exchange) {
			a := x.Enter()
			people := x.enterAll(5)
			a.Say("to all")
			for _, p := range people {
				p.Hears(a, "to all")
			}
		}},
		{Name: "same-order", Clause: "R1", Title: due("大家听到的顺序相同", "the same order for all"), Needs: talking, Run: sameOrder},
		{Name: "chinese-and-emoji", Clause: "R1", Title: due("中文和表情", "Chinese and emoji"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			for _, text := range []string{"你好, 世界", "🎈 é ß", "a: b", "* server: hello"} {
				a.Say(text)
				b.Hears(a, text)
			}
		}},
		{Name: "two-in-one-segment", Clause: "R2", Title: due("一个报文段里有两行", "two lines in one segment"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			a.Send("one\ntwo\n")
			b.Hears(a, "one")
			b.Hears(a, "two")
		}},
		{Name: "line-in-three", Clause: "R2", Title: due("一行分三段", "a line in three segments"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			a.sendInPieces("he", "ll", "o\n")
			b.Hears(a, "hello")
		}},
		{Name: "cut-in-a-character", Clause: "R2", Title: due("在一个汉字中间切断", "cut inside a Chinese character"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			a.sendInPieces("\xe4", "\xbd", "\xa0\n")
			b.Hears(a, "你")
		}},
		{Name: "crlf", Clause: "R2", Title: due("以 \\r\\n 结束的一行", "a line that ends in \\r\\n"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			a.Send("telnet\r\n")
			b.Hears(a, "telnet")
		}},
		{Name: "last-line", Clause: "R2", Title: due("没有换行的最后一行", "a last line without a newline"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			a.Send("last")
			a.HalfClose()
			b.Hears(a, "last")
		}},
		{Name: "who", Clause: "R3", Title: due("/who 列出在这里的人", "/who lists who is here"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			a.SeesIn(a.name, b.name)
		}},
		{Name: "help", Clause: "R3", Title: due("/help 和不存在的命令", "/help, and a command that is none"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			a.Send("/help\n")
			a.ExpectNotice(due("一行以 * 开头的说明", "a line of help that begins with *"), func(string) bool { return true })
			a.Send("/nosuchcommand\n")
			a.ExpectNotice(due("一行以 * 开头的说明", "a line that begins with *"), func(string) bool { return true })
			a.Say("still here")
			b.Hears(a, "still here") // and no command before it
		}},
		{Name: "taken-name", Clause: "R3", Title: due("别人已经用了的名字", "a name that somebody has"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			b.Send("/nick " + a.name + "\n")
			b.Say("who am I?")
			a.Hears(b, "who am I?")
		}},
		{Name: "no-names", Clause: "R3", Title: due("不能用的名字", "names that nobody may have"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			for _, bad := range []string{"server", "Server", "*star", "/slash", strings.Repeat("n", 33), "a\x1bb"} {
				b.Send("/nick " + bad + "\n")
			}
			b.Say("still me")
			a.Hears(b, "still me")
		}},
		{Name: "byebye", Clause: "R4", Title: due("byebye", "byebye"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			a.Send("byebye\n")
			a.ExpectLine("byebye")
			a.ExpectEnd()
			b.SeesIn(b.name)
			b.SeesNot(a.name)
		}},
		{Name: "end-of-input", Clause: "R4", Title: due("输入结束也是离开", "the end of input leaves, too"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			a.HalfClose()
			a.ExpectGone(patience)
			b.SeesNot(a.name)
		}},
		{Name: "gone-without-a-word", Clause: "R4", Title: due("没有告别就断开的人不在 /who 里", "who is gone without a word is not in /who"), Needs: []string{"say-and-hear", "who"}, Run: func(x *Exchange) {
			a, b, c := x.Enter(), x.Enter(), x.Enter()
			a.Reset()
			c.Close()
			b.SeesNot(a.name)
			b.SeesNot(c.name)
			d := x.Dial()
			back := &Person{d, c.name}
			back.takeName()
			b.SeesIn(c.name)
		}},
		{Name: "longest-line", Clause: "R5", Title: due("恰好 1,024 字节的一行", "a line of exactly 1,024 bytes"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			text := strings.Repeat("x", 1024)
			a.Say(text)
			b.Hears(a, text)
		}},
		{Name: "line-without-end", Clause: "R5", Title: due("没有尽头的一行", "a line without an end"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			a.TrySend(strings.Repeat("x", 64<<10))
			a.ExpectNotice(due("不等换行, 一超过限度就用一行拒绝", "one line that refuses it, before any newline comes"), func(string) bool { return true })
			a.Send("\n")
			a.Say("alive")
			b.Hears(a, "alive")
		}},
		{Name: "not-utf-8", Clause: "R5", Title: due("不是 UTF-8 的一行", "a line that is not UTF-8"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			a.Send("\xff\xfe\xfd\n")
			a.ExpectNotice(due("一行以 * 开头的拒绝", "one line that begins with * and refuses it"), func(string) bool { return true })
			a.Say("alive")
			b.Hears(a, "alive")
		}},
		{Name: "control-characters", Clause: "R5", Title: due("转义序列到不了别人的终端", "no escape sequence reaches another's terminal"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			a.Send("red \x1b[31m \x07 \u009b2J\n")
			line := b.Line(due("说的话, 控制字符已转义", "what was said, its control characters escaped"))
			for strings.HasPrefix(line, "* ") {
				line = b.Line(due("说的话", "what was said"))
			}
			if strings.ContainsFunc(line, unicode.IsControl) || !strings.HasPrefix(line, a.name+": ") {
				x.Fail(Unexpected, line, due("没有控制字符的一行", "a line without a control character"))
			}
			a.Say("after")
			b.Hears(a, "after")
		}},
		{Name: "without-a-newline", Clause: "R7", Title: due("从不发换行的人", "a peer that never sends a newline"), Needs: talking, Run: bare},
		{Name: "silent-peer", Clause: "R6", Title: due("沉默的人不妨碍别人", "silent peers keep nobody from talking"), Needs: talking, Run: func(x *Exchange) {
			x.Dial()
			x.Enter().Send("a line that has begun")
			a, b := x.Enter(), x.Enter()
			a.Say("hello")
			b.Hears(a, "hello")
		}},
		{Name: "resets", Clause: "R6", Title: due("重置连接的人不妨碍别人", "peers that reset keep nobody from talking"), Needs: talking, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			x.Dial().Reset()
			c := x.Enter()
			c.Send("half a line")
			c.Reset()
			d := x.Enter()
			a.Say("to one that is leaving")
			d.Reset()
			half := c.name + ": " // whether half a line is said in the end is the server's choice
			b.expectLine(a.name+": to one that is leaving", half)
			for range settles { // a server may take a moment to find out, and to fall over
				a.Say("hello")
				b.expectLine(a.name+": hello", half)
				x.Pause(settleTime)
			}
		}},
		{Name: "does-not-read", Clause: "R6", Title: due("一个不读的人不妨碍别人", "one who does not read keeps nobody from talking"), Needs: talking, Run: doesNotRead},
		{Name: "fifty-at-once", Clause: "R6", Title: due("五十个人同时进来", "fifty people come at once"), Needs: talking, Run: func(x *Exchange) {
			a := x.Enter()
			people := x.enterAll(50)
			a.Say("crowd")
			for _, p := range people {
				p.Hears(a, "crowd")
			}
		}},
		{Name: "bad-link", Clause: "R1", Title: due("数据包: 丢包 30 %、乱序、损坏, 每一行仍按顺序到达", "packets: every line arrives in order through 30 % loss, reordering and corruption"), Needs: talking, Means: Wire,
			Run: func(x *Exchange) {
				a, b := x.Enter(), x.Enter()
				x.Impaired(badLink, a.conn.LocalAddr(), func() {
					for i := range 10 {
						a.Say(fmt.Sprint("line ", i))
					}
					a.HalfClose()
					words := due("说过的每一行, 按顺序", "every line that was said, in order")
					until := x.deadline(lossTime)
					for i := 0; i < 10; {
						switch line := b.lineBy(until, words); {
						case line == fmt.Sprintf("%s: line %d", a.name, i):
							i++
						case !strings.HasPrefix(line, "* "):
							x.Fail(Unexpected, line, words)
						}
					}
				})
			}},
		{Name: "orderly-goodbye", Clause: "R4", Title: due("数据包: byebye 之后双方以 FIN 结束", "packets: after byebye a FIN from each side"), Needs: talking, Means: Wire,
			Run: func(x *Exchange) {
				a := x.Enter()
				a.Say(byebye)
				a.endsInOrder(x)
				a.Close()
				records := a.Packets(closed)
				mustBe(records, notClosedInOrder)
				mustBe(records, dataAfterFIN)
				x.note(offered(records))
			}},
		{Name: "stop", Clause: "R8", Title: due("在谈话中间停止", "is stopped in mid-conversation"), Needs: talking, Means: Stop, Run: func(x *Exchange) {
			a, b := x.Enter(), x.Enter()
			a.Say("last words")
			b.Send("half a li")
			x.Pause(settleTime)
			x.stops()
			b.Hears(a, "last words")
			a.endsInOrder(x)
			b.endsInOrder(x)
			x.stopped()
		}},
	},
}

var (
	talking  = []string{"say-and-hear"}
	cutPause = 300 * time.Millisecond // longer than the pause that ends a message without a newline
)

// A Person is a peer with a name in the room.
type Person struct {
	*Peer
	name string
}

// Enter connects, and takes a name that nobody has had.
func (x *Exchange) Enter() *Person { return x.enterAs(x.newName()) }

func (x *Exchange) newName() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := len(x.known["names"])
	x.known["names"] += "."
	return fmt.Sprintf("ref%dx", n)
}

func (x *Exchange) enterAs(name string) *Person {
	p := &Person{x.Dial(), name}
	p.takeName()
	return p
}

func (p *Person) takeName() {
	p.Send("/nick " + p.name + "\n")
	p.ExpectNotice(due("一行以 * 开头, 说出新名字 "+p.name, "a line that begins with * and tells the new name "+p.name),
		func(line string) bool { return has(line, p.name) })
}

func (x *Exchange) enterAll(n int) []*Person {
	people := make([]*Person, n)
	x.Together(n, func(i int) { people[i] = x.Enter() })
	return people
}

// sendInPieces sends each piece as a segment of its own.
func (p *Person) sendInPieces(pieces ...string) {
	for _, piece := range pieces {
		p.Send(piece)
		p.x.Pause(cutPause)
	}
}

// Say sends a line.
func (p *Person) Say(text string) { p.Send(text + "\n") }

// Hears waits for what another says. It passes over notices, and over the person's own lines: that those do not come back
// is for one check to judge.
func (p *Person) Hears(from *Person, text string) { p.expectLine(from.name+": "+text, p.name+": ") }

// who asks who is here until ok holds of the answer: that somebody has left may take the server a moment to notice.
func (p *Person) who(words string, zh string, ok func(line string) bool) {
	until := time.Now().Add(patience)
	for {
		p.Send("/who\n")
		line := p.ExpectNotice(due(zh, words), func(line string) bool { return has(line, p.name) })
		if ok(line) {
			return
		}
		if time.Now().After(until) {
			panic(&Failure{Cause: Unexpected, Got: []byte(line), Due: due(zh, words)})
		}
		p.x.Pause(100 * time.Millisecond)
	}
}

// SeesIn expects names in the answer to /who, and SeesNot that a name is not in it.
func (p *Person) SeesIn(names ...string) {
	list := strings.Join(names, ", ")
	p.who("/who lists "+list, "/who 列出 "+list, func(line string) bool {
		return !slices.ContainsFunc(names, func(n string) bool { return !has(line, n) })
	})
}

func (p *Person) SeesNot(name string) {
	p.who("/who lists "+name+" no more", "/who 不再列出 "+name, func(line string) bool { return !has(line, name) })
}

// has reports whether a name stands in a line: names of the referee end in x, so none begins another.
func has(line, name string) bool { return strings.Contains(line, name) }

// sameOrder has four people talk at once, and compares what two others hear.
func sameOrder(x *Exchange) {
	const talkers, lines = 4, 10
	a, b := x.Enter(), x.Enter()
	people := x.enterAll(talkers)
	x.Together(talkers+2, func(i int) {
		if i < talkers {
			for n := range lines {
				people[i].Say(fmt.Sprint("line ", n))
			}
		}
	})
	hears := func(p *Person) (all []string) {
		for len(all) < talkers*lines {
			line := p.Line(due("四个人各说的十行", "ten lines of each of four people"))
			if !strings.HasPrefix(line, "* ") {
				all = append(all, line)
			}
		}
		return all
	}
	first, second := hears(a), hears(b)
	for i := range first {
		if first[i] != second[i] {
			x.Fail(Unexpected, fmt.Sprintf("A: %s, B: %s", first[i], second[i]), due("两个人听到的顺序相同", "two people hear the same order"))
		}
	}
	next := map[string]int{}
	for _, line := range first { // and of each talker, the order in which they said it
		name, text, _ := strings.Cut(line, ": ")
		if text != fmt.Sprint("line ", next[name]) {
			x.Fail(Unexpected, line, due("每个人的话按说的顺序到达", "what one says arrives in the order in which it was said"))
		}
		next[name]++
	}
}

// bare is the textbook's way to send: without a newline.
func bare(x *Exchange) {
	a := x.Enter()
	p := x.Dial()
	x.Pause(cutPause)
	p.rest = nil
	p.Send("hello")
	a.hearsEnd(": hello")
	p.Send("\xe4\xbd")
	x.Pause(cutPause)
	p.Send("\xa0")
	a.hearsEnd(": 你")
	// What has come until now may have been sent before the server could know.
	for p.fill(x.deadline(quietTime)) == nil {
	}
	p.rest = nil
	a.Say("yes?")
	want := a.name + ": yes?"
	p.Expect(want)
	p.ExpectQuiet(due("没有换行", "no newline"))
}

// hearsEnd waits for what a peer says whose name is not known.
func (p *Person) hearsEnd(end string) {
	words := due("一行, 以 "+end+" 结束", "a line that ends in "+end)
	until := p.x.deadline(patience)
	for {
		line := p.lineBy(until, words)
		if strings.HasSuffix(line, end) && !strings.HasPrefix(line, "* ") {
			return
		}
		if !strings.HasPrefix(line, "* ") {
			panic(&Failure{Cause: Unexpected, Got: []byte(line), Due: words})
		}
	}
}

// doesNotRead fills the buffers of one who reads nothing, while others go on talking.
func doesNotRead(x *Exchange) {
	const talkers, lines = 12, 30 // 360 KB: more than a kernel holds for a connection with a small window
	deaf := &Person{x.dialWith(smallWindow), x.newName()}
	deaf.takeName()
	a := x.Enter()
	people := x.enterAll(talkers)
	text := strings.Repeat("x", 1000)
	x.Together(talkers+1, func(i int) {
		if i == talkers {
			words := due("所有人说的话", "what everybody says")
			for n := 0; n < talkers*lines; {
				line := a.Line(words)
				if !strings.HasPrefix(line, "* ") {
					n++
				}
			}
			return
		}
		heard := make(chan struct{})
		go func() { // they read, as people do
			defer close(heard)
			for people[i].end == nil && people[i].fill(x.deadline(2*patience)) == nil {
				people[i].rest = nil
			}
		}()
		for range lines {
			people[i].Say(text)
		}
		people[i].HalfClose()
		<-heard
	})
}
