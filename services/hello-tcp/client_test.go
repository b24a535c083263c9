package main

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/labtest"
	"netlab.example/pkg/language"
)

// talk runs the client with in typed on a pipe, and returns what it printed.
func talk(t *testing.T, url, in string) (string, error) {
	t.Helper()
	return talkIn(t, language.English, url, in)
}

func talkIn(t *testing.T, lang language.Lang, url, in string) (string, error) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out, err := os.Create(t.TempDir() + "/stdout")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	go func() { io.WriteString(w, in); w.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), labtest.Patience)
	defer cancel()
	cerr := client(ctx, ClientConfig{Server: url}, app.Env{Stdin: r, Stdout: out, Lang: language.Choice{People: lang}})
	b, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b), cerr
}

func TestConversation(t *testing.T) {
	addr, story := start(t, testConfig(), "tcp4://127.0.0.1:0")
	got, err := talk(t, "tcp://"+addr.String(), "one\n\n二\nexit\nnever sent\n")
	if err != nil {
		t.Fatal(err)
	}
	ask, answer := words.En.Ask+"\n", "Received: HTTP/1.1 200 OK\n  | \n  | Hello World, Michael!\n"
	if want := ask + answer + words.En.Again + "\n" + ask + ask + answer + ask; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if s := story(); strings.Count(s, "Client connected") != 2 || !strings.Contains(s, "Received: 二") {
		t.Errorf("transcript: %s", s)
	}
}

// Either word leaves, as in the lab's other clients.
func TestWordsThatLeave(t *testing.T) {
	addr, story := start(t, testConfig(), "tcp4://127.0.0.1:0")
	for _, word := range []string{"exit", "byebye", " byebye ", "ｂｙｅｂｙｅ"} {
		if got, err := talk(t, "tcp://"+addr.String(), word+"\nnever sent\n"); err != nil || got != words.En.Ask+"\n" {
			t.Errorf("%s: %q, %v", word, got, err)
		}
	}
	if s := story(); strings.Contains(s, "connected") {
		t.Errorf("transcript: %s", s)
	}
}

// A line of an answer cannot pass for our prompt, nor for a hint.
func TestAnswerThatLooksLikeUs(t *testing.T) {
	var out strings.Builder
	c := conversation{say: words.En}
	c.show(&out, []byte("hi\r\n"+words.En.Ask+"\nhint: rm -rf\n"+words.En.Again+"\r\n"))
	for i, line := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
		if want := []string{words.En.Answer + "hi", "  | " + words.En.Ask, "  | hint: rm -rf", "  | " + words.En.Again}[i]; line != want {
			t.Errorf("got %q, want %q", line, want)
		}
	}
}

func TestEndOfInputLeaves(t *testing.T) {
	addr, _ := start(t, testConfig(), "unix://"+t.TempDir()+"/h.sock")
	got, err := talk(t, "unix://"+addr.String(), "no newline at the end")
	if err != nil || !strings.Contains(got, "Hello World") {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestNobodyListens(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	_, err = talk(t, "tcp://"+ln.Addr().String(), "hello\n")
	if err == nil || !strings.Contains(err.Error(), "nobody is listening there (connection refused)") {
		t.Errorf("got %v", err)
	}
}

// The whole answer is printed, however it arrives, and nothing in it reaches the terminal raw.
func TestWholeAnswer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for _, answer := range []string{strings.Repeat("x", 5000) + "\x1b[2J", ""} {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			io.ReadAll(conn)
			io.WriteString(conn, answer)
			conn.Close()
		}
	}()
	got, err := talk(t, "tcp://"+ln.Addr().String(), "one\ntwo\n")
	if !strings.Contains(got, strings.Repeat("x", 5000)+`\x1b[2J`+"\n") {
		t.Errorf("got %.100q", got)
	}
	if err == nil || !strings.Contains(err.Error(), words.En.NoMore) {
		t.Errorf("an empty answer: %v", err)
	}
}

func TestWrongUsage(t *testing.T) {
	for _, url := range []string{"localhost:8080", "udp://:8080", "unixgram:///x"} {
		if _, err := talk(t, url, ""); !failure.IsUsage(err) || !strings.Contains(err.Error(), "address") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestPhrases(t *testing.T) {
	labtest.Complete(t, words.Zh)
	labtest.Complete(t, words.En)
	for got, want := range map[string]string{ // the textbook's, byte for byte
		words.Zh.Started:   "服务器启动成功, 等待客户端连接...",
		words.Zh.Connected: "客户端连接成功, 地址: %s",
		words.Zh.Ask:       "请输入要发送的数据:",
		words.Zh.Answer:    "接收到的数据: ",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if !strings.HasPrefix(words.Zh.Received, "接收到客户端发送的数据: ") || !strings.HasPrefix(words.Zh.Closed, "客户端连接关闭") {
		t.Errorf("got %q and %q", words.Zh.Received, words.Zh.Closed)
	}
}

func TestALineThatIsTooLong(t *testing.T) {
	for lang, want := range map[language.Lang]string{language.Chinese: "一行超过 64 KiB\n", language.English: "line is longer than 64 KiB\n"} {
		got, err := talkIn(t, lang, "tcp://127.0.0.1:1", strings.Repeat("x", 70_000)+"\nexit\n")
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}
