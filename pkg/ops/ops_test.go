package ops

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/labtest"
	"netlab.example/pkg/language"
)

func TestChecks(t *testing.T) {
	if err := Check(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "OPS is empty") || failure.HintOf(err) == nil {
		t.Errorf("no address: %v", err)
	}
	for address, want := range map[string]string{":9100": "want a URL", "udp://:9100": "want one of tcp, unix"} {
		_, starts := Start(t.Context(), address, zap.NewNop())
		for _, err := range []error{Check(t.Context(), address), starts} {
			if !failure.IsUsage(err) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want wrong usage: %s", address, err, want)
			}
		}
	}
	requests := prometheus.NewCounter(prometheus.CounterOpts{Name: "lab_requests_total", Help: "Requests."})
	sock := t.TempDir() + "/ops.sock"
	url := "unix://" + sock
	if err := Check(t.Context(), url); err == nil || !strings.Contains(err.Error(), "not alive: no such socket file") ||
		!strings.HasPrefix(language.Tell(err, language.Chinese), "没有响应: 没有这个套接字文件") || failure.HintOf(err) == nil {
		t.Errorf("before Start: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	s, err := Start(ctx, url, zap.NewNop(), requests)
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(t.Context(), url); err == nil || !strings.Contains(err.Error(), "not ready: 503") || failure.HintOf(err) == nil {
		t.Errorf("before Ready: %v", err)
	}
	s.Ready()
	if err := Check(t.Context(), url); err != nil {
		t.Errorf("after Ready: %v", err)
	}
	requests.Inc()
	c := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", sock)
	}}}
	resp, err := c.Get("http://x/metrics")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if !strings.Contains(string(body), "\nlab_requests_total 1\n") {
		t.Errorf("metrics: %s", body)
	}
	c.CloseIdleConnections()
	stop()
	if err := Check(t.Context(), url); err == nil || !strings.Contains(err.Error(), "not ready: 503") {
		t.Errorf("in a stop: %v", err)
	}
	s.Close()
	if err := Check(t.Context(), url); err == nil {
		t.Error("after Close: no error")
	}
}

func TestOff(t *testing.T) {
	s, err := Start(t.Context(), "", zap.NewNop())
	if s != nil || err != nil {
		t.Fatalf("got %v, %v", s, err)
	}
	s.Ready()
	s.Close()
}

// What package http has to complain of goes to the log, in the log's form, and not to standard error as it likes.
func TestComplaintsGoToTheLog(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	s, err := Start(t.Context(), "unix://"+t.TempDir()+"/ops.sock", zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	go s.http.Serve(outOfDescriptors{})
	labtest.Eventually(t, "the log has a line", func() bool { return logs.Len() > 0 })
	if all := logs.All(); len(all) == 0 || !strings.HasPrefix(all[0].Message, "http: Accept error: ") {
		t.Errorf("got %v", all)
	}
}

type outOfDescriptors struct{ net.Listener }

func (outOfDescriptors) Accept() (net.Conn, error) { return nil, syscall.EMFILE }
func (outOfDescriptors) Close() error              { return nil }

// The first check that may wait is answered at once, the next when there is news: ready, the stop, or the time is over.
func TestChecksThatWait(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	url := "unix://" + t.TempDir() + "/ops.sock"
	s, err := Start(ctx, url, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	check := func(wait string) <-chan error {
		answer := make(chan error, 1)
		go func() { answer <- Check(t.Context(), url, wait) }()
		return answer
	}
	waiting := func(n int) func() bool {
		return func() bool { s.ready.mu.Lock(); defer s.ready.mu.Unlock(); return s.ready.waiting == n }
	}
	if err := <-check("25s"); err == nil || !strings.Contains(err.Error(), "not ready: 503") {
		t.Errorf("the first: %v", err)
	}
	next := check("25s")
	labtest.Eventually(t, "the second waits", waiting(1))
	s.Ready()
	if err := <-next; err != nil {
		t.Errorf("the second: %v", err)
	}
	if err := <-check("1ms"); err != nil {
		t.Errorf("when its time is over: %v", err)
	}
	var all []<-chan error
	for range maxWaiting {
		all = append(all, check("25s"))
	}
	labtest.Eventually(t, "as many wait as may", waiting(maxWaiting))
	for _, wait := range []string{"25s", "0s"} { // one too many, and one that does not want to
		if err := <-check(wait); err != nil {
			t.Errorf("at once: %v", err)
		}
	}
	stop()
	for _, answer := range all {
		if err := <-answer; err == nil || !strings.Contains(err.Error(), "not ready: 503") {
			t.Errorf("at the stop: %v", err)
		}
	}
}

func TestWaitsThatAreNone(t *testing.T) {
	for _, args := range [][]string{{"soon"}, {"56s"}, {"-1s"}, {"1s", "2s"}} {
		if err := Check(t.Context(), "tcp://:9100", args...); !failure.IsUsage(err) {
			t.Errorf("%q: %v, want wrong usage", args, err)
		}
	}
}

// Connections that say nothing, and checks that wait, do not make a server unhealthy.
func TestACrowdDoesNotMakeItUnhealthy(t *testing.T) {
	sock := t.TempDir() + "/ops.sock"
	s, err := Start(t.Context(), "unix://"+sock, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Ready()
	for i := range 4 * maxConns {
		c, err := net.Dial("unix", sock)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			io.WriteString(c, "GET /readyz?wait=25s HTTP/1.1\r\nHost: x\r\n\r\n")
		}
	}
	if err := Check(t.Context(), "unix://"+sock); err != nil {
		t.Error(err)
	}
}
