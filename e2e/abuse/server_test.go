package abuse

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	patience = 30 * time.Second // how long an event is waited for. Only what is broken makes anybody wait that long
	goneFor  = 10 * time.Second // a server's stop: SHUTDOWN_TIMEOUT is 2 s, and compose kills after 5 s more
	mostMiB  = 128              // of memory that a server may need meanwhile: half of what its container has in the lab
	stays    = 24               // MiB of memory that may stay with a server after an abuse: what Go keeps for the next
)

// A server is one of ours, in a process of its own, or in a container.
type server struct {
	t       *testing.T
	service string
	at      map[string]string // where to reach it, by network: tcp or udp, unix or unixgram
	ops     func(context.Context) (net.Conn, error)
	cmd     *exec.Cmd // nil in a container
	pid     int
	dir     string // of its sockets
	crowded bool   // whoever is slow to ask may be sent away
	stdin   io.WriteCloser
	prints  [2]*screen // standard output, and the log
	exited  chan struct{}
	before  figures
}

// A setup says how to start a server.
type setup struct {
	service string
	env     []string // NAME=VALUE, without the service's prefix
	shell   string   // what a shell does first, such as "ulimit -n 64"
	dir     string   // of the sockets; empty: a new one
	port    string   // of TCP or UDP; empty: a free one
	stdout  *os.File // nil: read, and screened
	alone   bool     // no well-behaved client comes first
	deaf    bool     // the log is read as far as where the server listens, and no further
}

func start(t *testing.T, service string, env ...string) *server {
	t.Helper()
	return startAs(t, setup{service: service, env: env})
}

var listening = regexp.MustCompile(`"addr":"(tcp|udp|unix|unixgram)://([^"]+)"`)

// startAs starts a server and waits until it is ready. At the test's end it is stopped, and must go well.
func startAs(t *testing.T, as setup) *server {
	t.Helper()
	s := &server{t: t, service: as.service, at: map[string]string{}, dir: as.dir, exited: make(chan struct{})}
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "netlab-abuse-") // t.TempDir's names are too long for a socket
		if err != nil {
			t.Fatal(err)
		}
		s.dir = dir
		t.Cleanup(func() { os.RemoveAll(dir) })
	}
	inet, unix := "tcp", "unix"
	if as.service == "udp-temp" {
		inet, unix = "udp", "unixgram"
	}
	if as.port == "" {
		as.port = "0"
	}
	shell := "exec \"$0\" serve"
	if as.shell != "" {
		shell = as.shell + " && " + shell
	}
	s.cmd = exec.Command("sh", "-c", shell, filepath.Join(programs, as.service))
	prefix := strings.ToUpper(strings.ReplaceAll(as.service, "-", "_")) + "_"
	s.cmd.Env = []string{"NETLAB_LANG=en", prefix + "LOG_FORMAT=json", prefix + "OPS=unix://" + s.dir + "/ops.sock",
		prefix + "LISTEN=" + inet + "://127.0.0.1:" + as.port + "," + unix + "://" + s.dir + "/server.sock"}
	for _, kv := range as.env {
		s.cmd.Env = append(s.cmd.Env, prefix+kv)
	}
	s.prints = [2]*screen{{name: as.service + "'s standard output"}, {name: as.service + "'s log"}}
	s.cmd.Stdout, s.cmd.Stderr = s.prints[0], s.prints[1]
	if as.stdout != nil {
		s.cmd.Stdout = as.stdout
	}
	if as.deaf {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		t.Cleanup(func() { r.Close() }) // after the server's end, which is registered later
		s.cmd.Stderr = w
		go func() {
			buf := make([]byte, 100)
			for len(listening.FindAllString(s.prints[1].String(), -1)) < 2 {
				n, err := r.Read(buf)
				if err != nil {
					return
				}
				s.prints[1].Write(buf[:n])
			}
		}()
	}
	var err error
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.pid = s.cmd.Process.Pid // the shell's, who has become the server
	go func() { s.cmd.Wait(); close(s.exited) }()
	t.Cleanup(s.finish)
	s.ops = func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.dir+"/ops.sock")
	}
	s.eventually("is ready", func() bool {
		_, err := s.get("/readyz")
		return err == nil
	})
	s.eventually("has said where it listens", func() bool {
		for _, m := range listening.FindAllStringSubmatch(s.prints[1].String(), -1) {
			s.at[m[1]] = m[2]
		}
		return len(s.at) == 2
	})
	if !as.alone {
		s.rest()
	}
	return s
}

// rest keeps the figures of the server at rest.
func (s *server) rest() {
	s.t.Helper()
	s.good().more(3).end() // what is made once is made now
	s.eventually("is at rest", func() bool {
		last := s.before
		s.before = s.figures()
		return last.goroutines == s.before.goroutines && last.descriptors == s.before.descriptors && last.goroutines > 0
	})
}

// finish stops a server as "docker stop" does. It must end well, and must not have printed what moves a cursor.
func (s *server) finish() {
	if !s.ended() {
		s.stop()
	}
	for _, p := range s.prints {
		if p.dirt != "" {
			s.t.Errorf("%s: %s", p.name, p.dirt)
		}
		if s.t.Failed() {
			text := p.String()
			s.t.Logf("%s ends:\n%s", p.name, text[max(0, len(text)-1500):])
		}
	}
}

func (s *server) ended() bool {
	select {
	case <-s.exited:
		return true
	default:
		return false
	}
}

// stop sends SIGTERM, and returns how long the server took to end, which it must do with 0.
func (s *server) stop() time.Duration {
	s.t.Helper()
	began := time.Now()
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(goneFor):
		s.cmd.Process.Kill()
		<-s.exited
		s.t.Errorf("%s: still there %v after SIGTERM", s.service, goneFor)
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("%s: %v after SIGTERM", s.service, s.cmd.ProcessState)
	}
	return time.Since(began)
}

// eventually waits until something is so.
func (s *server) eventually(what string, is func() bool) {
	s.t.Helper()
	for late := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		if s.cmd != nil && s.ended() {
			s.t.Fatalf("%s ended: %v", s.service, s.cmd.ProcessState)
		}
		if time.Now().After(late) {
			s.t.Fatalf("%s: waited for %v until it %s; now %v", s.service, patience, what, s.figures())
		}
	}
}

// connect opens a connection: over TCP for even numbers, over a unix socket for odd ones.
func (s *server) connect(i int) (net.Conn, error) {
	network := "tcp"
	if i%2 == 1 && s.at["unix"] != "" {
		network = "unix"
	}
	for late := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		c, err := net.DialTimeout(network, s.at[network], patience)
		if errors.Is(err, syscall.EAGAIN) && time.Now().Before(late) { // a unix socket's backlog is full for the moment
			continue
		}
		if err == nil {
			c.SetDeadline(time.Now().Add(2 * patience))
		}
		return c, err
	}
}

// get asks the ops listener, each time by a new connection: so none is there to be counted between.
func (s *server) get(path string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://ops"+path, nil)
	if err != nil {
		return "", err
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return s.ops(ctx) }}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != 200 {
		err = errors.New(resp.Status)
	}
	return string(body), err
}

// metric is the value of a line of /metrics, 0 where there is none.
func (s *server) metric(name string) float64 {
	s.t.Helper()
	text, err := s.get("/metrics")
	if err != nil {
		s.t.Fatalf("%s: metrics: %v", s.service, err)
	}
	return value(text, name)
}

func value(metrics, name string) float64 {
	for line := range strings.Lines(metrics) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			f, _ := strconv.ParseFloat(strings.TrimSpace(v), 64)
			return f
		}
	}
	return 0
}

// figures are what must return to where they were.
type figures struct {
	goroutines, descriptors int
	memory                  float64 // MiB, resident
}

func (f figures) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %.0f MiB", f.goroutines, f.descriptors, f.memory)
}

// figures returns zeros where the server does not answer: with its last descriptor taken it cannot.
func (s *server) figures() figures {
	text, err := s.get("/metrics")
	if err != nil {
		return figures{}
	}
	return figures{int(value(text, "go_goroutines")), int(value(text, "process_open_fds")), value(text, "process_resident_memory_bytes") / (1 << 20)}
}

// settles waits until a server is as it was before it was abused, and tells what was tried, as a row of a table.
func (s *server) settles(tried string, g *good) {
	s.t.Helper()
	g.end()
	var now figures
	s.eventually("is as it was: "+s.before.String(), func() bool {
		now = s.figures()
		return now.goroutines == s.before.goroutines && now.descriptors == s.before.descriptors && now.memory < s.before.memory+stays
	})
	if peak := s.peak(); peak > mostMiB {
		s.t.Errorf("%s needed %.0f MiB meanwhile, more than %d", s.service, peak, mostMiB)
	}
	s.t.Logf("| %s | %s | %s | %d, slowest %d ms | %.0f, %.0f, %.0f |", strings.TrimPrefix(s.t.Name(), "Test"), s.service, tried,
		g.answers, g.slowest.Milliseconds(), s.before.memory, s.peak(), now.memory)
}

// peak is the most memory that the process has had, in MiB: VmHWM of proc(5).
func (s *server) peak() float64 {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", s.pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		if kb, ok := strings.CutPrefix(in.Text(), "VmHWM:"); ok {
			n, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 64)
			return n / 1024
		}
	}
	return 0
}

// crowd does something n times at once, and returns the errors there were.
func crowd(n int, do func(i int) error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = do(i) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		text := err.Error()
		return fmt.Errorf("%d of %d went wrong: %s", strings.Count(text, "\n")+1, n, text[:min(len(text), 500)])
	}
	return nil
}

// A screen keeps the end of what a server prints, and finds in all of it what no terminal should get:
// whatever is sent, nothing of it may act on the terminal of whoever reads along.
type screen struct {
	name string

	mu   sync.Mutex
	text []byte // from the beginning of a line on
	dirt string // the first line that is not clean
}

const kept = 64 << 10

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	whole := bytes.LastIndexByte(s.text, '\n') + 1 // screened already
	s.text = append(s.text, p...)
	for line := range bytes.Lines(s.text[whole:]) {
		if text, ok := bytes.CutSuffix(line, []byte{'\n'}); ok && s.dirt == "" && !clean(text) {
			s.dirt = fmt.Sprintf("not clean: %q", text)
		}
	}
	if len(s.text) > 2*kept {
		s.text = append(s.text[:0], s.text[len(s.text)-kept:]...)
	}
	return len(p), nil
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.text)
}

// clean tells text that only prints: valid UTF-8 without controls, and without what reorders or hides it.
// The two joiners are left in: Persian and many emoji need them. So is the soft hyphen, which hides nothing.
func clean(text []byte) bool {
	return utf8.Valid(text) && !bytes.ContainsFunc(text, func(r rune) bool {
		switch {
		case r == '\u200c', r == '\u200d', r == '\u00ad':
			return false
		}
		return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) || r == '\u200b' || r == '\ufeff' || r == '\u2060'
	})
}
