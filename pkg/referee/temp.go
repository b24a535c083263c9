package referee

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Temp is questions and answers in datagrams.
var Temp = &Protocol{
	Name:     "udp-temp",
	Networks: []string{"udp", "unixgram"},
	Contract: []Clause{
		{
			ID: "T1",
			Text: due("含有摄氏温度的数据报得到一个回答: 转换后的温度(华氏温度):97.88 (或英文 Temperature in Fahrenheit: 97.88), 十进制精确, 没有多余的零",
				"A datagram with a temperature in Celsius gets one answer, Temperature in Fahrenheit: 97.88 (or in Chinese 转换后的温度(华氏温度):97.88), in exact decimals, without needless zeros"),
			Why:  due("二进制浮点数里没有 36.6: 37 × 1.8 + 32 会变成 98.60000000000001", "A binary float has no 36.6: 37 × 1.8 + 32 becomes 98.60000000000001"),
			Read: "IEEE 754",
		},
		{
			ID: "T2",
			Text: due("两边的 ASCII 空白不算; 数字是 [+-]数字[.数字], 最多 32 字节, 从 -273.15 到 1000000000; 没有指数、inf、nan、下划线",
				"ASCII white space around it is ignored; a number is [+-]digits[.digits], at most 32 bytes, from -273.15 to 1000000000; no exponent, inf, nan or underscore"),
			Why:  due("语言自带的 float() 接受的比协议多", "A language's own float() takes more than the protocol does"),
			Read: "RFC 8259, 6",
		},
		{
			ID: "T3",
			Text: due("不是这样的数字的文字得到一行简短的说明; 垃圾 (空的, 不是 UTF-8, 含控制字符) 不回答",
				"Text that is no such number gets one short line that says why; junk (empty, not UTF-8, control characters) gets no answer"),
			Why:  due("人打错了, 应该告诉他; 不是人打的字节, 回答了只会被利用", "A person who mistypes is told; an answer to bytes that nobody typed only serves an attacker"),
			Read: "RFC 8085, 3",
		},
		{
			ID: "T4",
			Text: due("回答从被问的地址发出, 发给提问的地址; 一个问题一个回答",
				"An answer comes from the address that was asked and goes to the address that asked; one answer to a question"),
			Why:  due("数据报没有连接: 地址是客户端认出回答的唯一依据", "Datagrams have no connection: the address is all by which a client knows its answer"),
			Read: "recvfrom(2), sendto(2); RFC 1122, 4.1.3.5",
		},
		{
			ID: "T5",
			Text: due("看起来像回答的文字不回答; 对一个地址每秒最多说 10 次无法转换",
				"Text that begins like an answer is not answered; an address is told at most 10 times a second that something cannot be converted"),
			Why:  due("否则一个伪造的数据报就能让两个服务器永远互相回答", "Otherwise one forged datagram makes two servers answer each other for ever"),
			Read: "RFC 8085, 3.1",
		},
		{
			ID:   "T6",
			Text: due("没有一个数据报能使服务器停止", "No datagram ends the server"),
			Why:  due("任何人都能发任何字节, 不需要连接", "Anybody can send any bytes, without a connection"),
			Read: "udp(7)",
		},
	},
	Checks: []Check{
		{Name: "plain-number", Clause: "T1", Title: due("一个普通的温度: 100", "a plain temperature: 100"), Run: func(x *Exchange) {
			got := x.Asks("100")
			for _, words := range answerWords {
				if rest, ok := strings.CutPrefix(got, words); ok {
					if f, err := strconv.ParseFloat(rest, 64); err == nil && 211.9 < f && f < 212.1 {
						x.Learn("words", words)
						return
					}
				}
			}
			x.Fail(Unexpected, got, due(answerWords[0]+"212", answerWords[1]+"212, or "+answerWords[0]+"212"))
		}},
		{Name: "whole-numbers", Clause: "T1", Title: due("整数: 100 是 212, 不是 212.0", "whole numbers: 100 is 212, not 212.0"), Needs: asked, Run: func(x *Exchange) {
			x.Answers("100", "212")
			x.Answers("0", "32")
			x.Answers("-40", "-40")
		}},
		{Name: "exact-decimals", Clause: "T1", Title: due("精确的小数", "exact decimals"), Needs: asked, Run: func(x *Exchange) {
			for _, c := range [][2]string{{"37", "98.6"}, {"36.6", "97.88"}, {"0.1", "32.18"}, {"-17.7777", "0.00014"}, {"1.15", "34.07"}, {"123456789.123456789", "222222252.4222222202"}} {
				x.Answers(c[0], c[1])
			}
		}},
		{Name: "edges", Clause: "T2", Title: due("两端: -273.15 和 1000000000", "the ends: -273.15 and 1000000000"), Needs: asked, Run: func(x *Exchange) {
			x.Answers("-273.15", "-459.67")
			x.Answers("1000000000", "1800000032")
		}},
		{Name: "beyond-the-edges", Clause: "T2", Title: due("超出两端", "beyond the ends"), Needs: asked, Run: func(x *Exchange) {
			x.Refuses("-273.16")
			x.Refuses("1000000000.1")
		}},
		{Name: "white-space", Clause: "T2", Title: due("两边的空白、换行和加号", "white space, a newline and a plus sign"), Needs: asked, Run: func(x *Exchange) {
			x.Answers(" 20 ", "68")
			x.Answers("20\r\n", "68")
			x.Answers("\t20\n", "68")
			x.Answers("+20", "68")
		}},
		{Name: "no-number", Clause: "T3", Title: due("不是数字的文字", "text that is no number"), Needs: asked, Run: func(x *Exchange) {
			for _, q := range []string{"hello", "你好", "--20", "20 C"} {
				x.Refuses(q)
			}
		}},
		{Name: "no-float", Clause: "T2", Title: due("float() 会接受的: 1e3, inf, nan, 1_000, 20.", "what float() would take: 1e3, inf, nan, 1_000, 20."), Needs: asked, Run: func(x *Exchange) {
			for _, q := range []string{"1e3", "inf", "nan", "1_000", "20."} {
				x.Refuses(q)
			}
		}},
		{Name: "too-long", Clause: "T2", Title: due("超过 32 字节的数字", "a number of more than 32 bytes"), Needs: asked, Run: func(x *Exchange) {
			x.Refuses(strings.Repeat("0", 31) + "20")
			x.Answers(strings.Repeat("0", 30)+"20", "68")
		}},
		{Name: "junk", Clause: "T3", Title: due("垃圾不回答", "junk gets no answer"), Needs: asked, Run: func(x *Exchange) {
			for _, q := range []string{"", "\xff\xfe\xfd", "2\x000", "\x1b[2J"} {
				x.Quiet(q)
			}
		}},
		{Name: "like-an-answer", Clause: "T5", Title: due("看起来像回答的文字", "text that looks like an answer"), Needs: asked, Run: func(x *Exchange) {
			x.Quiet(x.Known("words") + "68")
			x.Quiet(x.Asks("hello")) // its refusal, sent back
		}},
		{Name: "one-answer", Clause: "T4", Title: due("一个问题一个回答", "one answer to a question"), Needs: asked, Run: func(x *Exchange) {
			a := x.Asker()
			a.Send("20")
			first, came := a.Receive(patience)
			if !came {
				x.Fail(Silent, "", due("一个回答", "an answer"))
			}
			if again, came := a.Receive(quietTime); came {
				x.Fail(Surplus, again, due("只有一个回答: "+first, "one answer only: "+first))
			}
		}},
		{Name: "same-socket-again", Clause: "T4", Title: due("同一个套接字再问一次", "a second question from the same socket"), Needs: asked, Run: func(x *Exchange) {
			a := x.Asker()
			for range tries {
				a.Send("20")
				if _, came := a.Receive(patience); !came { // another address than the first is a failure
					x.Fail(Silent, "", due("每个问题一个回答", "an answer to each question"))
				}
			}
		}},
		{Name: "two-at-once", Clause: "T4", Title: due("两个客户端同时问, 各得各的回答", "two clients ask at once, and each gets its own answer"), Needs: exact, Run: func(x *Exchange) {
			a, b := x.Asker(), x.Asker()
			a.Send("10")
			b.Send("20")
			for _, w := range []struct {
				a    *Asker
				want string
			}{{b, "68"}, {a, "50"}} {
				got, came := w.a.Receive(patience)
				if want := x.Known("words") + w.want; !came || got != want {
					cause := WrongAddress
					if !came {
						cause = Silent
					}
					panic(&Failure{Cause: cause, Want: []byte(want), Got: []byte(got), Due: due("问的人得到自己的回答", "whoever asked gets their own answer")})
				}
			}
		}},
		{Name: "large-datagram", Clause: "T6", Title: due("很大的数据报", "a large datagram"), Needs: exact, Run: func(x *Exchange) {
			x.Asker().Send(strings.Repeat("9", 9000))
			x.Asker().Send(strings.Repeat("\xff", 20000))
			x.Answers("20", "68")
		}},
		{Name: "flood-of-nonsense", Clause: "T5", Title: due("一秒钟四十句无法转换的话", "forty times nonsense within a second"), Needs: exact, Run: func(x *Exchange) {
			a := x.Asker()
			for range 40 {
				a.Send("nonsense")
			}
			n := 0
			for until := time.Now().Add(900 * time.Millisecond); time.Now().Before(until); {
				if _, came := a.Receive(time.Until(until)); came {
					n++
				}
			}
			if n > 25 { // the second may begin twice; forty come from whoever counts nothing
				x.Fail(Surplus, fmt.Sprint(n), due("每秒最多 10 个拒绝", "at most 10 refusals a second"))
			}
			x.Answers("20", "68")
		}},
		{Name: "fifty-at-once", Clause: "T4", Title: due("五十个客户端同时", "fifty clients at once"), Needs: exact, Run: func(x *Exchange) {
			x.Together(50, func(i int) { x.Answers(fmt.Sprint(5*i), fmt.Sprint(9*i+32)) })
		}},
		{Name: "thousand-in-a-row", Clause: "T6", Title: due("一千个问题, 一个接一个", "a thousand questions, one after the other"), Needs: exact, Run: func(x *Exchange) {
			for i := range 1000 {
				x.Answers(fmt.Sprint(5*i), fmt.Sprint(9*i+32))
			}
		}},
		{Name: "bad-link", Clause: "T4", Title: due("数据包: 丢包 30 %、乱序、损坏, 再问就得到同样的回答", "packets: through 30 % loss, reordering and corruption, who asks again gets the same answer"), Needs: exact, Means: Wire,
			Run: func(x *Exchange) {
				x.Impaired(badLink, x.localAddr(), func() {
					for _, c := range [][2]string{{"20", "68"}, {"37", "98.6"}} {
						want := x.Known("words") + c[1]
						a := x.Asker()
						came := false
						for until := x.deadline(lossTime); !came && time.Now().Before(until); {
							a.Send(c[0])
							var got string
							if got, came = a.Receive(firstWait); came && got != want {
								panic(&Failure{Cause: WrongByte, Want: []byte(want), Got: []byte(got), Offset: common(got, want)})
							}
						}
						if !came {
							x.Fail(Silent, "", due("一个回答", "an answer"))
						}
					}
				})
			}},
	},
}

var (
	answerWords = []string{"转换后的温度(华氏温度):", "Temperature in Fahrenheit: "}
	asked       = []string{"plain-number"}
	exact       = []string{"plain-number", "whole-numbers"}
)
