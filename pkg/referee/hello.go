package referee

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// Hello is one connection, one request, one answer.
var Hello = &Protocol{
	Name:     "hello-tcp",
	Networks: []string{"tcp", "unix"},
	Contract: []Clause{
		{
			ID: "H1",
			Text: due("任何字节都是请求; 回答恰好是 HTTP/1.1 200 OK\\r\\n\\r\\nHello World, NAME!, 一个字节也不多",
				"Any bytes are a request; the answer is exactly HTTP/1.1 200 OK\\r\\n\\r\\nHello World, NAME! and not a byte more"),
			Why:  due("客户端没有别的办法知道回答是什么: 它只有这些字节", "A client has nothing but these bytes to know an answer by"),
			Read: "RFC 9112, 2.1",
		},
		{
			ID: "H2",
			Text: due("回答之后服务器关闭连接 (FIN); 连接结束就是回答结束",
				"After its answer the server closes (FIN): the end of the connection is the end of the answer"),
			Why:  due("没有 Content-Length, 只有 FIN 告诉客户端回答完了", "Without Content-Length only the FIN tells a client that the answer is whole"),
			Read: "RFC 9112, 6.3; close(2)",
		},
		{
			ID: "H3",
			Text: due("以 HTTP 方法和空格开头的请求要读到空行为止, 最多 8 KiB; 更长的请求头得到 431",
				"A request that begins with an HTTP method and a space is read to its blank line, at most 8 KiB; a longer head gets 431"),
			Why:  due("TCP 是字节流: 一次 recv 不一定是一个请求", "TCP is a stream: one recv is not one request"),
			Read: "RFC 9112, 2.2; RFC 6585, 5; recv(2)",
		},
		{
			ID: "H4",
			Text: due("方法的一部分最多单独等 1 秒; 对方结束输入 (半关闭) 时, 任何请求都算完整",
				"The beginning of a method waits at most 1 s for more; the peer's end of input (half-close) makes any request whole"),
			Why:  due("一直等下去的服务器, 会和同样在等的客户端永远互相等待", "A server that only waits, and a client that waits for it, wait for ever"),
			Read: "shutdown(2); RFC 9293, 3.6",
		},
		{
			ID: "H5",
			Text: due("关闭时不能有未读的字节: 先半关闭, 读完对方发来的, 再关闭, 否则回答会变成重置",
				"No bytes are unread at the close: the server half-closes, reads what the peer still sends, then closes; otherwise its answer becomes a reset"),
			Why:  due("关闭一个还有未读数据的套接字会发送 RST, RST 可能毁掉刚发出的回答", "To close a socket with unread bytes sends a RST, which can destroy the answer just sent"),
			Read: "RFC 2525, 2.17; RFC 9293, 3.10.7",
		},
		{
			ID: "H6",
			Text: due("一个沉默、缓慢、断开或重置的对方不妨碍别人; 一个请求的时间有限, 不论字节怎样陆续到来",
				"A peer that is silent, slow, gone or resets keeps nobody from an answer; the time of a whole request is limited, however its bytes arrive"),
			Why:  due("accept 之后一次只服务一个人的循环, 会被一个沉默的人停住", "A loop that serves one peer after another is stopped by a single silent one"),
			Read: "accept(2)",
		},
		{
			ID: "H7",
			Text: due("服务器停止时, 每个连接有序结束 (FIN): 已经回答的不会被重置",
				"A server that is stopped ends each connection in order (FIN): no answer that was given is reset"),
			Why:  due("重新启动是日常的事, 客户端不应为此丢失回答", "A restart is an everyday event, and no client should lose an answer by it"),
			Read: "signal(7); close(2)",
		},
	},
	Checks: []Check{
		{Name: "plain-request", Clause: "H1", Title: due("一个普通的请求", "a plain request"), Run: func(x *Exchange) {
			p := x.Dial()
			p.Send("hello")
			p.Expect(helloHead)
			x.Learn("name", p.greeted())
		}},
		{Name: "second-client", Clause: "H6", Title: due("第二个客户端也得到回答", "a second client is answered, too"), Needs: plain, Run: func(x *Exchange) {
			for range 2 {
				p := x.Dial()
				p.Send("hello")
				p.Expect(x.Answer())
			}
		}},
		{Name: "closes", Clause: "H2", Title: due("回答之后关闭, 不多一个字节", "closes after its answer, and sends not a byte more"), Needs: second,
			Run: func(x *Exchange) { x.asks("hello") }},
		{Name: "http-request", Clause: "H3", Title: due("浏览器的请求", "a browser's request"), Needs: closing,
			Run: func(x *Exchange) { x.asks(httpRequest) }},
		{Name: "byte-by-byte", Clause: "H3", Title: due("一个字节一个字节发来的请求头", "a head that comes byte by byte"), Needs: closing, Run: func(x *Exchange) {
			p := x.Dial()
			last := len(httpRequest) - 1
			for i := range httpRequest[:last] {
				p.Send(httpRequest[i : i+1])
				x.Pause(time.Millisecond)
			}
			p.ExpectQuiet(due("在空行之前没有回答", "no answer before the blank line"))
			p.Send(httpRequest[last:])
			p.answered(x)
		}},
		{Name: "in-three-pieces", Clause: "H3", Title: due("切成三段的请求头", "a head in three pieces"), Needs: closing, Run: func(x *Exchange) {
			p := x.Dial()
			for _, piece := range []string{"GE", "T / HTTP/1.1\r\nHost: a\r", "\n\r\n"} {
				p.ExpectQuiet(due("在空行之前没有回答", "no answer before the blank line"))
				p.Send(piece)
			}
			p.answered(x)
		}},
		{Name: "beginning-of-a-method", Clause: "H4", Title: due("只有方法的开头: GE", "only the beginning of a method: GE"), Needs: closing, Run: func(x *Exchange) {
			p := x.Dial()
			p.Send("GE")
			p.answered(x)
		}},
		{Name: "half-close", Clause: "H4", Title: due("对方半关闭, 请求还没到空行", "a half-close before the blank line"), Needs: closing, Run: func(x *Exchange) {
			p := x.Dial()
			p.Send("GET / HTTP/1.1\r\nHost: a\r\n")
			p.HalfClose()
			p.answered(x)
		}},
		{Name: "no-request", Clause: "H4", Title: due("半关闭, 一个字节也没有发", "a half-close without a byte"), Needs: closing, Run: func(x *Exchange) {
			p := x.Dial()
			p.HalfClose()
			p.answered(x)
		}},
		{Name: "every-byte", Clause: "H1", Title: due("不是文字的字节", "bytes that are no text"), Needs: closing, Run: func(x *Exchange) {
			all := make([]byte, 256)
			for i := range all {
				all[i] = byte(i)
			}
			for _, request := range []string{"\x00", "\xff\xfe", "\x1b[2J", "你好", string(all), "GETS", "\r\n"} {
				x.asks(request)
			}
		}},
		{Name: "head-of-8-KiB", Clause: "H3", Title: due("恰好 8 KiB 的请求头", "a head of exactly 8 KiB"), Needs: closing,
			Run: func(x *Exchange) { x.asks(headOf(8 << 10)) }},
		{Name: "head-too-large", Clause: "H3", Title: due("超过 8 KiB 的请求头", "a head of more than 8 KiB"), Needs: closing, Run: func(x *Exchange) {
			p := x.Dial()
			p.TrySend(headOf(9 << 10)) // the server may answer and end before it has read all
			p.Expect(tooLarge)
			p.ExpectEnd()
		}},
		{Name: "two-in-one-segment", Clause: "H5", Title: due("一个报文段里有两个请求", "two requests in one segment"), Needs: closing,
			Run: func(x *Exchange) { x.asks(httpRequest + httpRequest) }},
		{Name: "unread-body", Clause: "H5", Title: due("服务器不读的正文", "a body that the server does not read"), Needs: closing, Run: func(x *Exchange) {
			for range 10 { // the reset must overtake nothing, not even sometimes
				p := x.Dial()
				// In one write: so that bytes are there, unread, when the server closes.
				p.TrySend("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n" + strings.Repeat("x", 64<<10))
				p.answered(x)
			}
		}},
		{Name: "silent-peer", Clause: "H6", Title: due("一个沉默的对方, 别人照样得到回答", "a silent peer, and others are answered"), Needs: closing, Run: func(x *Exchange) {
			x.Dial()
			begun := x.Dial()
			begun.Send("GET / HT")
			x.asks("hello")
			x.asks(httpRequest)
		}},
		{Name: "resets", Clause: "H6", Title: due("重置连接的对方", "peers that reset"), Needs: closing, Run: func(x *Exchange) {
			x.Dial().Reset()
			p := x.Dial()
			p.Send("hello")
			p.Reset()
			p = x.Dial()
			p.Send("GET / HT")
			p.Reset()
			for range settles { // a server may take a moment to find out, and to fall over
				x.asks("hello")
				x.Pause(settleTime)
			}
		}},
		{Name: "fifty-at-once", Clause: "H6", Title: due("五十个客户端同时", "fifty clients at once"), Needs: closing,
			Run: func(x *Exchange) { x.Together(50, func(int) { x.asks("hello") }) }},
		{Name: "thousand-in-a-row", Clause: "H6", Title: due("一千个客户端, 一个接一个", "a thousand clients, one after the other"), Needs: closing, Run: func(x *Exchange) {
			for i := range 1000 {
				p := x.Dial()
				p.Send(fmt.Sprint("hello ", i))
				p.answered(x)
				p.conn.Close()
			}
		}},
		{Name: "never-ends", Clause: "H6", Title: due("每秒一个字节, 永远不完的请求", "a request that never ends, a byte a second"), Needs: closing, Run: func(x *Exchange) {
			p := x.Dial()
			p.Send("GET / HTTP/1.1\r\nX: ")
			over := time.Now().Add(neverEnds)
			for {
				p.rest = nil
				if p.fill(x.deadline(time.Second)); p.end != nil {
					return // by an answer or without one: it has an end
				}
				if time.Now().After(over) {
					x.Fail(NotClosed, "", due("服务器在 15 秒内结束这个请求", "the server ends this request within 15 s"))
				}
				p.TrySend("x")
			}
		}},
		{Name: "orderly-close", Clause: "H2", Title: due("数据包: 双方以 FIN 结束, FIN 之后没有数据", "packets: a FIN from each side, and no data after it"), Needs: closing, Means: Wire,
			Run: func(x *Exchange) {
				p := x.Dial()
				p.Send("hello")
				p.answered(x)
				p.Close()
				records := p.Packets(closed)
				mustBe(records, notClosedInOrder)
				mustBe(records, dataAfterFIN)
				x.note(offered(records))
			}},
		{Name: "no-reset", Clause: "H5", Title: due("数据包: 回答过的请求没有被重置", "packets: no reset on an answered request"), Needs: closing, Means: Wire,
			Run: func(x *Exchange) {
				p := x.Dial()
				p.TrySend(httpRequest + strings.Repeat("x", 8<<10))
				for p.fill(x.deadline(patience)) == nil { // be it cut short: the packets say why
				}
				p.Close()
				mustBe(p.Packets(closed), resetOfAnswered)
			}},
		{Name: "bad-link", Clause: "H1", Title: due("数据包: 丢包 30 %、乱序、损坏, 每个字节仍然到达", "packets: every byte arrives through 30 % loss, reordering and corruption"), Needs: closing, Means: Wire,
			Run: func(x *Exchange) {
				p, q := x.Dial(), x.Dial()
				x.Impaired(badLink, p.conn.LocalAddr(), func() {
					for _, p := range []*Peer{p, q} {
						p.Send(httpRequest)
						p.ExpectWithin(lossTime, x.Answer())
						p.ExpectEndWithin(lossTime)
					}
				})
			}},
		{Name: "stop", Clause: "H7", Title: due("在对话中间停止", "is stopped in mid-conversation"), Needs: append(closing, "silent-peer"), Means: Stop, Run: func(x *Exchange) {
			silent, begun, whole := x.Dial(), x.Dial(), x.Dial()
			begun.Send("GET / HT")
			whole.Send("hello")
			x.Pause(settleTime)
			x.stops()
			whole.ExpectWithin(stopTime, x.Answer())
			for _, p := range []*Peer{whole, silent} {
				p.ExpectEndWithin(stopTime)
			}
			begun.endsInOrder(x)
			x.stopped()
		}},
	},
}

// endsInOrder waits for the end, whatever comes before it, and minds a reset.
func (p *Peer) endsInOrder(x *Exchange) {
	until := x.deadline(stopTime)
	for {
		switch err := p.fill(until); {
		case err == nil:
			p.rest = nil
		case causeOf(err) == ClosedEarly:
			return
		case causeOf(err) == Silent:
			x.Fail(NotClosed, "", due("服务器关闭连接 (FIN)", "the server closes (FIN)"))
		default:
			panic(&Failure{Cause: Reset, Due: due("服务器关闭连接 (FIN)", "the server closes (FIN)"), Err: err})
		}
	}
}

var (
	plain   = []string{"plain-request"}
	second  = []string{"plain-request", "second-client"}
	closing = []string{"plain-request", "second-client", "closes"}
)

const (
	helloHead   = "HTTP/1.1 200 OK\r\n\r\nHello World, "
	tooLarge    = "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n"
	httpRequest = "GET / HTTP/1.1\r\nHost: localhost:8080\r\nAccept: text/html\r\nConnection: keep-alive\r\n\r\n"
	maxGreeted  = 200 // bytes of the name in the answer
	settles     = 10
	settleTime  = 50 * time.Millisecond
	neverEnds   = 15 * time.Second // our own server takes 10
)

// Answer is the answer that the server gave to the plain request: whom it greets is its own choice, once.
func (x *Exchange) Answer() string { return helloHead + x.Known("name") + "!" }

// greeted reads whom the answer greets, to the exclamation mark.
func (p *Peer) greeted() string {
	words := due("名字, 后面是感叹号", "a name, then an exclamation mark")
	until := p.x.deadline(patience)
	for {
		if i := bytes.IndexByte(p.rest, '!'); i > 0 && i <= maxGreeted {
			name := string(p.rest[:i])
			p.rest = p.rest[i+1:]
			return name
		}
		if len(p.rest) > maxGreeted || len(p.rest) > 0 && p.rest[0] == '!' {
			panic(&Failure{Cause: Unexpected, Got: cut(p.rest), Due: words})
		}
		if err := p.fill(until); err != nil {
			panic(&Failure{Cause: causeOf(err), Got: cut(p.rest), Due: words, Err: err})
		}
	}
}

// asks has one whole conversation.
func (x *Exchange) asks(request string) {
	p := x.Dial()
	p.Send(request)
	p.answered(x)
	p.conn.Close()
}

func (p *Peer) answered(x *Exchange) {
	p.Expect(x.Answer())
	p.ExpectEnd()
}

// headOf is an HTTP head of n bytes, its blank line included.
func headOf(n int) string {
	begin, end := "GET / HTTP/1.1\r\nX: ", "\r\n\r\n"
	return begin + strings.Repeat("x", n-len(begin)-len(end)) + end
}
