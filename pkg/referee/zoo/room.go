package zoo

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"
)

var rooms = []Specimen{
	{"right-room", "chat-server", both("没有错", "nothing"), nil, nil},
	{"other-format", "chat-server", both("写成 <名字> 文字", "writes <NAME> TEXT"), []string{"say-and-hear"}, nil},
	{"ascii-only", "chat-server", both("只懂 ASCII", "knows only ASCII"), []string{"chinese-and-emoji", "cut-in-a-character", "without-a-newline"}, nil},
	{"dies-in-a-line", "chat-server", both("在一行中间的重置使它停止", "is ended by a reset in the middle of a line"), []string{"resets"}, nil},
	{"echoes-to-the-sender", "chat-server", both("把话也发回给说话的人", "echoes a line to the one who said it"), []string{"not-echoed"}, nil},
	{"first-pair-only", "chat-server", both("话只送到最早的两个人", "delivers to the first two others alone"), []string{"all-hear", "fifty-at-once"}, []string{"silent-peer"}},
	{"different-order", "chat-server", both("两个人听到的顺序不同", "two people hear different orders"), []string{"same-order", "two-in-one-segment"}, nil},
	{"one-read-is-one-message", "chat-server", both("没有换行的一次读也当作一条消息", "takes a read for a message, newline or not"),
		[]string{"line-in-three", "cut-in-a-character", "line-without-end", "without-a-newline"}, []string{"longest-line", "resets", "does-not-read"}},
	{"one-line-a-read", "chat-server", both("一次读只取第一行", "takes only the first line of a read"),
		[]string{"two-in-one-segment"}, []string{"same-order", "taken-name", "no-names", "help", "byebye", "line-without-end", "not-utf-8", "does-not-read"}},
	{"decodes-each-read", "chat-server", both("每次读都单独解码", "decodes each read by itself"), []string{"cut-in-a-character", "not-utf-8", "without-a-newline"}, nil},
	{"forgets-the-last-line", "chat-server", both("丢掉没有换行的最后一行", "forgets a last line without a newline"), []string{"last-line"}, nil},
	{"keeps-carriage-returns", "chat-server", both("把 \\r 当作文字", "keeps \\r as text"), []string{"crlf"}, nil},
	{"who-knows-only-you", "chat-server", both("/who 只列出自己", "/who lists only the one who asks"), []string{"who"}, nil},
	{"says-commands-aloud", "chat-server", both("把不认识的命令说给大家", "says commands that it does not know to everybody"), []string{"help"}, nil},
	{"names-for-two", "chat-server", both("两个人可以同名", "gives two people the same name"), []string{"taken-name"}, nil},
	{"any-name", "chat-server", both("什么名字都可以", "takes any name"), []string{"no-names"}, nil},
	{"byebye-is-text", "chat-server", both("byebye 只是一句话", "takes byebye for text"), []string{"byebye"}, nil},
	{"bye-with-a-notice", "chat-server", both("byebye 之后还说一句", "says more than byebye to byebye"), []string{"byebye"}, nil},
	{"stays-at-the-end", "chat-server", both("输入结束也不离开", "does not end a visit at the end of input"), []string{"end-of-input"}, []string{"gone-without-a-word", "without-a-newline"}},
	{"keeps-the-dead", "chat-server", both("断开的人还在 /who 里", "keeps a dead client in /who"), []string{"end-of-input"}, []string{"gone-without-a-word", "without-a-newline"}},
	{"no-line-limit", "chat-server", both("没有尽头的一行一直占内存", "grows without bound on a line without an end"), []string{"line-without-end"}, nil},
	{"ends-long-lines", "chat-server", both("一行太长就断开", "disconnects whoever writes a long line"), []string{"line-without-end"}, nil},
	{"short-lines", "chat-server", both("一行最多 512 字节", "takes at most 512 bytes a line"), []string{"longest-line", "does-not-read"}, nil},
	{"any-bytes", "chat-server", both("不是 UTF-8 的也照样说", "says what is not UTF-8"), []string{"not-utf-8"}, nil},
	{"raw-controls", "chat-server", both("控制字符原样送出", "passes control characters on"), []string{"control-characters"}, nil},
	{"newline-or-nothing", "chat-server", both("没有换行就一直等", "waits for a newline for ever"), []string{"without-a-newline"}, nil},
	{"waits-in-its-accept-loop", "chat-server", both("在 accept 循环里等第一个字节", "waits for the first byte in its accept loop"), []string{"silent-peer"}, nil},
	{"dies-of-a-reset", "chat-server", both("一个重置使它停止", "is ended by a reset"), []string{"gone-without-a-word"}, nil},
	{"blocks-on-a-slow-reader", "chat-server", both("一个不读的人停住所有人", "one who does not read stops everybody"), []string{"does-not-read"}, []string{"fifty-at-once"}},
	{"twenty-people", "chat-server", both("第二十一个人得不到名字", "has no place for the twenty-first"), []string{"fifty-at-once"}, nil},
	{"resets-at-its-stop", "chat-server", both("停止时重置所有连接", "resets all connections when it is stopped"), []string{"stop"}, nil},
}

// room is a chat-server in plain Go: a lock around the people, and a queue with a goroutine for each of them.
type room struct {
	wrong string
	dies  func()

	mu     sync.Mutex
	people []*person
	guests int
}

type person struct {
	conn  net.Conn
	name  string
	queue chan string
	bare  bool
	reset atomic.Bool // found by a write: then a read finds only the end
	held  string      // of the different order
}

func newRoom(wrong string) *room { return &room{wrong: wrong} }

const queued = 8192 // lines for one person; who has more to read has stopped reading

func (r *room) visit(conn net.Conn) {
	p := &person{conn: conn, queue: make(chan string, queued)}
	if tcp, ok := conn.(*net.TCPConn); ok && r.wrong == "blocks-on-a-slow-reader" {
		tcp.SetWriteBuffer(4 << 10)
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		for text := range p.queue {
			if _, err := io.WriteString(conn, text); err != nil {
				p.reset.Store(true)
				return
			}
		}
	}()
	if !r.enter(p) {
		return
	}
	end := r.listen(p)
	r.leave(p, end)
	close(p.queue)
	conn.SetWriteDeadline(time.Now().Add(2 * time.Second))
	<-written
	if half, ok := conn.(*net.TCPConn); ok {
		half.CloseWrite()
		conn.SetReadDeadline(time.Now().Add(time.Second))
		io.CopyN(io.Discard, conn, 1<<20)
	}
}

func (r *room) enter(p *person) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wrong == "twenty-people" && len(r.people) >= 20 {
		close(p.queue)
		return false
	}
	r.guests++
	p.name = fmt.Sprint("guest-", r.guests)
	r.people = append(r.people, p)
	r.give(p, "* you are "+p.name+"\n")
	return true
}

func (r *room) leave(p *person, end string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wrong == "keeps-the-dead" && end != "byebye" {
		r.people[slices.Index(r.people, p)] = &person{name: p.name, queue: make(chan string)} // nobody reads it
		return
	}
	r.people = slices.DeleteFunc(r.people, func(x *person) bool { return x == p })
	r.tell(nil, "* "+p.name+" left\n")
}

// listen reads lines until the visit ends, and returns how.
func (r *room) listen(p *person) string {
	limit := 1024
	if r.wrong == "short-lines" {
		limit = 512
	}
	var rest []byte
	lines, skipping := false, false
	buf := make([]byte, 4096)
	for {
		p.conn.SetReadDeadline(time.Time{})
		if !lines && len(rest) > 0 && !cutInCharacter(rest) && r.wrong != "newline-or-nothing" {
			p.conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		}
		n, err := p.conn.Read(buf)
		chunk := buf[:n]
		if r.wrong == "decodes-each-read" {
			chunk = bytes.ToValidUTF8(chunk, []byte("?"))
		}
		rest = append(rest, chunk...)
		if r.wrong == "one-read-is-one-message" && n > 0 && !bytes.Contains(rest, []byte("\n")) {
			lines = true
			if r.message(p, string(rest)) {
				return "byebye"
			}
			rest = nil
		}
		for {
			line, after, ok := bytes.Cut(rest, []byte("\n"))
			if !ok {
				break
			}
			if lines, rest = true, after; r.wrong == "one-line-a-read" {
				rest = nil
			}
			if skipping {
				skipping = false
				continue
			}
			r.speaks(p, false)
			if len(bytes.TrimSuffix(line, []byte("\r"))) > limit && r.wrong != "no-line-limit" {
				r.answer(p, "* too long\n")
			} else if r.message(p, string(line)) {
				return "byebye"
			}
		}
		if len(rest) > limit+1 && r.wrong != "no-line-limit" {
			if r.wrong == "ends-long-lines" {
				return "too long"
			}
			if !skipping {
				r.answer(p, "* too long\n")
			}
			rest, skipping = nil, true
		}
		switch {
		case err == nil:
		case isTimeout(err):
			r.speaks(p, true)
			if r.message(p, string(rest)) {
				return "byebye"
			}
			rest = nil
		case err == io.EOF && !p.reset.Load():
			if len(rest) > 0 && !skipping && r.wrong != "forgets-the-last-line" {
				r.message(p, string(rest))
			}
			if r.wrong == "stays-at-the-end" {
				time.Sleep(10 * time.Second)
			}
			return "end"
		default:
			if r.wrong == "dies-of-a-reset" || r.wrong == "dies-in-a-line" && len(rest) > 0 {
				r.dies()
			}
			return "gone"
		}
	}
}

// speaks notes how a person wants their lines: bare if they never sent a newline.
func (r *room) speaks(p *person, bare bool) {
	r.mu.Lock()
	p.bare = bare
	r.mu.Unlock()
}

// message is one message, and reports whether it ends the visit.
func (r *room) message(p *person, text string) bool {
	if r.wrong != "keeps-carriage-returns" {
		text = strings.TrimSuffix(text, "\r")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	command, rest, _ := strings.Cut(text, " ")
	switch {
	case !utf8.ValidString(text) && r.wrong != "any-bytes":
		r.give(p, "* not UTF-8\n")
	case strings.TrimSpace(text) == "":
	case text == "byebye" && r.wrong != "byebye-is-text":
		if r.wrong == "bye-with-a-notice" {
			r.give(p, "byebye\n* see you\n")
		} else {
			r.give(p, "byebye\n")
		}
		return true
	case command == "/nick":
		r.nick(p, rest)
	case command == "/who":
		var names []string
		for _, x := range r.people {
			names = append(names, x.name)
		}
		if r.wrong == "who-knows-only-you" {
			names = []string{p.name}
		}
		r.give(p, "* here: "+strings.Join(names, ", ")+"\n")
	case strings.HasPrefix(text, "/") && r.wrong != "says-commands-aloud":
		r.give(p, "* commands: /nick /who /help byebye\n")
	default:
		if r.wrong != "raw-controls" {
			text = strings.Map(escapeControl, text)
		}
		if r.wrong == "ascii-only" {
			text = strings.Map(asciiOnly, text)
		}
		line := p.name + ": " + text + "\n"
		if r.wrong == "other-format" {
			line = "<" + p.name + "> " + text + "\n"
		}
		r.tell(p, line)
		if strings.HasPrefix(text, "/") {
			r.give(p, "* said\n")
		}
	}
	return false
}

func asciiOnly(c rune) rune {
	if c > unicode.MaxASCII {
		return '?'
	}
	return c
}

func escapeControl(c rune) rune {
	if unicode.IsControl(c) {
		return '?'
	}
	return c
}

func (r *room) nick(p *person, name string) {
	bad := name == "" || utf8.RuneCountInString(name) > 32 || strings.EqualFold(name, "server") || strings.HasPrefix(name, "*") || strings.HasPrefix(name, "/") ||
		strings.ContainsFunc(name, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) || c == ':' })
	if bad && r.wrong != "any-name" {
		r.give(p, "* no name\n")
		return
	}
	if r.wrong != "names-for-two" && slices.ContainsFunc(r.people, func(x *person) bool { return x != p && x.name == name }) {
		r.give(p, "* taken\n")
		return
	}
	p.name = name
	r.tell(nil, "* a new name: "+name+"\n")
}

// tell says a line to everybody but one.
func (r *room) tell(from *person, line string) {
	for i, p := range r.people {
		if p == from && r.wrong != "echoes-to-the-sender" {
			continue
		}
		if from != nil && i > 2 && r.wrong == "first-pair-only" {
			continue
		}
		if from != nil && i%2 == 1 && r.wrong == "different-order" {
			r.hold(p, line)
			continue
		}
		r.give(p, line)
	}
}

// hold keeps a line back until the next has gone before it, or a moment has passed.
func (r *room) hold(p *person, line string) {
	if p.held != "" {
		r.give(p, line)
		r.give(p, p.held)
		p.held = ""
		return
	}
	p.held = line
	time.AfterFunc(50*time.Millisecond, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if p.held == line && slices.Contains(r.people, p) {
			r.give(p, line)
			p.held = ""
		}
	})
}

func (r *room) answer(p *person, line string) {
	r.mu.Lock()
	r.give(p, line)
	r.mu.Unlock()
}

// give queues a line for a person. Whoever has a full queue has stopped reading, and misses it.
func (r *room) give(p *person, line string) {
	if p.bare {
		line = strings.TrimSuffix(line, "\n")
	}
	if r.wrong == "blocks-on-a-slow-reader" && p.conn != nil {
		io.WriteString(p.conn, line)
		return
	}
	select {
	case p.queue <- line:
	default:
	}
}

func cutInCharacter(p []byte) bool {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if tail := p[len(p)-n:]; utf8.RuneStart(tail[0]) {
			return !utf8.FullRune(tail)
		}
	}
	return false
}
