package e2e

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// README's commands, in the order in which a person comes to them.
func TestMake(t *testing.T) {
	t.Parallel()
	lab := newMaker(t, "make")

	// A port that is taken: said before anything starts.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	hint := regexp.MustCompile(`  hint: HELLO_PORT=\d+ make up\n`)
	for _, target := range []string{"up", "doctor"} {
		if said := lab.run(2, target, "HELLO_PORT="+port); !strings.Contains(said, "port "+port+"/tcp (HELLO_PORT) is taken by ") || !hint.MatchString(said) {
			t.Errorf("make %s with a port that is taken says:\n%s", target, said)
		}
	}
	taken.Close()
	if left := lab.left(); left != "" {
		t.Errorf("started although a port was taken:\n%s", left)
	}
	if said := lab.run(0, "doctor"); strings.Contains(said, "FAIL") || !strings.Contains(said, "ok    Docker engine ") {
		t.Errorf("make doctor says:\n%s", said)
	}

	for _, args := range [][]string{{"watch"}, {"watch", "S=nobody"}} {
		if said := lab.run(2, args...); !strings.Contains(said, "hint: ") {
			t.Errorf("make %s with no lab says:\n%s", strings.Join(args, " "), said)
		}
	}

	said := lab.run(0, "up")
	url := regexp.MustCompile(`http://localhost:\d+`).FindString(said)
	if url == "" || !strings.Contains(said, "the lab is up:\n") {
		t.Fatalf("make up says:\n%s", said)
	}
	client := http.Client{Timeout: patience}
	defer client.CloseIdleConnections()
	answer, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(answer.Body)
	if answer.Body.Close(); string(page) != "Hello World, Michael!" {
		t.Errorf("%s answers %q", url, page)
	}

	logs := lab.beside("logs")
	logs.expect("Received: GET / HTTP/1.1")
	syscall.Kill(-logs.cmd.Process.Pid, syscall.SIGINT) // as Ctrl-C does: to all of them
	logs.exit()
	if strings.Contains(string(logs.out.text), "Error") {
		t.Errorf("make logs ends badly:\n%s", logs.out.text)
	}

	if said := lab.run(0, "unix"); !strings.Contains(said, "all three answered over AF_UNIX") {
		t.Errorf("make unix says:\n%s", said)
	}
	if said := lab.run(0, "down"); !strings.Contains(said, "the lab is down") {
		t.Errorf("make down says:\n%s", said)
	}
	if left := lab.left(); left != "" {
		t.Errorf("left after make down:\n%s", left)
	}
}

// A maker runs make in a clone of its own, for a lab beside others.
type maker struct {
	t       *testing.T
	dir     string
	project string
	env     []string
}

func newMaker(t *testing.T, name string, env ...string) *maker {
	t.Helper()
	if _, err := exec.LookPath("make"); err != nil && os.Getenv("E2E") == "" {
		t.Skip("no make")
	}
	m := &maker{t: t, dir: newClone(t), project: suite.name + "-" + name}
	// BUILD=none: the images are those that the other tests use. MAKEFLAGS and the like are those of "make e2e".
	m.env = slices.DeleteFunc(labEnv(), func(kv string) bool {
		return strings.HasPrefix(kv, "MAKE") || strings.HasPrefix(kv, "MFLAGS")
	})
	m.env = append(append(m.env, "COMPOSE_PROJECT_NAME="+m.project, "NETLAB_LANG=en", "BUILD=none"), env...)
	t.Cleanup(func() { // if the test did not come to it
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if out, err := m.command(ctx, "down").CombinedOutput(); err != nil {
			t.Errorf("make down: %v: %s", err, out)
		}
	})
	return m
}

// newClone copies what is in the repository to a folder with a space and a quote in its name.
func newClone(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "it's a clone")
	err := filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		name := strings.TrimPrefix(path, "..")
		switch {
		case err != nil:
			return err
		case name == "/.git" || name == "/.tools" || name == "/bin" || name == "/.env" || strings.HasSuffix(name, ".tar"):
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case entry.IsDir():
			return os.MkdirAll(dir+name, 0o755)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(dir+name, content, info.Mode())
	})
	if err != nil {
		t.Fatal(err)
	}
	if compose, err := filepath.Abs("../.tools/docker-compose"); err == nil {
		if _, err := os.Stat(compose); err == nil { // or Docker has one
			os.Mkdir(dir+"/.tools", 0o755)
			if err := os.Symlink(compose, dir+"/.tools/docker-compose"); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func (m *maker) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "make", append([]string{"-C", m.dir}, args...)...)
	cmd.Env = m.env
	return cmd
}

// run runs make to its end, and returns all that it said.
func (m *maker) run(code int, args ...string) string {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := m.command(ctx, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != code {
		m.t.Fatalf("make %s: exit %d, want %d: %v\n%s", strings.Join(args, " "), got, code, err, out.String())
	}
	return out.String()
}

// beside starts make in a process group of its own, as a shell does.
func (m *maker) beside(args ...string) *local {
	m.t.Helper()
	cmd := m.command(context.Background(), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return beside(m.t, "make "+args[0], cmd)
}

func (m *maker) left() string { return leftovers("label=com.docker.compose.project=" + m.project) }
