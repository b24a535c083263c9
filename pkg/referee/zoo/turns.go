package zoo

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"netlab.example/pkg/referee"
)

var turns = []Specimen{
	{"right-turns", "chat-server-turns", both("没有错", "nothing"), nil, nil},
	{"waits-for-a-newline", "chat-server-turns", both("等换行才当作一条消息", "waits for a newline to end a message"), []string{"say-and-answer"}, nil},
	{"two-exchanges-only", "chat-server-turns", both("回答两次就关闭", "closes after its second answer"), []string{"several-turns"}, nil},
	{"newline-after-answers", "chat-server-turns", both("回答带一个换行", "sends a newline after each answer"), []string{"no-delimiter"}, nil},
	{"ascii-turns", "chat-server-turns", both("只懂 ASCII", "knows only ASCII"), []string{"chinese-and-emoji"}, nil},
	{"reads-on", "chat-server-turns", both("操作员回答之前就读下一条", "reads on before its operator has answered"), []string{"one-after-the-other"}, nil},
	{"answers-byebye", "chat-server-turns", both("把 byebye 当作消息", "takes byebye for a message"), []string{"byebye"}, nil},
	{"keeps-its-byebye", "chat-server-turns", both("操作员的 byebye 不发给对方", "closes on its operator's byebye without sending it"), []string{"operators-byebye"}, nil},
	{"waits-after-its-byebye", "chat-server-turns", both("发送操作员的 byebye, 却不关闭", "sends its operator's byebye and does not close"), []string{"operators-byebye"}, nil},
	{"ends-after-one-peer", "chat-server-turns", both("服务一个人之后就结束", "ends after one peer"), []string{"next-one"}, nil},
	{"serves-two-at-once", "chat-server-turns", both("同时服务两个人", "serves two peers at once"), []string{"others-wait"}, nil},
	{"asks-after-the-end", "chat-server-turns", both("把输入结束当作空消息", "takes the end of input for an empty message"), []string{"end-of-input"}, nil},
	{"ends-with-a-reset", "chat-server-turns", both("对方重置, 程序就停止", "is ended by a peer's reset"), []string{"reset"}, nil},
}

// A dialogue is a server that takes turns, in plain Go.
type dialogue struct {
	wrong string
	term  io.Writer
	typed chan string // lines
}

func newDialogue(ctx context.Context, wrong string, terminal io.ReadWriter) *dialogue {
	d := &dialogue{wrong: wrong, term: terminal, typed: make(chan string)}
	go func() {
		defer close(d.typed)
		lines := bufio.NewScanner(terminal)
		lines.Split(untilEnter)
		for lines.Scan() { // until the terminal ends
			select {
			case d.typed <- lines.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return d
}

// untilEnter cuts at what the key Enter sends, raw or as a terminal hands it on.
func untilEnter(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexAny(data, "\r\n"); i >= 0 {
		return i + 1, data[:i], nil
	}
	return 0, nil, nil
}

func (d *dialogue) serve(ctx context.Context, ln net.Listener) {
	defer ln.Close()
	defer context.AfterFunc(ctx, func() { ln.Close() })()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		visit := func() (survives bool) {
			defer stop()
			defer conn.Close()
			err := d.converse(ctx, conn)
			return err == nil || d.wrong != "ends-with-a-reset"
		}
		switch {
		case d.wrong == "serves-two-at-once":
			all.Go(func() { visit() })
		case !visit(), d.wrong == "ends-after-one-peer":
			return
		}
	}
}

// converse is one conversation. It returns an error if the connection broke.
func (d *dialogue) converse(ctx context.Context, conn net.Conn) error {
	answered := 0
	ahead := "" // what was read too early
	for {
		message, err := ahead, error(nil)
		if ahead = ""; message == "" {
			message, err = d.read(conn)
		}
		switch {
		case errors.Is(err, io.EOF) && d.wrong == "asks-after-the-end":
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case message == "byebye" && d.wrong != "answers-byebye":
			return nil
		}
		fmt.Fprintf(d.term, "received: %s\n", message)
		if d.wrong == "reads-on" {
			conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			ahead, _ = d.read(conn)
			conn.SetReadDeadline(time.Time{})
			fmt.Fprintf(d.term, "received: %s\n", ahead)
		}
		answer, ok := d.answer(ctx)
		if !ok || answer == "byebye" && d.wrong == "keeps-its-byebye" {
			return nil
		}
		sent := answer
		if d.wrong == "newline-after-answers" {
			sent += "\n"
		}
		if _, err := io.WriteString(conn, sent); err != nil {
			return err
		}
		if answer == "byebye" && d.wrong == "waits-after-its-byebye" {
			io.Copy(io.Discard, conn)
		}
		if answered++; answer == "byebye" || answered == 2 && d.wrong == "two-exchanges-only" {
			return nil
		}
	}
}

// read is one recv, and so one message.
func (d *dialogue) read(conn net.Conn) (string, error) {
	buf := make([]byte, 1024)
	n, err := conn.Read(buf)
	for d.wrong == "waits-for-a-newline" && err == nil && buf[max(0, n-1)] != '\n' {
		_, err = conn.Read(buf[n:])
	}
	if d.wrong == "ascii-turns" {
		return strings.Map(asciiOnly, string(buf[:n])), err
	}
	return string(buf[:n]), err
}

func (d *dialogue) answer(ctx context.Context) (line string, ok bool) {
	select {
	case line, ok = <-d.typed:
		return line, ok
	case <-ctx.Done():
		return "", false
	}
}

// An Operator sits at a specimen's terminal.
type Operator struct {
	referee.Screen
	ctx   context.Context
	wrong string
	addr  string
	end   context.CancelFunc
	ended chan struct{}
}

// Operate serves a specimen that takes turns, with an operator, and returns where it listens.
func (s Specimen) Operate(ctx context.Context, addr string) (*Operator, string, error) {
	o := &Operator{ctx: ctx, wrong: s.Name, addr: addr}
	err := o.start()
	return o, o.addr, err
}

func (o *Operator) start() error {
	ln, err := net.Listen("tcp4", o.addr)
	if err != nil {
		return err
	}
	o.addr = ln.Addr().String()
	ctx, end := context.WithCancel(o.ctx)
	here, there := net.Pipe()
	context.AfterFunc(ctx, func() { here.Close(); there.Close() })
	ended := make(chan struct{})
	o.end, o.ended = end, ended
	o.Attach(here)
	go func() {
		defer close(ended)
		newDialogue(ctx, o.wrong, there).serve(ctx, ln)
	}()
	return nil
}

// Again ends the specimen and serves it once more, at the same address.
func (o *Operator) Again() error {
	o.end()
	<-o.ended
	return o.start()
}

// Runs reports whether the specimen still serves.
func (o *Operator) Runs() bool {
	select {
	case <-o.ended:
		return false
	default:
		return true
	}
}
