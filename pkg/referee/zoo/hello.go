package zoo

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

var hellos = []Specimen{
	{"right-hello", "hello-tcp", both("没有错", "nothing"), nil, nil},
	{"newline-at-the-end", "hello-tcp", both("回答多一个换行", "a newline after the answer that is not in the contract"), []string{"closes"}, nil},
	{"wrong-status-line", "hello-tcp", both("状态行写成 HTTP/1.0", "a status line of HTTP/1.0"), []string{"plain-request"}, nil},
	{"bare-newlines", "hello-tcp", both("用 \\n 代替 \\r\\n", "\\n in place of \\r\\n"), []string{"plain-request"}, nil},
	{"never-closes", "hello-tcp", both("回答之后不关闭", "does not close after its answer"), []string{"closes"}, nil},
	{"answers-only-the-first", "hello-tcp", both("只回答第一个客户端", "answers only the first client"), []string{"second-client"}, nil},
	{"one-read-is-one-request", "hello-tcp", both("一次读就当作一个请求", "takes one read for one request"),
		[]string{"byte-by-byte", "in-three-pieces", "head-too-large"}, nil},
	{"another-answer-for-browsers", "hello-tcp", both("给浏览器的回答多一行", "sends browsers one line more"), []string{"http-request", "byte-by-byte", "two-in-one-segment", "silent-peer"}, nil},
	{"answers-both", "hello-tcp", both("一个报文段里的两个请求各答一次", "answers both requests of one segment"), []string{"two-in-one-segment"}, nil},
	{"dies-of-a-reset", "hello-tcp", both("一个重置使它停止", "is ended by a reset"), []string{"resets"}, nil},
	{"twenty-at-once", "hello-tcp", both("同时超过二十个就不回答", "turns away whoever comes when twenty are there"), []string{"fifty-at-once"}, nil},
	{"waits-for-a-blank-line", "hello-tcp", both("什么都要等到空行", "waits for a blank line in everything"), []string{"plain-request"}, nil},
	{"waits-for-the-whole-method", "hello-tcp", both("方法只到一半就一直等下去", "waits for ever for the rest of a method"), []string{"beginning-of-a-method"}, nil},
	{"ignores-a-half-close", "hello-tcp", both("不理会半关闭", "ignores a half-close"), []string{"half-close", "no-request"}, nil},
	{"closes-on-a-half-close", "hello-tcp", both("遇到半关闭就不回答", "closes on a half-close without an answer"), []string{"half-close", "no-request"}, nil},
	{"text-only", "hello-tcp", both("不是 UTF-8 的字节不回答", "gives no answer to bytes that are not UTF-8"), []string{"every-byte"}, nil},
	{"small-buffer", "hello-tcp", both("请求头最多 1 KiB", "takes a head of at most 1 KiB"), []string{"head-of-8-KiB"}, nil},
	{"no-limit", "hello-tcp", both("请求头没有限度", "has no limit for a head"), []string{"head-too-large"}, nil},
	{"closes-with-unread-bytes", "hello-tcp", both("关闭时还有未读的字节", "closes while bytes are unread"), []string{"unread-body", "head-too-large"}, nil},
	{"one-peer-at-a-time", "hello-tcp", both("一次只服务一个, 沉默的人停住所有人", "serves one peer after another: a silent one stops all"), []string{"silent-peer"}, nil},
	{"ends-after-some-hundred", "hello-tcp", both("服务几百个之后就停了", "ends after some hundred clients"), []string{"thousand-in-a-row"}, nil},
	{"gap-timeout", "hello-tcp", both("时限只管字节之间的间隔, 不管整个请求", "limits the gap between bytes, not the whole request"), []string{"never-ends"}, nil},
	{"resets-at-its-stop", "hello-tcp", both("停止时重置所有连接", "resets all connections when it is stopped"), []string{"stop"}, nil},
}

// hello is a hello-tcp server in plain Go.
type hello struct {
	wrong string
	dies  func()
	open  atomic.Int32
}

func (h *hello) handle(conn net.Conn) {
	defer h.open.Add(-1)
	if h.open.Add(1) > 20 && h.wrong == "twenty-at-once" {
		return
	}
	answer := "HTTP/1.1 200 OK\r\n\r\nHello World, Zoo!"
	switch h.wrong {
	case "newline-at-the-end":
		answer += "\n"
	case "wrong-status-line":
		answer = strings.Replace(answer, "1.1", "1.0", 1)
	case "bare-newlines":
		answer = strings.ReplaceAll(answer, "\r\n", "\n")
	}
	request, end := h.read(conn)
	switch {
	case end == "gone" && h.wrong == "dies-of-a-reset":
		h.dies()
		return
	case end == "gone", end == "too late":
		return
	case h.wrong == "another-answer-for-browsers" && bytes.Contains(request, []byte("Accept:")):
		answer = strings.Replace(answer, "\r\n\r\n", "\r\nContent-Type: text/plain\r\n\r\n", 1)
	case h.wrong == "answers-both" && bytes.Count(request, []byte("\r\n\r\n")) > 1:
		answer += answer
	case end == "too large":
		answer = "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n"
	case end == "half-close" && h.wrong == "closes-on-a-half-close":
		return
	case h.wrong == "text-only" && !bytes.Equal(bytes.ToValidUTF8(request, nil), request):
		return
	}
	if _, err := io.WriteString(conn, answer); err != nil {
		if h.wrong == "dies-of-a-reset" {
			h.dies()
		}
		return
	}
	if h.wrong == "never-closes" {
		conn.SetReadDeadline(time.Time{})
		io.Copy(io.Discard, conn)
		return
	}
	if h.wrong == "closes-with-unread-bytes" {
		return
	}
	conn.(*net.TCPConn).CloseWrite()
	conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	io.CopyN(io.Discard, conn, 16<<20)
}

// read reads a request, and says how it ended: "whole", "half-close", "too large", "too late" or "gone".
func (h *hello) read(conn net.Conn) ([]byte, string) {
	limit := 8 << 10
	switch h.wrong {
	case "small-buffer":
		limit = 1 << 10
	case "no-limit":
		limit = 1 << 20
	}
	over := time.Now().Add(5 * time.Second)
	var request []byte
	buf := make([]byte, 4096)
	for {
		until := over
		if h.wrong == "gap-timeout" {
			until = time.Now().Add(5 * time.Second)
		}
		beginning := false
		switch i := bytes.Index(request, []byte("\r\n\r\n")); {
		case i >= 0 && i+4 <= limit:
			return request, "whole"
		case len(request) >= limit && httpMethod(request):
			return request, "too large"
		case len(request) > 0 && (h.wrong == "one-read-is-one-request"):
			return request, "whole"
		case len(request) == 0, httpMethod(request), h.wrong == "waits-for-a-blank-line":
		case methodBegins(request):
			beginning = true
			if alone := time.Now().Add(time.Second); h.wrong != "waits-for-the-whole-method" && alone.Before(until) {
				until = alone
			}
		default:
			return request, "whole"
		}
		conn.SetReadDeadline(until)
		n, err := conn.Read(buf[:min(len(buf), limit-len(request))])
		request = append(request, buf[:n]...)
		switch {
		case err == nil:
		case err == io.EOF && h.wrong == "ignores-a-half-close":
			time.Sleep(time.Until(over))
			return request, "too late"
		case err == io.EOF:
			return request, "half-close"
		case isTimeout(err) && beginning && h.wrong != "waits-for-the-whole-method":
			return request, "whole"
		case isTimeout(err):
			return request, "too late"
		default:
			return request, "gone"
		}
	}
}

func isTimeout(err error) bool {
	t, ok := err.(net.Error)
	return ok && t.Timeout()
}

var methods = []string{"GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "CONNECT ", "OPTIONS ", "TRACE ", "PATCH "}

// httpMethod reports whether a request begins with a method and a space, methodBegins whether it may still come to that.
func httpMethod(b []byte) bool {
	for _, m := range methods {
		if bytes.HasPrefix(b, []byte(m)) {
			return true
		}
	}
	return false
}

func methodBegins(b []byte) bool {
	for _, m := range methods {
		if strings.HasPrefix(m, string(b)) {
			return true
		}
	}
	return false
}
