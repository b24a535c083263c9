package main

import (
	"context"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"netlab.example/pkg/app"
	"netlab.example/pkg/labtest"
	"netlab.example/pkg/sockets"
)

// A desk is the operator's, or a client's person's: a pipe to type into, and what was shown.
type desk struct {
	t    *testing.T
	keys *os.File // write end of standard input
	in   *os.File
	out  *os.File
	read *os.File // read end of standard output
	seen string

	tty  bool
	rest string // shown, and not seen yet
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	pipe := func() (r, w *os.File) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close(); w.Close() })
		return r, w
	}
	d := &desk{t: t}
	d.in, d.keys = pipe()
	d.read, d.out = pipe()
	return d
}

func (d *desk) types(s string) {
	d.t.Helper()
	if _, err := io.WriteString(d.keys, s); err != nil {
		d.t.Fatal(err)
	}
}

// look reads what is shown.
func (d *desk) look() error {
	buf := make([]byte, 4096)
	n, err := d.read.Read(buf)
	if !d.tty {
		d.seen += string(buf[:n])
		return err
	}
	shown, rest := withoutEscapes(d.rest + string(buf[:n]))
	d.seen, d.rest = d.seen+shown, rest
	return err
}

var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[@-~]|\r`)

// withoutEscapes is what was shown, less what moves the cursor. rest is an escape sequence that has only begun.
func withoutEscapes(shown string) (text, rest string) {
	if i := strings.LastIndexByte(shown, 0x1b); i >= 0 && !escapes.MatchString(shown[i:]) {
		shown, rest = shown[:i], shown[i:]
	}
	return escapes.ReplaceAllString(shown, ""), rest
}

// expect demands that want is what is shown next.
func (d *desk) expect(want string) {
	d.t.Helper()
	d.read.SetReadDeadline(time.Now().Add(labtest.Patience))
	for len(d.seen) < len(want) && strings.HasPrefix(want, d.seen) {
		if err := d.look(); err != nil {
			d.t.Fatalf("saw %q, %v; want %q", d.seen, err, want)
		}
	}
	if !strings.HasPrefix(d.seen, want) {
		d.t.Fatalf("saw %q, want %q", d.seen, want)
	}
	d.seen = d.seen[len(want):]
}

// expectSoon demands that want is shown at some time, whatever comes before.
func (d *desk) expectSoon(want string) {
	d.t.Helper()
	d.read.SetReadDeadline(time.Now().Add(labtest.Patience))
	for {
		if _, after, ok := strings.Cut(d.seen, want); ok {
			d.seen = after
			return
		}
		if err := d.look(); err != nil {
			d.t.Fatalf("saw %q, %v; want %q in it", d.seen, err, want)
		}
	}
}

func startTurns(t *testing.T, urls string, set ...func(*Config)) (operator *desk, addrs []net.Addr, stop func()) {
	t.Helper()
	d := newDesk(t)
	addrs, stop = startTurnsAt(t, d, urls, set...)
	return d, addrs, stop
}

func startTurnsAt(t *testing.T, d *desk, urls string, set ...func(*Config)) (addrs []net.Addr, stop func()) {
	t.Helper()
	lns, err := sockets.Listen(t.Context(), urls, sockets.Options{Backlog: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, ln := range lns {
		addrs = append(addrs, ln.Addr())
	}
	cfg := testConfig()
	cfg.Mode = inTurns
	for _, f := range set {
		f(&cfg)
	}
	env := app.Env{Log: zap.NewNop(), Stdin: d.in, Stdout: d.out} // Chinese: the textbook's words
	term, err := openTurns(env, words.Zh)
	if err != nil {
		t.Fatal(err)
	}
	stop = labtest.Run(t, func(ctx context.Context) error {
		defer term.Close()
		return newTurns(cfg, env, newCounts(), term).serve(ctx, lns...)
	})
	return addrs, stop
}

const askOperator = "请输入发送的信息:\n"

// The textbook's calls: a bare send, one recv of 1,024 bytes. The words on both sides are the textbook's.
func TestTurns(t *testing.T) {
	operator, addrs, _ := startTurns(t, "tcp4://127.0.0.1:0")
	first := labtest.Dial(t, addrs[0])
	second := labtest.Dial(t, addrs[0]) // waits in the backlog, and may speak already
	second.Send("我是第二个")
	who, next := first.LocalAddr().String(), second.LocalAddr().String()

	operator.expect("建立连接: " + who + "\n")
	first.Send("你好")
	operator.expect("收到信息: 你好\n" + askOperator)
	operator.types("你好呀\n")
	first.Expect("你好呀")
	first.Send("\x1b[2Jmore\r\n")
	operator.expect(`收到信息: \x1b[2Jmore` + "\n" + askOperator)
	operator.types("\n") // nothing is no answer
	operator.expect(askOperator)
	operator.types(strings.Repeat("长", 342) + "\n") // nor is more than one read
	operator.expect("(没有发送: 最多 1024 字节)\n" + askOperator)
	operator.types("好\n")
	first.Expect("好")
	first.Send("byebye")
	operator.expect("连接关闭: " + who + "\n")
	first.ExpectEOF()

	operator.expect("建立连接: " + next + "\n收到信息: 我是第二个\n" + askOperator)
	operator.types("byebye\n")
	second.Expect("byebye")
	second.ExpectEOF()
	operator.expect("连接关闭: " + next + "\n")
}

// Without a transcript the operator sees what there is to answer, and nothing else.
func TestTurnsWithoutTranscript(t *testing.T) {
	operator, addrs, _ := startTurns(t, "tcp4://127.0.0.1:0", func(cfg *Config) { cfg.Transcript = false })
	labtest.Dial(t, addrs[0]).Close()
	for range 2 {
		p := labtest.Dial(t, addrs[0])
		p.Send("你好")
		operator.expect("收到信息: 你好\n" + askOperator)
		operator.types("byebye\n")
		p.Expect("byebye")
		p.ExpectEOF()
	}
}

func TestTurnsEndWithInput(t *testing.T) {
	operator, addrs, _ := startTurns(t, "unix://"+t.TempDir()+"/c.sock,tcp4://127.0.0.1:0")
	p := labtest.Dial(t, addrs[0])
	p.Send("hello")
	operator.expect("建立连接: unix\n收到信息: hello\n" + askOperator)
	operator.types("and\n")
	p.Expect("and")
	p.CloseWrite() // the end of a peer's input is its byebye
	p.ExpectEOF()
	operator.expect("连接关闭: unix\n")

	operator.keys.Close() // and the end of the operator's input is the operator's, from now on
	for i := range 3 {
		p := labtest.Dial(t, addrs[i%2])
		p.Send("anybody there?")
		p.Expect("byebye")
		p.ExpectEOF()
	}
}

// A peer that is gone takes no turn of the operator's. One that has only ended its input may still read.
func TestThePeerLeavesInTheOperatorsTurn(t *testing.T) {
	operator, addrs, _ := startTurns(t, "tcp4://127.0.0.1:0")
	p := labtest.Dial(t, addrs[0])
	p.Send("hello")
	operator.expectSoon("收到信息: hello\n" + askOperator)
	p.Conn.(*net.TCPConn).SetLinger(0)
	p.Close()
	operator.expectSoon("连接关闭: ") // nothing was typed
	r := labtest.Dial(t, addrs[0])
	r.Send("hello")
	operator.expectSoon("收到信息: hello\n")
	r.Send("byebye")
	r.ExpectEOF()
	operator.expectSoon("连接关闭: ") // nor here
	q := labtest.Dial(t, addrs[0])
	q.Send("hi")
	operator.expectSoon("收到信息: hi\n")
	q.CloseWrite()
	operator.expectSoon(words.Zh.PeerEnded + "\n")
	operator.types("hi\n")
	q.Expect("hi")
	q.ExpectEOF()
	operator.expectSoon("连接关闭: ")
}

// What a peer says out of turn waits for its turn, whole.
func TestThePeerSpeaksOutOfTurn(t *testing.T) {
	operator, addrs, _ := startTurns(t, "tcp4://127.0.0.1:0")
	p := labtest.Dial(t, addrs[0])
	p.Send("one")
	operator.expectSoon("收到信息: one\n" + askOperator)
	p.Send("two")
	operator.types("1\n")
	p.Expect("1")
	operator.expectSoon("收到信息: two\n" + askOperator)
}

// What programs and input methods put around a message is no part of it.
func TestTurnsWithWhatSurroundsAMessage(t *testing.T) {
	operator, addrs, _ := startTurns(t, "tcp4://127.0.0.1:0")
	for _, last := range []string{"byebye\x00", "\ufeffbyebye", "ｂｙｅｂｙｅ", "byebye。", " Byebye!\r\n", "byebye" + strings.Repeat("\x00", 100)} {
		p := labtest.Dial(t, addrs[0])
		p.Send("\ufeff你好\x00\x00")
		operator.expectSoon("收到信息: 你好\n" + askOperator)
		operator.types("好\n")
		p.Expect("好")
		p.Send(last)
		p.ExpectEOF()
		operator.expectSoon("连接关闭: ")
	}
	p := labtest.Dial(t, addrs[0])
	p.Send("你好")
	operator.expectSoon("收到信息: 你好\n" + askOperator)
	operator.types("ｂｙｅｂｙｅ。\n") // from this side too; a peer's program knows one word only
	p.Expect("byebye")
	p.ExpectEOF()
}

// A stop says byebye: to a peer that is about to speak, and to one that waits for the operator.
func TestTurnsStop(t *testing.T) {
	for _, waits := range []bool{false, true} {
		operator, addrs, stop := startTurns(t, "tcp4://127.0.0.1:0")
		p := labtest.Dial(t, addrs[0])
		operator.expectSoon("建立连接: ")
		if waits {
			p.Send("hello")
			operator.expectSoon(askOperator)
		}
		stop()
		p.Expect("byebye")
		p.ExpectEOF()
	}
}

func TestOneReadIsOneMessage(t *testing.T) {
	operator, addrs, _ := startTurns(t, "tcp4://127.0.0.1:0")
	p := labtest.Dial(t, addrs[0])
	operator.expectSoon("\n")
	p.Send(strings.Repeat("x", 1500)) // longer than a read: the rest is the next message
	operator.expect("收到信息: " + strings.Repeat("x", 1024) + "\n" + askOperator)
	operator.types("1\n")
	p.Expect("1")
	operator.expect("收到信息: " + strings.Repeat("x", 476) + "\n" + askOperator)
	operator.types("2\n")
	p.Expect("2")
}
