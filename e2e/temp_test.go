package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Each question is a datagram. Junk gets no answer, so what comes next is the answer to the question after it.
func TestTempAnswers(t *testing.T) {
	t.Parallel()
	server := serve(t, "udp-temp")
	const fahrenheit, refused = "转换后的温度(华氏温度):", "无法转换:"
	for _, network := range []string{"udp4", "udp6", "unixgram"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			p := probe(t, server.url(network))
			for _, tc := range []struct{ question, answer string }{
				{"36.6", fahrenheit + "97.88"},
				{"37", fahrenheit + "98.6"},
				{"100", fahrenheit + "212"},
				{`\t 36.60\r\n`, fahrenheit + "97.88"},
				{"+0.1", fahrenheit + "32.18"},
				{"-40", fahrenheit + "-40"},
				{"-273.15", fahrenheit + "-459.67"},
				{"1000000000", fahrenheit + "1800000032"},
				{"-273.16", refused},
				{"1000000000.1", refused},
				{"1e3", refused},
				{"你好", refused},
				{`36.6\x00`, fahrenheit + "97.88"},
				{`\xef\xbb\xbf36.6`, fahrenheit + "97.88"},
				{"３６．６", fahrenheit + "97.88"},
				{"－４０", fahrenheit + "-40"},
				{`\xff\xfe3\x006\x00`, "无法转换:这是 UTF-16"},
				{"1" + strings.Repeat("0", 32), refused},
				{strings.Repeat("9", 60000), refused},
			} {
				for _, junk := range []string{"", `\n`, `\xff\xfe`, `\x00`, `3\x006`, `\x1b[2J`, fahrenheit + "97.88", "Temperature in Fahrenheit: 1", refused} {
					p.send(junk + "\n")
				}
				p.send(tc.question + "\n")
				if got := p.out.expect("\n"); !strings.HasPrefix(got, tc.answer) || !strings.HasPrefix(tc.answer, refused) && got != tc.answer {
					t.Errorf("%.40q is answered with %q, want %q", tc.question, got, tc.answer)
				}
			}
		})
	}
}

// Refusals are limited for each address; a temperature is answered all the same.
func TestTempLimitsRefusals(t *testing.T) {
	t.Parallel()
	server := serve(t, "udp-temp", "NETLAB_LANG=en")
	p := probe(t, server.url("udp4"))
	began := time.Now()
	for range 200 {
		p.send("hot\n")
	}
	p.send("36.6\n")
	p.out.find("Temperature in Fahrenheit: 97.88\n", 1) // not always the last: datagrams overtake each other
	n := len(p.out.find("Cannot convert: send a number such as 36.6\n", 10))
	if seconds := int(time.Since(began)/time.Second) + 1; n > 10*(seconds+1) {
		t.Errorf("%d refusals within %d seconds", n, seconds)
	}
	server.out.find("Request from [0-9.:]+: hot  -> Cannot convert: send a number such as 36.6\n", 10)
	server.out.find(`Request from [0-9.:]+: hot  \(not answered: .*\)\n`, 1)
	server.out.find("Request from [0-9.:]+: 36.6  -> Temperature in Fahrenheit: 97.88\n", 1)
	if code := server.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestTempStoryIsHarmless(t *testing.T) {
	t.Parallel()
	server := serve(t, "udp-temp")
	server.expect("绑定 UDP服务 到 1314 端口")
	p := probe(t, server.url("udp6"))
	p.send(`\x1b]0;title\x07\xff` + "\n")
	server.expect("从[fd", "收到请求数据: ", `\x1b]0;title\x07\xff  (不回答: `)
	p.send("36.6\n")
	p.expect("97.88\n")
	server.expect("收到请求数据: 36.6  -> 转换后的温度(华氏温度):97.88\n")
	server.signal("TERM")
	if code := server.exit(); code != 0 || strings.Contains(string(server.out.text), "\x1b") {
		t.Errorf("exit %d, story %q", code, server.out.text)
	}
}

func TestTempClientOnTerminal(t *testing.T) {
	t.Parallel()
	server := serve(t, "udp-temp")
	c := start(t, spec{service: "udp-temp", args: []string{"udp-temp", "client", server.url("udp")}, tty: true})
	c.expect("请输入要转换的摄氏温度:")
	c.send("36.5\x7f6\r") // one digit mended
	c.expect("转换后的温度(华氏温度):97.88\n", "请输入要转换的摄氏温度:")
	c.send("热\r")
	c.expect("无法转换:", "请输入要转换的摄氏温度:")
	c.send("-40\r")
	c.expect("转换后的温度(华氏温度):-40\n", "请输入要转换的摄氏温度:")
	c.send("exit\r")
	if code := c.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestTempClientOnPipe(t *testing.T) {
	t.Parallel()
	server := serve(t, "udp-temp", "NETLAB_LANG=en")
	for _, tc := range []struct {
		args, typed string
		answers     []string
	}{
		{server.url("udp6"), "36.6\n100\n", []string{"97.88", "212"}},
		{server.url("unixgram"), "37\nexit\n100\n", []string{"98.6"}},
		{server.url("udp4") + " 36.6", "", []string{"97.88"}},
		{server.url("unixgram") + " -40", "", []string{"-40"}},
	} {
		c := start(t, spec{service: "udp-temp", args: append([]string{"udp-temp", "client"}, strings.Fields(tc.args)...), env: []string{"NETLAB_LANG=en"}})
		c.send(tc.typed)
		c.eof()
		var got []string
		out := c.rest()
		for line := range strings.Lines(out) {
			if _, answer, ok := strings.Cut(line, "Temperature in Fahrenheit: "); ok {
				got = append(got, strings.TrimSpace(answer))
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(tc.answers) || strings.Contains(out, "\x1b") {
			t.Errorf("%s: printed %q, want the answers %q", tc.args, out, tc.answers)
		}
		if code := c.exit(); code != 0 {
			t.Errorf("%s: exit %d", tc.args, code)
		}
	}
}

// The bytes on the wire are in the server's language; the person gets the meaning in their own as well.
func TestTempClientOfAnotherLanguage(t *testing.T) {
	t.Parallel()
	server := serve(t, "udp-temp", "NETLAB_LANG=en")
	c := start(t, spec{service: "udp-temp", args: []string{"udp-temp", "client", server.url("udp"), "36.6"}, env: []string{"LANG=zh_CN.UTF-8"}})
	c.expect("Temperature in Fahrenheit: 97.88", "转换后的温度(华氏温度):97.88")
	if code := c.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// Datagrams get lost, so the client sends again; and an answer that comes twice is not one to the next question.
func TestTempClientAsksAgain(t *testing.T) {
	t.Parallel()
	server := probe(t, "-listen", "udp://:0")
	c := start(t, spec{service: "udp-temp", args: []string{"udp-temp", "client", "udp://probe:" + server.port()}, env: []string{"NETLAB_LANG=en"}})
	c.send("1\n")
	server.expect("1\n", "1\n") // the first is lost
	server.send("Temperature in Fahrenheit: 33.8\nTemperature in Fahrenheit: 33.8\n")
	c.expect("try 2 of 3", "Temperature in Fahrenheit: 33.8\n")
	c.send("2\n")
	server.expect("2\n")
	server.send("Temperature in Fahrenheit: 35.6\n")
	c.expect("Temperature in Fahrenheit: 35.6\n")
	c.eof()
	if rest := c.rest(); strings.Contains(rest, "Temperature in Fahrenheit") {
		t.Errorf("an old answer came back: %q", rest)
	}
	if code := c.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
}
