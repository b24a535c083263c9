package ops

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/text"
)

// Check asks a server on this machine whether it is ready: what the healthcheck subcommands do. Its argument, if there
// is one, is how long it may wait for news.
func Check(ctx context.Context, address string, args ...string) error {
	var wait time.Duration
	if len(args) > 0 {
		var err error
		if wait, err = time.ParseDuration(args[0]); err != nil || wait < 0 || wait > MaxWait || len(args) > 1 {
			return failure.Usage(language.Errorf("%q: 应为等待变化的最长时间, 0s 到 %v", "%q: want the longest wait for a change, 0s to %v",
				strings.Join(args, " "), MaxWait))
		}
	}
	if address == "" {
		return failure.Hint(language.Errorf("没有健康检查: OPS 为空", "no health checks: OPS is empty"), language.Errorf(
			"为服务器和这个检查把 _OPS 结尾的变量设为 tcp://127.0.0.1:9100",
			"set the variable that ends in _OPS to tcp://127.0.0.1:9100 for the server and for this check"))
	}
	as, err := sockets.Streams(address)
	if err != nil {
		return fmt.Errorf("ops: %w", err)
	}
	status, err := askReady(ctx, as[0], wait) // one process answers on all of them
	if wait > 0 && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)) {
		status, err = askReady(ctx, as[0], 0) // that one made room for another, or the server is gone
	}
	if err != nil {
		return failure.Hint(language.Errorf("没有响应: %[1]s", "not alive: %[2]s", sockets.Why(err, language.Chinese), sockets.Why(err, language.English)),
			language.Errorf("服务器在运行吗? 两边以 _OPS 结尾的变量是否相同?", "is the server running, with the same address in the variable that ends in _OPS?"))
	}
	if status != "200 OK" {
		return failure.Hint(language.Errorf("没有就绪: %s", "not ready: %s", text.Escape(status)), language.Errorf(
			"服务器正在启动或停止: 稍后再试, 或查看它的日志", "the server is starting or stopping: try again in a moment, or look at its log"))
	}
	return nil
}

// askReady writes one request and reads one response. (http.Client would do, and link TLS and all that it needs into each
// server: half a megabyte.)
func askReady(ctx context.Context, a sockets.Address, wait time.Duration) (status string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second+wait)
	defer cancel()
	addr := a.Addr
	if host, port, err := net.SplitHostPort(addr); err == nil && host == "" {
		addr = net.JoinHostPort("localhost", port)
	}
	conn, err := new(net.Dialer).DialContext(ctx, a.Network, addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := fmt.Fprintf(conn, "GET /readyz?wait=%v HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", wait); err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, maxResponse)), nil)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	return resp.Status, nil
}

const maxResponse = 64 << 10 // bytes
