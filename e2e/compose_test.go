package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

// A stack is the compose file under a name of its own, with free ports and a subnet of its own.
type stack struct {
	t       *testing.T
	project string
	command []string
	env     []string
}

var settings = regexp.MustCompile(`^(HELLO|CHAT|UDP|TEMP|WIRE|NETLAB|LAB|COMPOSE|LC|LANG)_?[A-Z_]*=`)

func newStack(t *testing.T, name string, env ...string) *stack {
	t.Helper()
	compose := []string{"docker", "compose"}
	if ours, err := filepath.Abs("../.tools/docker-compose"); err == nil { // built by prepare.sh, if Docker has none
		if _, err := os.Stat(ours); err == nil {
			compose = []string{ours}
		}
	}
	if err := exec.Command(compose[0], append(compose[1:], "version")...).Run(); err != nil {
		if os.Getenv("E2E") != "" {
			t.Fatalf("no Compose: %v", err)
		}
		t.Skip("no Compose: make e2e brings one")
	}
	// The label, on all that Compose makes.
	mark := fmt.Sprintf("{labels: {%s: %q}}", label, suite.run)
	var marks strings.Builder
	fmt.Fprintf(&marks, "networks: {lab: %s}\nvolumes: {hello: %[1]s, chat: %[1]s, temp: %[1]s, replies: %[1]s, control: %[1]s}\nservices:\n", mark)
	for _, service := range []string{"hello-tcp", "chat-server", "udp-temp", "wire-hello", "wire-chat", "wire-temp", "hello-client", "chat-client", "temp-client"} {
		fmt.Fprintf(&marks, "  %s: %s\n", service, mark)
	}
	file := filepath.Join(t.TempDir(), "labels.yml")
	if err := os.WriteFile(file, []byte(marks.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	s := &stack{t: t, project: suite.name + "-" + name}
	s.command = append(compose, "-p", s.project, "-f", "../docker-compose.yml", "-f", file, "--project-directory", "..", "--env-file", os.DevNull)
	s.env = append(labEnv(), env...)
	t.Cleanup(func() { // if the test did not come to it
		cmd := s.compose(context.Background(), "--profile", "*", "down", "--volumes", "--remove-orphans", "-t", "1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("down: %v: %s", err, out)
		}
	})
	return s
}

// labEnv is the environment of a lab beside others, with no setting of the person who runs the tests.
func labEnv() []string {
	env := []string{"HELLO_PORT=0", "CHAT_PORT=0", "TEMP_PORT=0", "LAB_PREFIX6=" + prefix6()}
	for _, kv := range os.Environ() {
		if !settings.MatchString(kv) {
			env = append(env, kv)
		}
	}
	return env
}

func (s *stack) compose(ctx context.Context, args ...string) *exec.Cmd {
	all := append(s.command[1:len(s.command):len(s.command)], args...)
	cmd := exec.CommandContext(ctx, s.command[0], all...)
	cmd.Env = s.env
	return cmd
}

// run runs a compose command to its end and returns what it printed on standard output.
func (s *stack) run(code int, args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := s.compose(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != code {
		s.t.Fatalf("compose %s: exit %d, want %d: %v\n%s%s", strings.Join(args, " "), got, code, err, out.String(), errs.String())
	}
	return out.String()
}

// down takes all down, and fails the test if anything is left.
func (s *stack) down() {
	s.t.Helper()
	s.run(0, "--profile", "*", "down", "--volumes", "--remove-orphans", "-t", "5")
	if left := leftovers("label=com.docker.compose.project=" + s.project); left != "" {
		s.t.Errorf("left after down:\n%s", left)
	}
}

// ask sends one message to a published port and returns all that comes back.
func (s *stack) ask(service, port, question string) string {
	s.t.Helper()
	conn := s.dial("tcp", service, port)
	if _, err := io.WriteString(conn, question); err != nil {
		s.t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		s.t.Fatalf("%s: %v after %q", service, err, answer)
	}
	return string(answer)
}

// askDatagram is ask for one datagram, which is sent again if no answer comes: datagrams get lost.
func (s *stack) askDatagram(service, port, question string) string {
	s.t.Helper()
	conn := s.dial("udp", service, port)
	answer := make([]byte, 1024)
	for range 10 {
		if _, err := io.WriteString(conn, question); err != nil {
			s.t.Fatal(err)
		}
		conn.SetReadDeadline(time.Now().Add(patience / 10))
		if n, err := conn.Read(answer); err == nil {
			return string(answer[:n])
		}
	}
	s.t.Fatalf("%s does not answer", service)
	return ""
}

func (s *stack) dial(network, service, port string) net.Conn {
	s.t.Helper()
	address := strings.TrimSpace(s.run(0, "port", "--protocol", network, service, port))
	if !strings.HasPrefix(address, "127.0.0.1:") {
		s.t.Errorf("%s is published at %s", service, address)
	}
	conn, err := net.Dial(network, address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

func (s *stack) id(service string) string {
	s.t.Helper()
	return strings.TrimSpace(s.run(0, "ps", "-q", service))
}

func (s *stack) attach(service string) *process {
	s.t.Helper()
	return attach(s.t, s.id(service))
}

// nextStart returns what waits for the next start of a service's container.
func (s *stack) nextStart(service string) (wait func()) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	events := suite.docker.Events(ctx, client.EventsListOptions{
		Since:   fmt.Sprint(time.Now().Unix()),
		Filters: make(client.Filters).Add("container", s.id(service)).Add("event", "start"),
	})
	return func() {
		s.t.Helper()
		defer cancel()
		select {
		case <-events.Messages:
		case err := <-events.Err:
			s.t.Fatalf("%s was not started again: %v", service, err)
		}
	}
}

// pipe starts a compose command that goes on beside the test.
func (s *stack) pipe(args ...string) *local {
	s.t.Helper()
	return beside(s.t, "compose "+args[0], s.compose(context.Background(), args...))
}

// A local is a command on this machine.
type local struct {
	t    *testing.T
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *output
	done chan struct{}
}

// beside starts a command that goes on beside the test.
func beside(t *testing.T, name string, cmd *exec.Cmd) *local {
	t.Helper()
	p := &local{t: t, cmd: cmd, out: newOutput(t, name, false)}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in = in
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.done = make(chan struct{})
	go func() {
		p.cmd.Wait()
		p.out.end()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("%s:\n%s", p.out.name, tail(p.out.text, 4000))
		}
	})
	return p
}

func (p *local) send(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, text); err != nil {
		p.t.Fatal(err)
	}
}

func (p *local) expect(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		p.out.expect(text)
	}
}

func (p *local) eof()       { p.in.Close() }
func (p *local) interrupt() { p.cmd.Process.Signal(os.Interrupt) }

func (p *local) exit() int {
	p.t.Helper()
	p.out.rest()
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}
