package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/labtest"
	"netlab.example/pkg/language"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/terminal"
)

// A person is a client with its desk.
type testPerson struct {
	*desk
	err  chan error
	stop func() // as SIGTERM does
}

// startClient starts a client on pipes.
func startClient(t *testing.T, cfg ClientConfig, lang language.Lang, args ...string) *testPerson {
	t.Helper()
	return sit(t, newDesk(t), cfg, lang, args...)
}

func sit(t *testing.T, d *desk, cfg ClientConfig, lang language.Lang, args ...string) *testPerson {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &testPerson{d, make(chan error, 1), cancel}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.err <- client(ctx, cfg, app.Env{Args: args, Stdin: d.in, Stdout: d.out, Lang: language.Choice{People: lang}})
		if !d.tty {
			d.out.Close()
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return p
}

// leaves waits for the client's end.
func (p *testPerson) leaves() error {
	p.t.Helper()
	select {
	case err := <-p.err:
		return err
	case <-time.After(labtest.Patience):
		p.t.Fatal("the client does not end")
		return nil
	}
}

func listen(t *testing.T, url string) net.Listener {
	t.Helper()
	lns, err := sockets.Listen(t.Context(), url, sockets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lns[0].Close() })
	return lns[0]
}

// accept is a scripted server's next connection.
func accept(t *testing.T, ln net.Listener) net.Conn {
	t.Helper()
	ln.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Now().Add(labtest.Patience))
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(labtest.Patience))
	return conn
}

func expectFrom(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	buf := make([]byte, len(want))
	n, err := io.ReadFull(conn, buf)
	if string(buf[:n]) != want {
		t.Fatalf("got %q, %v; want %q", buf[:n], err, want)
	}
}

func TestClientInARoom(t *testing.T) {
	_, addrs, _ := start(t, testConfig(), "tcp4://127.0.0.1:0")
	ben := enter(t, addrs[0])
	ann := startClient(t, ClientConfig{}, language.English, "-name", "Ann", "tcp://"+addrs[0].String())
	ben.expect("* guest-2 joined", "* guest-2 is now Ann")
	ann.expectSoon("Connected to the server\n")
	ann.expectSoon("* hello, you are guest-2, 2 here; /help lists the commands, byebye leaves\n")
	ann.expectSoon("* guest-2 is now Ann\n") // before that, perhaps, that guest-1 has joined: on a slow machine
	ann.types("你好\n\n")
	ben.expect("Ann: 你好")
	ben.Send("hi \x1b[2J\n")
	ann.expectSoon(`guest-1: hi \x1b[2J` + "\n")
	ann.types("exit\nnever sent\n")
	ben.expect("* Ann left")
	ann.expectSoon("byebye\n")
	if err := ann.leaves(); err != nil {
		t.Error(err)
	}
}

// From a pipe all lines are sent, at the rate that the server allows, and all answers are shown.
func TestClientOnAPipe(t *testing.T) {
	cfg := testConfig()
	cfg.Rate = 100
	_, addrs, _ := start(t, cfg, "unix://"+t.TempDir()+"/c.sock")
	ben := enter(t, addrs[0])
	ann := startClient(t, ClientConfig{Server: "unix://" + addrs[0].String(), Name: "Ann"}, language.Chinese)
	ben.expect("* guest-2 joined", "* guest-2 is now Ann")
	const lines = 150
	for n := range lines {
		ann.types(fmt.Sprintf("%d\n", n))
	}
	ann.types("/who\nand the last")
	ann.keys.Close()
	for n := range lines {
		ben.expect(fmt.Sprintf("Ann: %d", n))
	}
	ben.expect("Ann: and the last", "* Ann left")
	ann.expectSoon("已经连接到服务器\n")
	ann.expectSoon("* 2 here: Ann, guest-1\n(* 2 人: Ann, guest-1)\n") // with the meaning in her language
	if err := ann.leaves(); err != nil {
		t.Error(err)
	}
}

func TestNobodyListens(t *testing.T) {
	url := "unix://" + t.TempDir() + "/c.sock"
	for _, mode := range []Mode{inRoom, inTurns} {
		p := startClient(t, ClientConfig{Server: url, Mode: mode}, language.English)
		if err := p.leaves(); err == nil || !strings.Contains(err.Error(), "no such socket file") {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func TestWrongUsage(t *testing.T) {
	for _, args := range [][]string{{"localhost:1"}, {"Anna"}, {"udp://:1"}, {"unixgram:///x"}, {"-foo"}, {"tcp://:1", "x"}, {"-name", "a\nbyebye", "tcp://:1"}, {"-name"}} {
		if err := startClient(t, ClientConfig{Server: "tcp://:1"}, language.English, args...).leaves(); !failure.IsUsage(err) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// A server may send anything.
func TestClientSurvivesItsServer(t *testing.T) {
	url := "unix://" + t.TempDir() + "/c.sock"
	ln := listen(t, url)
	ann := startClient(t, ClientConfig{Server: url}, language.English)
	conn := accept(t, ln)
	ann.expectSoon("Connected to the server\n")
	junk := make([]byte, 1<<20)
	for i := range junk {
		junk[i] = 'x'
	}
	for range 20 { // no newline in 20 MB
		if _, err := conn.Write(junk); err != nil {
			t.Fatal(err)
		}
	}
	io.WriteString(conn, "\n\xff\x1b]0;title\x07\na bare end")
	ann.expectSoon("(a line was too long and is not shown)\n")
	ann.expectSoon(`\xff\x1b]0;title\x07` + "\n")
	ann.keys.Close() // byebye, and a half-close
	if rest, err := io.ReadAll(conn); string(rest) != "byebye\n" || err != nil {
		t.Errorf("got %q, %v", rest, err)
	}
	conn.Close()
	ann.expectSoon("a bare end\n")
	if err := ann.leaves(); err != nil {
		t.Error(err)
	}
}

// A learner's server that knows no newlines is heard too.
func TestClientOfABareServer(t *testing.T) {
	url := "unix://" + t.TempDir() + "/c.sock"
	ln := listen(t, url)
	ann := startClient(t, ClientConfig{Server: url}, language.English)
	conn := accept(t, ln)
	io.WriteString(conn, "你好")
	ann.expectSoon("你好\n")
	io.WriteString(conn, "byebye")
	conn.Close()
	ann.expectSoon("byebye\n")
	if err := ann.leaves(); err != nil {
		t.Error(err)
	}
}

// byebye at the end of a pipe waits as the end of the pipe does: till the server has read all.
func TestByebyeAtTheEndOfAPipe(t *testing.T) {
	cfg := testConfig()
	cfg.Rate = 10
	_, addrs, _ := start(t, cfg, "unix://"+t.TempDir()+"/c.sock")
	ben := enter(t, addrs[0])
	ann := startClient(t, ClientConfig{Server: "unix://" + addrs[0].String()}, language.English)
	ben.expect("* guest-2 joined")
	const lines = 40 // ten at once, then three seconds: longer than a person who leaves is kept waiting
	for n := range lines {
		ann.types(fmt.Sprintf("%d\n", n))
	}
	ann.types("byebye\n")
	for n := range lines {
		ben.expect(fmt.Sprintf("guest-2: %d", n))
	}
	ben.expect("* guest-2 left")
	ann.expectSoon("byebye\n")
	if err := ann.leaves(); err != nil {
		t.Error(err)
	}
}

func TestALineThatIsTooLong(t *testing.T) {
	ln := listen(t, "tcp4://127.0.0.1:0")
	p := startClient(t, ClientConfig{Server: "tcp://" + ln.Addr().String()}, language.Chinese)
	conn := accept(t, ln)
	p.types(strings.Repeat("x", 65<<10) + "\n1\n")
	p.expectSoon(language.Tell(terminal.ErrTooLong, language.Chinese) + "\n")
	p.keys.Close()
	expectFrom(t, conn, "1\nbyebye\n")
	io.WriteString(conn, "byebye\n")
	conn.Close()
	if err := p.leaves(); err == nil || !strings.HasSuffix(err.Error(), "有 1 行没有说出") {
		t.Errorf("the end is %v", err)
	}
}

func TestFailedStart(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{Listen: "unix://" + dir + "/c.sock", Common: app.Common{Ops: "tcp://203.0.113.1:1"}} // an address that is not ours
	if err := serve(t.Context(), cfg, app.Env{Log: zap.NewNop()}); err == nil || failure.HintOf(err) == nil {
		t.Errorf("got %v, hint %v", err, failure.HintOf(err))
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("it left %v behind", left)
	}
}

// serve itself, from configuration to exit, with the operator on a pipe.
func TestServe(t *testing.T) {
	for _, mode := range []Mode{inRoom, inTurns} {
		t.Run(string(mode), func(t *testing.T) {
			path := t.TempDir() + "/c.sock"
			d := newDesk(t)
			cfg := testConfig()
			cfg.Mode, cfg.Listen = mode, "tcp4://127.0.0.1:0,unix://"+path
			bound := make(chan string, 2) // the log's line "listening" is a contract: whoever waits for it can connect
			log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{}), zapcore.AddSync(io.Discard), zap.InfoLevel),
				zap.Hooks(func(e zapcore.Entry) error { bound <- e.Message; return nil }))
			labtest.Run(t, func(ctx context.Context) error {
				return serve(ctx, cfg, app.Env{Log: log, Stdin: d.in, Stdout: d.out, Lang: english})
			})
			for range 2 {
				if got := <-bound; got != "listening" {
					t.Fatalf("logged %q", got)
				}
			}
			p := startClient(t, ClientConfig{Server: "unix://" + path, Mode: mode}, language.English)
			p.types("hello\n")
			d.expectSoon("hello\n")
			d.types("hi\nbyebye\n")
			d.keys.Close()
			p.expectSoon("hi\n")
			if mode == inTurns {
				p.types("and?\n")
			}
			p.expectSoon("byebye\n")
			if err := p.leaves(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(path); err != nil {
				t.Error(err) // the operator's byebye, and the end of their input, stop nothing
			}
		})
	}
}
