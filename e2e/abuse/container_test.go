package abuse

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func docker(args ...string) (string, error) {
	cmd := exec.Command("docker", args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// The images, hardened as in the lab, with 32 MiB instead of its 256, under all kinds of bad traffic and a crowd
// of a thousand: none is killed for want of memory, none ends, and the good client is answered.
func TestMemoryOf32MiB(t *testing.T) {
	t.Parallel()
	if _, err := docker("version"); err != nil {
		if os.Getenv("E2E") != "" { // set by "make e2e": there it is a failure
			t.Fatal(err)
		}
		t.Skip(err)
	}
	for _, as := range []struct {
		service, port string
	}{
		{"hello-tcp", "8080/tcp"},
		{"chat-server", "12345/tcp"},
		{"udp-temp", "1314/udp"},
	} {
		t.Run(as.service, func(t *testing.T) {
			t.Parallel()
			s := inContainer(t, as.service, as.port)
			g := s.good().more(1)
			const n = 1500
			held := make([]net.Conn, n)
			if as.service != "udp-temp" {
				var next atomic.Int64
				crowd(20, func(int) error { // some are sent away: that is no error here
					for k := next.Add(1) - 1; k < n; k = next.Add(1) - 1 {
						if c, err := s.connect(0); err == nil {
							held[k] = c
							io.WriteString(c, "GET / HTTP/1.1\r\nX: "+strings.Repeat("x", 4000))
						}
					}
					return nil
				})
			}
			end := s.abused(10, 0)
			g.more(20)
			done := end()
			for _, c := range held {
				if c != nil {
					c.Close()
				}
			}
			tried := fmt.Sprintf("%d misdeeds, in 32 MiB", done)
			if as.service != "udp-temp" {
				tried = fmt.Sprintf("%d connections at once and %s; MAX_CONNS 1,000", n, tried)
			}
			s.settles(tried, g)
		})
	}
}

// inContainer starts an image as the lab does, with less memory, and room for fewer connections. GOMEMLIMIT is what
// Go's runtime reads: it collects garbage sooner where there is little memory. The project's label is the image's
// else: "make logs" of a lab beside it would tell of this server.
func inContainer(t *testing.T, service, port string) *server {
	t.Helper()
	prefix := strings.ToUpper(strings.ReplaceAll(service, "-", "_"))
	name := fmt.Sprintf("netlab-abuse-%d-%s", os.Getpid(), service)
	t.Cleanup(func() {
		if _, err := docker("rm", "-f", name); err != nil {
			t.Error(err)
		}
	})
	if _, err := docker("run", "-d", "--name="+name, "--label=netlab.abuse=1", "--label=com.docker.compose.project="+name, "--memory=32m", "--memory-swap=32m", "--pids-limit=128",
		"--ulimit=nofile=8192", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges:true",
		"-p", "127.0.0.1::"+port, "-p", "127.0.0.1::9100/tcp", "-e", "NETLAB_LANG=en", "-e", prefix+"_OPS=tcp://:9100", "-e", prefix+"_MAX_CONNS=1000", "-e", "GOMEMLIMIT=24MiB",
		"localhost/netlab/"+service+":dev", service, "serve"); err != nil {
		t.Fatal(err)
	}
	published := func(port string) string {
		at, err := docker("port", name, port)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(at)[0]
	}
	network := port[strings.Index(port, "/")+1:]
	ops := published("9100/tcp")
	s := &server{t: t, service: service, at: map[string]string{network: published(port)}, ops: func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", ops)
	}}
	pid, err := docker("inspect", "-f", "{{.State.Pid}}", name)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Sscan(pid, &s.pid)
	s.eventually("is ready", func() bool {
		_, err := s.get("/readyz")
		return err == nil
	})
	s.rest()
	t.Cleanup(func() { // before it is removed
		began := time.Now()
		if _, err := docker("stop", "-t", "10", name); err != nil {
			t.Error(err)
		}
		state, err := docker("inspect", "-f", "{{.State.ExitCode}} {{.State.OOMKilled}} {{.RestartCount}}", name)
		if err != nil || state != "0 false 0" {
			t.Errorf("exit code, killed for its memory, restarts: %s, %v, after %v", state, err, time.Since(began))
		}
		if out, err := docker("logs", "--tail=20", name); t.Failed() {
			t.Logf("%s ends: %v\n%s", service, err, out)
		}
	})
	return s
}
