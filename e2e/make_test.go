package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	first := ""

	// A port that is taken: said before anything starts.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	hint := regexp.MustCompile(`  hint: HELLO_PORT=\d+ make up\n`)
	for _, verb := range []string{"up", "doctor"} {
		said := lab.run(2, verb, "HELLO_PORT="+port)
		first += said
		if !strings.Contains(said, "port "+port+"/tcp (HELLO_PORT) is taken by ") || !hint.MatchString(said) {
			t.Errorf("make %s with a port that is taken says:\n%s", verb, said)
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
	if !strings.Contains(first+said, " COMPOSE_PROJECT_NAME="+lab.project+" NETLAB_LANG=en LAB_PREFIX6=") {
		t.Errorf("make up does not say what it remembers:\n%s", said)
	}
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "  ") {
			copied(t, "make up", strings.TrimSpace(line))
		}
	}
	lab.forgetful() // what was told once needs no second time
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

	// A server that was stopped is seen, and comes back with its wire. Another clone's lab is not taken unasked.
	if _, err := cli("stop", "-t", "3", lab.project+"-hello-tcp-1"); err != nil {
		t.Fatal(err)
	}
	if said := lab.run(0, "ps"); !strings.Contains(said, "Exited (0)") {
		t.Errorf("make ps does not show what was stopped:\n%s", said)
	}
	// One wire less does not keep "make reset" from the others.
	lab.run(0, "link", "S=chat-server", "ARGS=out.loss=90%")
	if _, err := cli("wait", lab.project+"-wire-hello-1"); err != nil {
		t.Fatal(err)
	}
	if said := lab.run(2, "reset"); !strings.Contains(said, "\nchat-server: ") || !strings.Contains(said, "\nudp-temp: ") {
		t.Errorf("make reset with hello-tcp stopped says:\n%s", said)
	}
	if said := lab.run(0, "start"); !strings.Contains(said, "hello-tcp runs, and wire-hello beside it") {
		t.Errorf("make start says:\n%s", said)
	}
	if said := lab.run(0, "wire", "ARGS=status"); !strings.Contains(said, "8080") {
		t.Errorf("make wire ARGS=status after make start says:\n%s", said)
	}
	// A fault is handed over whole, its '#' too, with or without quotes of its own.
	for _, fault := range []string{"drop data #7 to client", "'drop data #8 to client'"} {
		if said := lab.run(0, "do", "ARGS="+fault); !strings.Contains(said, strings.Trim(fault, "'")) {
			t.Errorf("make do ARGS=%q says:\n%s", fault, said)
		}
	}
	if said := lab.run(2, "do", "FILE=no such file"); !strings.Contains(said, "netlab: no such file cannot be read\n") {
		t.Errorf("make do with a file that is not there says:\n%s", said)
	}
	lab.run(0, "reset")
	// What outlasts its user is said to the next one.
	lab.run(0, "link", "ARGS=out.loss=90%")
	if said := lab.run(0, "up"); !strings.Contains(said, "netlab: wire-hello is not as at the start: ") || !strings.Contains(said, "90%") {
		t.Errorf("make up on a link left at 90 %% loss says:\n%s", said)
	}
	lab.run(0, "reset")
	if said := lab.run(0, "up"); strings.Contains(said, "not as at the start") {
		t.Errorf("make up after make reset says:\n%s", said)
	}

	// README of udp-temp has a server paused; the engine cannot start it, and "make up" says what can.
	if _, err := cli("pause", lab.project+"-udp-temp-1"); err != nil {
		t.Fatal(err)
	}
	if said := lab.run(2, "up"); !regexp.MustCompile(`  hint: .*compose unpause udp-temp\n`).MatchString(said) {
		t.Errorf("make up with a paused server says:\n%s", said)
	}
	if _, err := cli("unpause", lab.project+"-udp-temp-1"); err != nil {
		t.Fatal(err)
	}

	other := newMaker(t, "make")
	if said := other.run(2, "up"); !strings.Contains(said, "the lab of "+lab.dir+" is there\n  hint: make down up #") {
		t.Errorf("another clone's make up says:\n%s", said)
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

// Ctrl-C while the lab starts: the next "make up" starts it, and "make down" leaves nothing.
func TestInterruptedUp(t *testing.T) {
	t.Parallel()
	lab := newMaker(t, "interrupted", "HELLO_PORT="+freePort(t), "CHAT_PORT="+freePort(t))
	for _, until := range []string{"network ls", "container ls -a", "container ls --filter publish=1-65535"} {
		up := lab.beside("up")
		for late := time.Now().Add(patience); ; time.Sleep(time.Millisecond) { // until the engine has begun
			out, _ := cli(append(strings.Fields(until), "-q", "--filter", "label=com.docker.compose.project="+lab.project)...)
			if out != "" {
				break
			}
			if time.Now().After(late) {
				t.Fatalf("%s shows nothing", until)
			}
		}
		syscall.Kill(-up.cmd.Process.Pid, syscall.SIGINT)
		up.exit()
		if said := lab.run(0, "up"); !strings.Contains(said, "the lab is up:\n") {
			t.Errorf("make up after Ctrl-C at %q says:\n%s", until, said)
		}
		up = lab.beside("up") // once more, with all of it there
		syscall.Kill(-up.cmd.Process.Pid, syscall.SIGINT)
		up.exit()
		lab.run(0, "down")
		if left := lab.left(); left != "" {
			t.Fatalf("left after Ctrl-C at %q, make up and make down:\n%s", until, left)
		}
	}
}

// A moved port is remembered until it is moved back. One on [::] alone is free on 127.0.0.1.
func TestPorts(t *testing.T) {
	t.Parallel()
	lab := newMaker(t, "ports", "LAB_BIND=0.0.0.0")
	v6, err := net.Listen("tcp6", "[::]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer v6.Close()
	_, port, _ := net.SplitHostPort(v6.Addr().String())
	said := lab.run(0, "up", "HELLO_PORT="+port)
	if !strings.Contains(said, " HELLO_PORT="+port) || !strings.Contains(said, "http://localhost:"+port+" ") ||
		!strings.Contains(said, "LAB_BIND=0.0.0.0: everyone who reaches this machine reaches the three servers\n") {
		t.Errorf("make up HELLO_PORT=%s says:\n%s", port, said)
	}
	ports, err := cli("ps", "--filter", "label=com.docker.compose.project="+lab.project, "--format", "{{.Ports}}")
	if err != nil || strings.Count(ports, "0.0.0.0:") != 3 || strings.Contains(ports, "127.0.0.1") || strings.Contains(ports, "->91") {
		t.Errorf("published: %s, %v", ports, err)
	}
	lab.forgetful()
	if said := lab.run(0, "up"); !strings.Contains(said, "http://localhost:"+port+" ") || strings.Contains(said, "remembered") {
		t.Errorf("the next make up says:\n%s", said)
	}
	said = lab.run(2, "up", "HELLO_PORT=8080", "CHAT_PORT=99999")
	if !strings.Contains(said, "CHAT_PORT=99999 is not a port") {
		t.Errorf("make up CHAT_PORT=99999 says:\n%s", said)
	}
}

// What only the engine knows is said with the variable that mends it: a port that the system reserves, a network that
// overlaps. Where there is no IPv6 the lab starts with IPv4 alone.
func TestEngineRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, when, says, want string }{
		{"port", "up", "Error response from daemon: driver failed: listen tcp4 127.0.0.1:81: bind: permission denied", "hint: HELLO_PORT=82 make up\n"},
		{"overlap", "up", "Error response from daemon: Pool overlaps with other one on this address space", "hint: LAB_PREFIX6=fd"},
		{"pools", "up", "could not find an available, non-overlapping IPv4 address pool", "hint: docker network prune #"},
		{"other", "up", "something else", "the lab did not start: something else\n  hint: make doctor\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			lab := newMaker(t, "refused-"+test.name)
			lab.refuse(`*" up "*`, test.says)
			if said := lab.run(2, "up", "HELLO_PORT=81"); !strings.Contains(said, test.want) {
				t.Errorf("make up says:\n%s", said)
			}
			if env, _ := os.ReadFile(lab.dir + "/.env"); test.name == "port" && strings.Contains(string(env), "HELLO_PORT") {
				t.Errorf("a port that cannot be had is remembered:\n%s", env)
			}
		})
	}
	t.Run("IPv6", func(t *testing.T) {
		t.Parallel()
		lab := newMaker(t, "ipv4")
		lab.refuse(`*ipv4.yml*" up "*) exec "$real" "$@" ;; *" up "*`, "cannot read IPv6 setup for bridge: no such file or directory")
		said := lab.run(0, "up")
		if !strings.Contains(said, "no IPv6 here: starting with IPv4 alone") {
			t.Errorf("make up says:\n%s", said)
		}
		c, err := cli("network", "inspect", "-f", "{{.EnableIPv6}}", lab.project+"_lab")
		if err != nil || c != "false" {
			t.Errorf("IPv6 of the network: %s, %v", c, err)
		}
		lab.forgetful()
		if said := lab.run(0, "unix"); !strings.Contains(said, "all three answered over AF_UNIX") || strings.Contains(said, "no IPv6 here") {
			t.Errorf("make unix says:\n%s", said)
		}
	})
}

// refuse puts a Compose in the way that says something instead of doing it, in a case of the shell.
func (m *maker) refuse(when, says string) {
	m.t.Helper()
	compose := newStack(m.t, "none").command
	real := compose[0]
	if real == "docker" {
		real = m.dir + "/.tools/real"
		os.WriteFile(real, []byte("#!/bin/sh\nexec docker compose \"$@\"\n"), 0o755)
	}
	os.MkdirAll(m.dir+"/.tools", 0o755)
	os.Remove(m.dir + "/.tools/docker-compose")
	stub := "#!/bin/sh\nreal='" + real + "'\ncase \"$(cat .env) $* \" in\n" + when + ") echo '" + says + "' >&2; exit 1 ;;\nesac\nexec \"$real\" \"$@\"\n"
	stub = strings.ReplaceAll(stub, m.dir, strings.ReplaceAll(m.dir, "'", `'\''`))
	if err := os.WriteFile(m.dir+"/.tools/docker-compose", []byte(stub), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

// A machine without Go and without Compose: each command says what is missing.
func TestBareMachine(t *testing.T) {
	t.Parallel()
	lab := newMaker(t, "bare")
	lab.bare(true)
	for _, test := range []struct {
		code int
		verb string
		want string
	}{
		{2, "ps", "netlab: no Compose here yet\n  hint: make up\n"},
		{0, "down", "netlab: nothing to stop: "},
		{2, "doctor", "FAIL  no Compose v2, and no Go to build it\n  hint: install docker-compose-v2 "},
		{2, "up", "netlab: Docker has no Compose v2, and there is no Go to build it\n  hint: install docker-compose-v2 "},
		{2, "watch", "netlab: no Compose here yet\n  hint: make up\n"},
	} {
		if said := lab.run(test.code, test.verb); !strings.Contains(said, test.want) {
			t.Errorf("make %s says:\n%s\nwant: %s", test.verb, said, test.want)
		}
	}
	lab.bare(false)
	for verb, want := range map[string]string{
		"doctor": "FAIL  no docker command\n  hint: install Docker ",
		"up":     "netlab: no Docker engine answers\n  hint: make doctor\n",
		"down":   "netlab: no Docker engine answers\n  hint: make doctor\n",
	} {
		if said := lab.run(2, verb); !strings.Contains(said, want) {
			t.Errorf("make %s without Docker says:\n%s\nwant: %s", verb, said, want)
		}
	}
	lab.bare(true)
}

// bare leaves this machine's commands to make, but for Go, Compose and, if told so, docker.
func (m *maker) bare(docker bool) {
	m.t.Helper()
	bin := m.t.TempDir()
	for dir := range strings.SplitSeq("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ":") {
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			if name := entry.Name(); name != "go" && name != "gofmt" && name != "docker" {
				os.Symlink(dir+"/"+name, bin+"/"+name)
			}
		}
	}
	if docker {
		real, err := exec.LookPath("docker")
		if err != nil {
			m.t.Fatal(err)
		}
		stub := "#!/bin/sh\ncase $1 in compose) exit 1 ;; esac\nexec " + real + " \"$@\"\n"
		if err := os.WriteFile(bin+"/docker", []byte(stub), 0o755); err != nil {
			m.t.Fatal(err)
		}
	}
	os.RemoveAll(m.dir + "/.tools")
	m.env = append(slices.DeleteFunc(m.env, func(kv string) bool { return strings.HasPrefix(kv, "PATH=") }), "PATH="+bin)
}

// What was built under umask 077 runs as the container's user; a bundle of it starts the lab on a bare machine. Not
// beside other tests: the images are made anew.
func TestBundle(t *testing.T) {
	programs := []string{"hello-tcp", "chat-server", "udp-temp", "wire"}
	before := map[string]string{}
	for _, program := range programs {
		id, err := cli("image", "inspect", "-f", "{{.Id}}", image(program))
		if err != nil {
			t.Fatal(err)
		}
		before[program] = id
	}
	t.Cleanup(func() {
		for program, id := range before {
			made, _ := cli("image", "inspect", "-f", "{{.Id}}", image(program))
			cli("tag", id, image(program))
			if made != id {
				cli("image", "rm", made)
			}
		}
	})
	maker := newMaker(t, "bundle")
	umask := syscall.Umask(0o077)
	said := maker.run(0, "images", "BUILD=prebuilt")
	syscall.Umask(umask)
	for _, program := range programs {
		if out, err := cli("run", "--rm", "--label="+label+"="+suite.run, image(program), program, "-h"); err != nil {
			t.Errorf("built under umask 077: %s: %v\n%s", out, err, said)
		}
	}
	said = maker.run(0, "bundle")
	found, _ := filepath.Glob(maker.dir + "/netlab-bundle-*.tar")
	if len(found) != 1 {
		t.Fatalf("%q, make bundle says:\n%s", found, said)
	}
	content, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	digest := fmt.Sprintf("sha256 %x", sha256.Sum256(content))
	if !strings.Contains(said, digest+": make up shows it again\n") {
		t.Errorf("make bundle says:\n%s\nwant %s", said, digest)
	}

	learner := newMaker(t, "learner")
	learner.bare(true)
	learner.env = slices.DeleteFunc(learner.env, func(kv string) bool { return kv == "BUILD=none" })
	if err := os.WriteFile(learner.dir+"/"+filepath.Base(found[0]), content, 0o644); err != nil {
		t.Fatal(err)
	}
	images := func() string {
		out, _ := cli("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
		names := slices.DeleteFunc(strings.Fields(out), func(name string) bool { return strings.HasPrefix(name, "<none>") })
		slices.Sort(names)
		return strings.Join(names, "\n")
	}
	had := images()
	if said := learner.run(0, "up"); !strings.Contains(said, "images made from "+filepath.Base(found[0])+", "+digest+"\n") || !strings.Contains(said, "the lab is up:\n") {
		t.Errorf("make up with the bundle says:\n%s", said)
	}
	if has := images(); has != had {
		t.Errorf("images before:\n%s\nafter:\n%s", had, has)
	}
	if said := learner.run(0, "up"); strings.Contains(said, "images made") {
		t.Errorf("made once more:\n%s", said)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
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
		case errors.Is(err, fs.ErrNotExist): // the other suite's files come and go
			return nil
		case err != nil:
			return err
		case name == "/.git" || name == "/.tools" || name == "/bin" || name == "/.env" || strings.HasSuffix(name, ".tar"):
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case entry.IsDir():
			return os.MkdirAll(dir+name, 0o755)
		case !entry.Type().IsRegular(): // and its sockets
			return nil
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
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

// forgetful leaves out what make up has remembered. HOME goes, too: what asks for it must not.
func (m *maker) forgetful() {
	m.env = slices.DeleteFunc(m.env, func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains([]string{"HOME", "COMPOSE_PROJECT_NAME", "NETLAB_LANG", "LAB_PREFIX6", "LAB_BIND", "HELLO_PORT", "CHAT_PORT", "TEMP_PORT"}, name)
	})
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
