package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// script runs lines of shell in a clone, after deploy/common.sh, and returns what they print.
func script(t *testing.T, dir, lines string, env ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", ". deploy/common.sh\n"+lines)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "NETLAB_LANG=en"}, env...)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// What .env says is read by our scripts as Compose reads it.
func TestSettings(t *testing.T) {
	dir := newClone(t)
	compose := newStack(t, "settings").command[0]
	for _, test := range []struct{ file, shell, want string }{
		{"", "", "none"},
		{"HELLO_PORT=8081", "", "8081"},
		{"HELLO_PORT=8081", "8082", "8082"},
		{"HELLO_PORT=8081\nHELLO_PORT=8083\n", "", "8083"},
		{"export HELLO_PORT=8081\n", "", "8081"},
		{"HELLO_PORT = 8081\n", "", "8081"},
		{"HELLO_PORT='8081' # mine\n", "", "8081"},
		{"HELLO_PORT=\"8081\"\r\n", "", "8081"},
		{"HELLO_PORT=8081  # mine\n", "", "8081"},
		{"#HELLO_PORT=8081\nHELLO_PORTS=1\n", "", "none"},
		{"HELLO_PORT=\n", "", "none"},
	} {
		if err := os.WriteFile(dir+"/.env", []byte(test.file), 0o644); err != nil {
			t.Fatal(err)
		}
		env := []string{"HOME=" + dir}
		if test.shell != "" {
			env = append(env, "HELLO_PORT="+test.shell)
		}
		if got, err := script(t, dir, "setting HELLO_PORT none", env...); got != test.want || err != nil {
			t.Errorf("%q and %q in the shell: %q, want %q (%v)", test.file, test.shell, got, test.want, err)
		}
		if compose == "docker" { // its plugin wants a home
			continue
		}
		ask := exec.Command(compose, "-f", "-", "config")
		ask.Stdin = strings.NewReader("name: x\nservices: {x: {image: \"x${HELLO_PORT:-none}\"}}")
		ask.Dir, ask.Env = dir, env
		if out, err := ask.CombinedOutput(); err != nil || !strings.Contains(string(out), "image: x"+test.want+"\n") {
			t.Errorf("%q and %q in the shell: Compose sees %s (%v)", test.file, test.shell, out, err)
		}
	}
}

// A line of ours comes, changes and goes; everything else in .env stays as it is.
func TestRemember(t *testing.T) {
	dir := newClone(t)
	mine := "# what I like: C:\\new\\temp, 100 %s\nTEMP_PORT=1\nexport CHAT_PORT=2"
	if err := os.WriteFile(dir+"/.env", []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	const mark = " # by make up; make forget drops it"
	for _, step := range []struct{ do, want string }{
		{"remember HELLO_PORT 8081", mine + "\nHELLO_PORT=8081" + mark + "\n"},
		{"remember HELLO_PORT 8082", mine + "\nHELLO_PORT=8082" + mark + "\n"},
		{"remember CHAT_PORT 3; remember TEMP_PORT; remember NOBODY", mine + "\nHELLO_PORT=8082" + mark + "\n"},
		{"deploy/settings.sh en; deploy/settings.sh zh >/dev/null", mine + "\nHELLO_PORT=8082" + mark + "\nNETLAB_LANG=zh" + mark + "\n"},
		{"deploy/settings.sh forget", mine + "\n"},
	} {
		out, err := script(t, dir, "unset NETLAB_LANG; "+step.do)
		if err != nil {
			t.Errorf("%s: %v: %s", step.do, err, out)
		}
		if strings.HasSuffix(step.do, "forget") && !strings.Contains(out, "HELLO_PORT NETLAB_LANG") {
			t.Errorf("%s says %q", step.do, out)
		}
		if got, _ := os.ReadFile(dir + "/.env"); string(got) != step.want {
			t.Errorf("after %s:\n%s\nwant\n%s", step.do, got, step.want)
		}
	}
	if info, err := os.Stat(dir + "/.env"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf(".env is now %v, %v", info.Mode(), err)
	}
	// What does not change is not written.
	before, _ := os.Stat(dir + "/.env")
	script(t, dir, "remember TEMP_PORT 5; remember HELLO_PORT")
	if after, _ := os.Stat(dir + "/.env"); !os.SameFile(before, after) {
		t.Error("written although nothing changed")
	}
	// Without a line of the user's there is no file.
	os.Remove(dir + "/.env")
	script(t, dir, "remember HELLO_PORT 8081; remember HELLO_PORT")
	if left, _ := filepath.Glob(dir + "/.env*"); left != nil {
		t.Errorf("left: %q", left)
	}
}

// Many write at once: each reader of .env sees the user's line.
func TestRememberAtOnce(t *testing.T) {
	dir := newClone(t)
	const mine = "HELLO_TCP_NAME=Anna\n"
	if err := os.WriteFile(dir+"/.env", []byte(mine), 0o644); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for n := range 8 {
		writers.Go(func() {
			lines := fmt.Sprintf("for n in 1 2 3 4 5 6 7 8 9 10; do remember CHAT_PORT %d$n; remember TEMP_PORT $n; remember TEMP_PORT; done", n+1)
			if out, err := script(t, dir, lines); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for reads := 0; ; reads++ {
		text, err := os.ReadFile(dir + "/.env")
		if err != nil || !strings.HasPrefix(string(text), mine) {
			t.Fatalf("read %d: %q, %v", reads, text, err)
		}
		select {
		case <-done:
			if left, _ := filepath.Glob(dir + "/.env.*"); left != nil {
				t.Errorf("left: %q", left)
			}
			return
		default:
		}
	}
}

// A clone that cannot be written is said in our words.
func TestReadOnlyClone(t *testing.T) {
	dir := newClone(t)
	cmd := exec.Command("sh", "-euc", ". deploy/common.sh; remember HELLO_PORT 8081")
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "NETLAB_LANG=en"}
	if os.Geteuid() == 0 { // whom no mode stops
		os.Chmod(filepath.Dir(filepath.Dir(dir)), 0o755)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
	out, err := cmd.CombinedOutput()
	if want := "netlab: " + dir + "/.env cannot be written\n  hint: ls -ld . .env\n"; err == nil || string(out) != want {
		t.Errorf("%v: %s, want %s", err, out, want)
	}
}

// On Windows git may end each line of a clone in CR LF. WSL and the containers then find no "sh\r".
func TestCloneOnWindows(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		lacks(t, "NETLAB_REQUIRE_GIT", "no git")
	}
	from, dir := newClone(t), filepath.Join(t.TempDir(), "clone")
	for _, args := range []string{"init -q", "add -A", "-c user.name=x -c user.email=x@example.com commit -qm x"} {
		cmd := exec.Command("git", strings.Fields(args)...)
		cmd.Dir = from
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v: %s", args, err, out)
		}
	}
	if out, err := exec.Command("git", "clone", "-q", "-c", "core.autocrlf=true", from, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	files := 0
	filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		name := strings.TrimPrefix(path, from)
		if err != nil || name == "/.git" || name == "/.tools" {
			return filepath.SkipDir
		}
		if entry.IsDir() {
			return nil
		}
		want, _ := os.ReadFile(path)
		got, err := os.ReadFile(dir + name)
		if err != nil && exec.Command("git", "-C", from, "check-ignore", "-q", "."+name).Run() == nil {
			return nil
		}
		if err != nil || string(got) != string(want) {
			t.Errorf("%s differs in the clone (%v)", name, err)
		}
		files++
		return nil
	})
	if files < 100 {
		t.Errorf("only %d files", files)
	}
	if out, err := exec.Command("make", "-C", dir, "help").CombinedOutput(); err != nil {
		t.Errorf("make help: %v: %s", err, out)
	}
}

// make help lists every verb, in both languages.
func TestHelp(t *testing.T) {
	makefiles := ""
	for _, name := range []string{"../Makefile", "../deploy/maintain.mk"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		makefiles += string(text)
	}
	var verbs []string
	for _, match := range regexp.MustCompile(`(?m)^\.PHONY: (.*)$`).FindAllStringSubmatch(makefiles, -1) {
		verbs = append(verbs, strings.Fields(match[1])...)
	}
	if len(verbs) < 20 {
		t.Fatalf("only %q", verbs)
	}
	for _, language := range []string{"en", "zh"} {
		cmd := exec.Command("make", "-C", "..", "-s", "help")
		cmd.Env = append(slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "MAKE") }), "NETLAB_LANG="+language)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, verb := range verbs {
			line := regexp.MustCompile(`(?m)make ` + verb + `[ :].*$`).FindString(string(out))
			if verb != "bin" && line == "" { // prepare.sh's
				t.Errorf("%s: make help lacks %s", language, verb)
			}
			if line != "" && zh.MatchString(line) != (language == "zh") {
				t.Errorf("%s: %s", language, line)
			}
		}
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "  make ") {
				copied(t, "make help", strings.TrimSpace(line))
			}
		}
	}
}

// What deploy/wire.sh makes of its Compose's failures: a command's exit code comes back, and a wire that is not there
// does not keep the others from their reset. The Compose here only says what it was asked for.
func TestWireFails(t *testing.T) {
	t.Parallel()
	dir := newClone(t)
	stand := "#!/bin/sh\ncase $1:$3 in\nps:wire-hello) [ -z \"$UP\" ] || echo up ;;\nps:*) echo up ;;\nexec:*) echo \"$*\"; exit $RC ;;\nesac\n"
	if err := os.MkdirAll(dir+"/.tools", 0o755); err != nil {
		t.Fatal(err)
	}
	os.Remove(dir + "/.tools/docker-compose") // it may be a link to the real one
	if err := os.WriteFile(dir+"/.tools/docker-compose", []byte(stand), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		do, env, want string
		code          int
	}{
		{"UP=1 deploy/wire.sh hello-tcp link loss=0.3", "RC=2", "exec -T wire-hello wire link loss=0.3", 2},
		{"UP=1 FILE='no such folder/x.svg' deploy/wire.sh hello-tcp picture --last", "RC=2", "netlab: no such folder/x.svg cannot be written", 1},
		{"UP=1 FILE=-x.svg deploy/wire.sh hello-tcp picture --last; cat ./-x.svg; ls | grep -c svg", "RC=0", "netlab: ./-x.svg\nexec -T wire-hello wire picture --last\n1", 0},
		{"deploy/wire.sh all reset", "RC=0", "netlab: wire-hello is not running\n  hint: make up\nchat-server: exec -T wire-chat wire reset\nudp-temp: exec -T wire-temp wire reset", 1},
	} {
		out, err := script(t, dir, test.do, test.env)
		code := 0
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			code = e.ExitCode()
		}
		if out != test.want || code != test.code {
			t.Errorf("%s: exit code %d, want %d:\n%s", test.do, code, test.code, out)
		}
	}
}
