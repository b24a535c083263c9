package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"netlab.example/pkg/app"
	"netlab.example/pkg/labtest"
	"netlab.example/pkg/language"
)

// pipeAsker asks over pipes, inside a bubble in which time is free. server is at the other end of each.
func pipeAsker(t *testing.T, server func(conn net.Conn)) (a *asker, tries *[]string) {
	tries = new([]string)
	return &asker{
		dial: func(context.Context) (net.Conn, error) {
			*tries = append(*tries, "dial")
			ours, theirs := net.Pipe()
			go func() {
				server(theirs)
				io.Copy(io.Discard, theirs) // until we hang up
			}()
			return ours, nil
		},
		again: func(waited time.Duration, try int) { *tries = append(*tries, fmt.Sprintf("%v %d", waited, try)) },
	}, tries
}

func TestNobodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, tries := pipeAsker(t, func(net.Conn) {})
		start := time.Now()
		_, err := a.ask(t.Context(), "37")
		if !errors.Is(err, errNoAnswer) || time.Since(start) != 7*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if want := []string{"dial", "1s 2", "2s 3"}; !slices.Equal(*tries, want) { // the tries share a port
			t.Errorf("got %q, want %q", *tries, want)
		}
		a.close()
	})
}

// Two questions are lost, the third is answered.
func TestLostDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, tries := pipeAsker(t, func(conn net.Conn) {
			buf := make([]byte, 10)
			for range 3 {
				if n, err := conn.Read(buf); string(buf[:n]) != "37" {
					t.Errorf("the server got %q, %v", buf[:n], err)
				}
			}
			io.WriteString(conn, "98.6")
		})
		if answer, err := a.ask(t.Context(), "37"); answer != "98.6" {
			t.Errorf("got %q, %v", answer, err)
		}
		if want := []string{"dial", "1s 2", "2s 3"}; !slices.Equal(*tries, want) {
			t.Errorf("got %q, want %q", *tries, want)
		}
		a.close()
	})
}

func TestAskingIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := pipeAsker(t, func(net.Conn) {})
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		start := time.Now()
		if _, err := a.ask(ctx, "37"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 1500*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		a.close()
	})
}

// fake is a server that a test plays itself.
func fake(t *testing.T) (conn net.PacketConn, url string) {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(labtest.Patience))
	return conn, "udp://" + conn.LocalAddr().String()
}

// A late answer to one question is not taken for the answer to the next, nor is a stranger's.
func TestOnlyTheAnswerToThisQuestion(t *testing.T) {
	server, url := fake(t)
	stranger, _ := fake(t)
	c := newConversation(url, "", language.English)
	defer c.close()
	c.tellOn(t.Output())
	var first net.Addr
	for _, question := range []string{"1", "2"} {
		got := make(chan string, 1)
		go func() {
			answer, err := c.ask(t.Context(), question)
			if err != nil {
				t.Error(err)
			}
			got <- answer
		}()
		buf := make([]byte, 100)
		n, from, err := server.ReadFrom(buf)
		if err != nil || string(buf[:n]) != question {
			t.Fatalf("the server got %q, %v", buf[:n], err)
		}
		if first == nil {
			first = from
		} else {
			if from.String() == first.String() {
				t.Errorf("both questions came from %v", from)
			}
			server.WriteTo([]byte("late"), first)
		}
		stranger.WriteTo([]byte("strange"), from)
		server.WriteTo([]byte("answer to "+question), from)
		if answer := <-got; answer != "answer to "+question {
			t.Errorf("got %q", answer)
		}
	}
}

// typed makes a standard input of what a person or a pipe types.
func typed(t *testing.T, text string) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	go func() { io.WriteString(w, text); w.Close() }()
	return r
}

// talk runs the client, and returns what it printed on each of its outputs.
func talk(t *testing.T, lang language.Lang, in string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	file := func(name string) *os.File {
		f, err := os.Create(t.TempDir() + name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	env := app.Env{Args: args, Stdin: typed(t, in), Stdout: file("/out"), Stderr: file("/err"), Lang: language.Choice{People: lang}}
	ctx, cancel := context.WithTimeout(t.Context(), labtest.Patience)
	defer cancel()
	err = client(ctx, ClientConfig{Server: "udp://127.0.0.1:1"}, env)
	read := func(f *os.File) string {
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	return read(env.Stdout), read(env.Stderr), err
}

func TestOnce(t *testing.T) {
	path := t.TempDir() + "/t.sock"
	conns := listen(t, "udp://:0,unixgram://"+path)
	run(t, language.Chinese, conns...)
	port := portOf(conns[0])
	for _, url := range []string{
		fmt.Sprintf("udp://127.0.0.1:%d", port), fmt.Sprintf("udp://localhost:%d", port), fmt.Sprintf("udp6://[::1]:%d", port), "unixgram://" + path,
	} {
		for _, tc := range []struct {
			celsius, stdout string
			lang            language.Lang
			err             string
		}{
			{"36.6", "转换后的温度(华氏温度):97.88\n", language.Chinese, ""},
			{"-40", "转换后的温度(华氏温度):-40\n", language.Chinese, ""},
			{"36.6", "转换后的温度(华氏温度):97.88\n(Temperature in Fahrenheit: 97.88)\n", language.English, ""},
			{"-300", "无法转换:低于绝对零度 -273.15\n(Cannot convert: below absolute zero, -273.15)\n", language.English, "the server gave no temperature"},
			{"-x", "无法转换:不是数字, 请发送例如 36.6\n", language.Chinese, "服务器没有给出温度"},
		} {
			stdout, stderr, err := talk(t, tc.lang, "never read", url, tc.celsius)
			if stdout != tc.stdout || stderr != "" || (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
				t.Errorf("%s %s: %q, %q, %v", url, tc.celsius, stdout, stderr, err)
			}
		}
	}
	if left, _ := os.ReadDir(strings.TrimSuffix(path, "/t.sock")); len(left) != 1 {
		t.Errorf("the clients left socket files behind: %v", left)
	}
}

func TestConversation(t *testing.T) {
	conns := listen(t, "udp4://127.0.0.1:0")
	run(t, language.English, conns...)
	const ask = "请输入要转换的摄氏温度:\n"
	stdout, stderr, err := talk(t, language.Chinese, "36.6\n\n \nhot\n3\x1b\n-40\n byebye\n37\n", "udp://"+conns[0].LocalAddr().String())
	want := ask + "Temperature in Fahrenheit: 97.88\n(转换后的温度(华氏温度):97.88)\n" +
		ask + ask + ask + "Cannot convert: send a number such as 36.6\n(无法转换:不是数字, 请发送例如 36.6)\n" +
		ask + "没有发送, 因为服务器不会回答: 含有控制字符\n" +
		ask + "Temperature in Fahrenheit: -40\n(转换后的温度(华氏温度):-40)\n" + ask
	if stdout != want || stderr != "" || err != nil {
		t.Errorf("got\n%s%s%v\nwant\n%s", stdout, stderr, err, want)
	}
}

// On unixgram the client's own name is bound in the folder that TEMP_CLIENT_REPLIES names.
func TestReplies(t *testing.T) {
	path := t.TempDir() + "/t.sock"
	run(t, language.English, listen(t, "unixgram://"+path)...)
	for replies, want := range map[string]string{t.TempDir(): "", t.TempDir() + "/none": "no such"} {
		c := newConversation("unixgram://"+path, replies, language.English)
		_, err := c.ask(t.Context(), "37")
		if beside, _ := os.ReadDir(filepath.Dir(path)); len(beside) != 1 {
			t.Errorf("beside the server: %v", beside)
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", replies, err)
		}
		c.close()
	}
}

func TestALineThatIsTooLong(t *testing.T) {
	for lang, want := range map[language.Lang]string{language.Chinese: "一行超过 64 KiB\n", language.English: "line is longer than 64 KiB\n"} {
		stdout, _, err := talk(t, lang, strings.Repeat("3", 70_000)+"\nexit\n")
		if err != nil || !strings.Contains(stdout, want) {
			t.Errorf("got %q, %v; want %q", stdout, err, want)
		}
	}
}

// Nobody receives at that port: the network says so, and the client does not try again.
func TestPortUnreachable(t *testing.T) {
	conn, url := fake(t)
	conn.Close()
	_, stderr, err := talk(t, language.English, "", url, "37")
	if want := url + ": nobody receives there: the network answered port unreachable"; err == nil || err.Error() != want || stderr != "" {
		t.Errorf("once: %v, %q", err, stderr)
	}
	// On a pipe nobody is there to try again: the first failure is the end, and the exit code tells it.
	stdout, _, err := talk(t, language.English, "37\n38\n", url)
	if want := url + ": nobody receives there: the network answered port unreachable"; err == nil || err.Error() != want || strings.Count(stdout, words.En.Ask) != 1 {
		t.Errorf("again and again: %q, %v", stdout, err)
	}
	path := t.TempDir() + "/nobody.sock"
	if _, _, err := talk(t, language.English, "", "unixgram://"+path, "37"); err == nil || err.Error() != "unixgram://"+path+": no such socket file" {
		t.Errorf("unixgram: %v", err)
	}
}

func TestWrongUsage(t *testing.T) {
	for _, args := range [][]string{
		{"localhost:1314", "37"}, {"37", "udp://:1314"}, {"udp://:1314", "1", "2"}, {"tcp://:1314"}, {"unix:///x", "37"}, {"udp://:port", "37"},
		{""}, {" "}, {"\x1b"}, {"转换后的温度(华氏温度):1"},
	} {
		stdout, stderr, err := talk(t, language.English, "", args...)
		if err == nil || stdout+stderr != "" {
			t.Errorf("%q: %q, %q, %v", args, stdout, stderr, err)
		}
	}
}

// The textbook's server answers once: with a float64 as Python prints it, and in its own words.
func TestTextbookServer(t *testing.T) {
	server, url := fake(t)
	go func() {
		buf := make([]byte, 1024)
		n, from, _ := server.ReadFrom(buf)
		if string(buf[:n]) == "37" {
			server.WriteTo([]byte("转换后的温度(华氏温度):98.60000000000001"), from)
		}
	}()
	stdout, _, err := talk(t, language.English, "", url, "37")
	if stdout != "转换后的温度(华氏温度):98.60000000000001\n(Temperature in Fahrenheit: 98.60000000000001)\n" || err != nil {
		t.Errorf("got %q, %v", stdout, err)
	}
}

// What any other server says is shown as it came, escaped, and does not look like ours.
func TestForeignAnswers(t *testing.T) {
	for answer, want := range map[string]string{
		"\x1b[2Jhi":               "  | \\x1b[2Jhi\n",
		"":                        "  | \n",
		"a\r\nhint: b\n":          "  | a\n  | hint: b\n",
		words.En.Ask:              "  | " + words.En.Ask + "\n",
		"无法转换:x\n" + words.En.Ask: "无法转换:x\n  | " + words.En.Ask + "\n",
		"转换后的温度(华氏温度):\x1b[31m": "转换后的温度(华氏温度):\\x1b[31m\n(Temperature in Fahrenheit: \\x1b[31m)\n",
		"无法转换:天气不好":             "无法转换:天气不好\n",
	} {
		var out strings.Builder
		newConversation("udp://:1", "", language.English).show(&out, answer)
		if out.String() != want {
			t.Errorf("%q: got %q, want %q", answer, out.String(), want)
		}
	}
}

func TestPhrases(t *testing.T) {
	labtest.Complete(t, words.Zh)
	labtest.Complete(t, words.En)
	labtest.Complete(t, wireWords.Zh)
	labtest.Complete(t, wireWords.En)
	for k := range kinds { // each kind is answered, refused or passed over, and there are words for each
		for _, lang := range []language.Lang{language.Chinese, language.English} {
			why, quiet := wireWords.In(lang).Why[k] != "", words.In(lang).Quiet[k] != ""
			if why != k.refused() || quiet != (k >= empty) {
				t.Errorf("%v: why %v, quiet %v", k, why, quiet)
			}
		}
	}
	for got, want := range map[string]string{ // the textbook's, byte for byte
		wireWords.Zh.Answer:                      "转换后的温度(华氏温度):",
		words.Zh.Ask:                             "请输入要转换的摄氏温度:",
		fmt.Sprintf(words.Zh.Bound, "1314", "A"): "绑定 UDP服务 到 1314 端口 (A)",
		words.Zh.Answered[:len("从%s:%s收到请求数据")]: "从%s:%s收到请求数据",
		words.Zh.Silent[:len("从%s:%s收到请求数据")]:   "从%s:%s收到请求数据",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
