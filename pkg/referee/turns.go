package referee

import (
	"errors"
	"io"
	"time"
)

// Turns is a textbook's chat: one peer at a time talks with the operator at the server, in turns.
var Turns = &Protocol{
	Name:     "chat-server-turns",
	Networks: []string{"tcp", "unix"},
	Contract: []Clause{
		{
			ID: "D1",
			Text: due("对方先说; 一次读就是一条消息, 显示在服务器的终端上; 操作员输入的一行是回答, 发送时不带换行",
				"The peer speaks first; one read is one message, shown at the server's terminal; the line that its operator types is the answer, sent without a newline"),
			Why:  due("没有分隔符, 所以双方只能靠轮流来知道一条消息在哪里结束", "Without a delimiter only the turns tell both sides where a message ends"),
			Read: "send(2); recv(2)",
		},
		{
			ID: "D2",
			Text: due("严格轮流: 操作员回答之前, 不读对方的下一条消息",
				"Strict turns: the peer's next message is not read before the operator has answered"),
			Why:  due("同时说话的两个人, 不知道哪个回答属于哪个问题", "Of two who speak at once, nobody knows which answer belongs to which question"),
			Read: "tcp(7)",
		},
		{
			ID: "D3",
			Text: due("任何一方的 byebye 结束对话: 操作员的先发给对方, 然后服务器关闭连接 (FIN)",
				"byebye from either side ends the conversation: the operator's is sent first, then the server closes (FIN)"),
			Why:  due("约定一个词, 双方才同时知道对话完了", "A word that both know lets both know that it is over"),
			Read: "close(2)",
		},
		{
			ID: "D4",
			Text: due("一次只服务一个; 其他人在 listen(2) 的队列里等待, 前一个结束后轮到下一个",
				"One peer at a time is served; others wait in the backlog of listen(2), and the next is served when one has ended"),
			Why:  due("连接由内核建立: 对方连上了, 程序可能还没有 accept", "The kernel connects: a peer may be connected long before the program accepts it"),
			Read: "listen(2); accept(2)",
		},
		{
			ID: "D5",
			Text: due("对方结束输入或重置, 和 byebye 一样结束对话, 但不使服务器停止",
				"The peer's end of input or its reset ends the conversation as byebye does, and never the server"),
			Why:  due("recv 返回 0 不是空消息, 而是对方不再发送", "A recv that returns 0 is no empty message: the peer sends no more"),
			Read: "recv(2); RFC 9293, 3.6",
		},
	},
	Checks: []Check{
		{Name: "say-and-answer", Clause: "D1", Title: due("对方说, 操作员回答", "the peer speaks, and the operator answers"), Run: func(x *Exchange) {
			p := x.Converse()
			p.Asks("hello-1", "answer-1")
			x.Learn("turns", "taken")
			p.Leave()
		}},
		{Name: "no-delimiter", Clause: "D1", Title: due("回答不带换行", "an answer without a newline"), Needs: oneTurn, Run: func(x *Exchange) {
			p := x.Converse()
			p.Asks("hello-5", "answer-5")
			p.ExpectQuiet(due("回答就是输入的一行, 不带换行, 之后轮到对方", "the answer is the line without its newline, and then it is the peer's turn"))
			p.Leave()
		}},
		{Name: "several-turns", Clause: "D1", Title: due("三个来回", "three turns each"), Needs: turning, Run: func(x *Exchange) {
			p := x.Converse()
			for _, n := range []string{"2", "3", "4"} {
				p.Asks("hello-"+n, "answer-"+n)
			}
			p.Leave()
		}},
		{Name: "chinese-and-emoji", Clause: "D1", Title: due("中文和表情", "Chinese and emoji"), Needs: turning, Run: func(x *Exchange) {
			p := x.Converse()
			p.Asks("你好 🎈", "世界 é")
			p.Leave()
		}},
		{Name: "one-after-the-other", Clause: "D2", Title: due("对方连说两句, 一句一答", "two messages at once are answered one after the other"), Needs: turning, Run: func(x *Exchange) {
			p := x.Converse()
			p.Says("first-6")
			if !x.operator.Watches() {
				x.Pause(quietTime) // nobody can tell that the first was read: together the two would be one message
			}
			p.Send("second-6")
			if x.operator.Watches() && x.operator.Sees(x.ctx, "second-6", quietTime) {
				x.Fail(TooEarly, "second-6", due("回答第一句之前不读第二句", "the second message is not read before the first is answered"))
			}
			p.Answered("answer-6")
			x.shows("second-6")
			p.Answered("answer-7")
			p.Leave()
		}},
		{Name: "byebye", Clause: "D3", Title: due("对方说 byebye", "byebye from the peer"), Needs: turning, Run: func(x *Exchange) {
			p := x.Converse()
			p.Asks("hello-8", "answer-8")
			p.Send(byebye)
			p.EndOfVisit()
		}},
		{Name: "operators-byebye", Clause: "D3", Title: due("操作员说 byebye", "byebye from the operator"), Needs: turning, Run: func(x *Exchange) {
			p := x.Converse()
			p.Says("hello-9")
			p.Answered(byebye)
			p.EndOfVisit()
		}},
		{Name: "next-one", Clause: "D4", Title: due("前一个结束后, 下一个得到服务", "when one has left, the next is served"), Needs: turning, Run: func(x *Exchange) {
			p := x.Converse()
			p.Asks("hello-10", "answer-10")
			p.Leave()
			next := &Talker{x.Dial()}
			next.Asks("hello-11", "answer-11")
			next.Leave()
		}},
		{Name: "others-wait", Clause: "D4", Title: due("第二个人先等着, 再轮到", "a second peer waits, and then has its turn"), Needs: []string{"say-and-answer", "no-delimiter", "byebye", "next-one"}, Run: func(x *Exchange) {
			p := x.Converse()
			p.Asks("hello-12", "answer-12")
			next := &Talker{x.Dial()}
			next.Send("waiting-12")
			if x.operator.Watches() && x.operator.Sees(x.ctx, "waiting-12", quietTime) {
				x.Fail(TooEarly, "waiting-12", due("第二个人等到第一个结束", "the second peer waits until the first has left"))
			}
			p.Asks("hello-13", "answer-13")
			p.Leave()
			x.shows("waiting-12")
			next.Answered("answer-14")
			next.Leave()
		}},
		{Name: "end-of-input", Clause: "D5", Title: due("对方结束输入", "the peer's end of input"), Needs: turning, Run: func(x *Exchange) {
			p := x.Converse()
			p.Asks("hello-15", "answer-15")
			p.HalfClose()
			p.EndOfVisit()
		}},
		{Name: "reset", Clause: "D5", Title: due("对方重置连接", "a peer that resets"), Needs: []string{"say-and-answer", "no-delimiter", "next-one"}, Run: func(x *Exchange) {
			p := x.Converse()
			p.Asks("hello-16", "answer-16")
			p.Reset()
			next := &Talker{x.Dial()}
			next.Asks("hello-17", "answer-17")
			next.Leave()
		}},
	},
}

var (
	oneTurn = []string{"say-and-answer"}
	turning = []string{"say-and-answer", "no-delimiter"}
)

const byebye = "byebye"

// A Talker is a peer that takes turns with the operator.
type Talker struct{ *Peer }

// Converse connects when nobody else is served. A program that has ended, or was left in a state that nobody knows, is
// started again first: whether that is right is a check of its own.
func (x *Exchange) Converse() *Talker {
	x.operator.Fresh()
	if !x.operator.Runs() {
		x.startAgain()
	}
	return &Talker{x.dialSoon()}
}

func (x *Exchange) startAgain() {
	if err := x.operator.Again(); err != nil {
		panic(&Failure{Cause: Ended, Due: due("服务器程序再次启动", "the server's program starts again"), Err: err})
	}
}

// dialSoon connects to a program that may have been started a moment ago.
func (x *Exchange) dialSoon() (p *Peer) {
	until := x.deadline(patience)
	for {
		failure := attempt(func() { p = x.Dial() })
		switch {
		case failure == nil:
			return p
		case failure.Cause != Refused, !x.operator.Watches(), time.Now().After(until):
			panic(failure)
		case !x.operator.Runs() && len(x.known) == 0: // the very first: the program could not start
			panic(failure)
		case !x.operator.Runs():
			x.startAgain()
		}
		x.Pause(settleTime)
	}
}

// attempt runs a step and returns its failure.
func attempt(step func()) (failure *Failure) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(*Failure)
			if !ok {
				panic(r)
			}
			failure = f
		}
	}()
	step()
	return nil
}

// Says sends a message, which is then shown at the server.
func (t *Talker) Says(message string) {
	t.Send(message)
	t.x.shows(message)
}

func (x *Exchange) shows(message string) {
	if x.operator.Sees(x.ctx, message, patience) {
		return
	}
	cause := Silent
	if !x.operator.Runs() {
		cause = Ended
	}
	x.Fail(cause, x.operator.Shown(), due("服务器的终端显示 "+message, "the server's terminal shows "+message))
}

// Answered has the operator type a line, which is exactly what the peer receives.
func (t *Talker) Answered(line string) {
	t.x.happened("operator", Typed, []byte(line))
	if err := t.x.operator.Types(line); err != nil {
		panic(&Failure{Cause: Ended, Due: due("操作员输入 "+line, "the operator types "+line), Err: err})
	}
	t.ExpectWithin(t.x.operator.Patience(), line)
}

// Asks is a turn each.
func (t *Talker) Asks(message, answer string) {
	t.Says(message)
	t.Answered(answer)
}

// EndOfVisit waits for the end, and lets the server say byebye before it: both are an orderly goodbye.
func (t *Talker) EndOfVisit() {
	words := due("服务器关闭连接 (FIN)", "the server closes (FIN)")
	until := t.x.deadline(patience)
	for {
		err := t.fill(until)
		switch {
		case len(t.rest) > len(byebye) || string(t.rest) != byebye[:len(t.rest)]:
			panic(&Failure{Cause: Surplus, Got: cut(t.rest), Due: words})
		case err == nil:
		case errors.Is(err, io.EOF):
			t.sparesTimeWait()
			return
		case causeOf(err) == Silent:
			panic(&Failure{Cause: NotClosed, Due: words})
		default:
			panic(&Failure{Cause: Reset, Due: words, Err: err})
		}
	}
}

// Leave says byebye, and leaves the server as it was before. What becomes of the byebye is judged elsewhere: a server
// that does not close is started again, if that is possible.
func (t *Talker) Leave() {
	t.TrySend(byebye)
	for until := t.x.deadline(leaveTime * 5); t.fill(until) == nil; {
	}
	t.sparesTimeWait()
	if t.end == nil && t.x.operator.Watches() {
		t.x.startAgain()
	}
}

// sparesTimeWait ends the connection with a reset after the server's FIN. The server has closed first, so its side would
// stay in TIME_WAIT for a minute: a program that is started again without SO_REUSEADDR could not bind its port. A program
// that ends after one peer has a moment to do so.
func (t *Talker) sparesTimeWait() {
	t.Peer.Reset()
	t.x.Pause(settleTime)
}
