package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"go.uber.org/zap"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
)

type testConfig struct {
	Common
	Listen string `split_words:"true" default:"tcp://:1" desc:"where to listen" zh:"监听地址"`
	Most   Count  `split_words:"true" default:"3" desc:"how many" zh:"多少"`
	Limit  Limit  `split_words:"true" default:"0" desc:"no more" zh:"不超过"`
	Share  uint8  `split_words:"true" default:"0" desc:"a part" zh:"一部分"`
}

// try runs one command line and returns its exit code and what it printed.
func try(t *testing.T, serve func(context.Context, testConfig, Env) error, lang language.Lang, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	file := func(name string) *os.File {
		f, err := os.Create(t.TempDir() + name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	env := Env{Args: args, Lang: language.Choice{People: lang}, Stdout: file("/out"), Stderr: file("/err")}
	code = run(t.Context(), "prog", []Subcommand{
		Command("serve", "PROG", "", serve),
		Command("client", "PROG_CLIENT", "[URL]", func(_ context.Context, _ struct{}, env Env) error {
			return failure.Usage(fmt.Errorf("bad argument %q", env.Args[0]))
		}),
	}, env)
	read := func(f *os.File) string {
		f.Seek(0, io.SeekStart)
		b, _ := io.ReadAll(f)
		return string(b)
	}
	return code, read(env.Stdout), read(env.Stderr)
}

func TestExitCodes(t *testing.T) {
	well := func(context.Context, testConfig, Env) error { return nil }
	fails := func(context.Context, testConfig, Env) error {
		return failure.Hint(errors.New("no luck"), errors.New("try again"))
	}
	for _, tc := range []struct {
		name   string
		serve  func(context.Context, testConfig, Env) error
		args   string
		env    string
		code   int
		stdout string // contained
		stderr string // contained
	}{
		{"well", well, "serve", "", 0, "", ""},
		{"fails", fails, "serve", "", 1, "", "prog: no luck\nhint: try again\n"},
		{"nothing", well, "", "", 2, "", "prog serve"},
		{"unknown", well, "dance", "", 2, "", `unknown subcommand "dance"`},
		{"argument", well, "serve now", "", 2, "", `serve takes no arguments, got "now"`},
		{"usage", well, "client xyz", "", 2, "", "prog: bad argument \"xyz\"\nhint: prog client -h\n"},
		{"help", well, "-h", "", 0, "PROG_SHUTDOWN_TIMEOUT  2s", ""},
		{"help of one", well, "serve --help", "", 0, "where to listen", ""},
		{"bad value", well, "serve", "PROG_MOST=0", 2, "", `PROG_MOST="0": want a whole number from 1 to 1000000000`},
		{"too many", well, "serve", "PROG_MOST=9223372036854775807", 2, "", "want a whole number"},
		{"bad limit", well, "serve", "PROG_LIMIT=-1", 2, "", `PROG_LIMIT="-1": want a whole number from 0 to 1000000000`},
		{"bad switch", well, "serve", "PROG_TRANSCRIPT=yes", 2, "", "want on or off"},
		{"bad duration", well, "serve", "PROG_SHUTDOWN_TIMEOUT=-1s", 2, "", "want a duration"},
		{"bad level", well, "serve", "PROG_LOG_LEVEL=loud", 2, "", `PROG_LOG_LEVEL="loud": want debug, info, warn or error`},
		{"bad number", well, "serve", "PROG_SHARE=half", 2, "", `PROG_SHARE="half": want a number`},
		{"misspelt", well, "serve", "PROG_LISTN=x", 0, "", "warning: unknown variable PROG_LISTN"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if k, v, ok := strings.Cut(tc.env, "="); ok {
				t.Setenv(k, v)
			}
			code, stdout, stderr := try(t, tc.serve, language.English, strings.Fields(tc.args)...)
			if code != tc.code || !strings.Contains(stdout, tc.stdout) || !strings.Contains(stderr, tc.stderr) {
				t.Errorf("exit %d\nstdout %s\nstderr %s", code, stdout, stderr)
			}
		})
	}
}

func TestEmptyIsUnset(t *testing.T) {
	t.Setenv("PROG_LISTEN", "")
	t.Setenv("PROG_SHUTDOWN_TIMEOUT", "")
	code, _, stderr := try(t, func(_ context.Context, cfg testConfig, _ Env) error {
		if cfg.Listen != "tcp://:1" || cfg.ShutdownTimeout.D().Seconds() != 2 || !cfg.Transcript {
			t.Errorf("got %+v", cfg)
		}
		return nil
	}, language.English, "serve")
	if code != 0 || stderr != "" {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

func TestErrorsInChinese(t *testing.T) {
	fails := func(context.Context, testConfig, Env) error {
		return failure.Hint(language.Errorf("没有第 %d 个", "no number %d", 7), language.Errorf("再试", "try again"))
	}
	for args, want := range map[string]string{
		"serve":     "prog: 没有第 7 个\n提示: 再试\n",
		"dance":     "prog: 没有子命令 \"dance\"\n提示: prog -h\n",
		"serve now": "prog: serve 不带参数, 却有 \"now\"\n提示: prog serve -h\n",
	} {
		if _, _, stderr := try(t, fails, language.Chinese, strings.Fields(args)...); stderr != want {
			t.Errorf("%s: got %q, want %q", args, stderr, want)
		}
	}
	t.Setenv("PROG_MOST", "0")
	if _, _, stderr := try(t, fails, language.Chinese, "serve"); !strings.HasPrefix(stderr, "prog: PROG_MOST=\"0\": 应为 1 到 1000000000 的整数\n") {
		t.Errorf("got %q", stderr)
	}
}

// TestHelp: a program's -h says what each subcommand is for, and the variables that neighbours share once; a
// subcommand's own says all.
func TestHelp(t *testing.T) {
	none := func(context.Context, testConfig, Env) error { return nil }
	short := func(zh, en string) language.Both[string] { return language.Both[string]{Zh: zh, En: en} }
	cmds := []Subcommand{
		Command("look", "PROG", "", none).Help(short("看", "looks"), short("细看", "looks closely")),
		Command("leap", "PROG", "FAR", none).Help(short("跳", "leaps"), short("远跳", "leaps far")),
	}
	for _, tc := range []struct {
		cmds      []Subcommand
		lang      language.Lang
		want, not string
		tables    int
	}{
		{cmds, language.English, "usage: prog look\n  looks\nusage: prog leap FAR\n  leaps\n", "closely", 1},
		{cmds[:1], language.English, "looks closely\n", "leaps", 1},
		{cmds[1:], language.Chinese, "远跳\n", "leaps", 1},
	} {
		var out strings.Builder
		printUsage(&out, "prog", tc.cmds, tc.lang)
		if got := out.String(); !strings.Contains(got, tc.want) || strings.Contains(got, tc.not) || strings.Count(got, "PROG_LISTEN") != tc.tables {
			t.Errorf("want %q, not %q, in\n%s", tc.want, tc.not, got)
		}
	}
}

func TestHelpInChinese(t *testing.T) {
	_, stdout, _ := try(t, nil, language.Chinese, "serve", "-h")
	if !strings.Contains(stdout, "用法: prog serve\n") || !strings.Contains(stdout, "监听地址") {
		t.Errorf("got %s", stdout)
	}
}

func TestLogGoesWhereItIsSent(t *testing.T) {
	var elsewhere strings.Builder
	_, _, stderr := try(t, func(_ context.Context, _ testConfig, env Env) error {
		env.Log.Info("first", zap.Int("n", 1))
		env.LogTo(&elsewhere)
		env.Log.Info("second")
		env.LogTo(nil)
		env.Log.Debug("never")
		return nil
	}, language.English, "serve")
	if !strings.Contains(stderr, "first") || strings.Contains(stderr, "second") || !strings.Contains(elsewhere.String(), "second") || strings.Contains(stderr, "never") {
		t.Errorf("stderr %q, elsewhere %q", stderr, elsewhere.String())
	}
}

// Nobody reads standard error: neither the log nor the end waits for it. When somebody does read, what is there is
// told, and how much was left out.
func TestNobodyReadsTheLog(t *testing.T) {
	r, w := io.Pipe()
	s := newSink(w)
	const lines = 50_000
	for range lines {
		io.WriteString(s, "a line\n")
	}
	s.std.Close()
	told, leftOut := 0, 0
	in := bufio.NewScanner(r)
	for told+leftOut < lines && in.Scan() {
		if n := 0; in.Text() == "a line" {
			told++
		} else if _, err := fmt.Sscanf(in.Text(), "... (%d lines of the log left out)", &n); err != nil {
			t.Fatalf("%q: %v", in.Text(), err)
		} else {
			leftOut += n
		}
	}
	if told == 0 || leftOut == 0 || told+leftOut != lines {
		t.Errorf("%d lines told and %d left out, of %d", told, leftOut, lines)
	}
}
