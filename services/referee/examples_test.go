package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/referee"
	"netlab.example/pkg/sockets"
)

// Each starting point starts, and fails the check that its comment names: it is wrong, and not dead.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.*")
	if err != nil || len(files) != 9 {
		t.Fatalf("%q, %v", files, err)
	}
	line := regexp.MustCompile(`make referee S=(\S+) URL=(tcp|udp)://127\.0\.0\.1:9000 ARGS="-only (\S+)"\n`)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			if _, err := os.Stat("/proc/net/tcp"); err != nil {
				t.Skip(err) // how the program's start is waited for
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			next := line.FindStringSubmatch(string(text))
			if next == nil {
				t.Fatalf("no comment has a line like %v", line)
			}
			network, port := next[2], free(t, next[2])
			cmd := exec.CommandContext(t.Context(), built(t, file), port)
			if strings.HasSuffix(file, ".py") {
				cmd = exec.CommandContext(t.Context(), "python3", file, port)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
			ctx, cancel := context.WithTimeout(t.Context(), labtest.Patience)
			defer cancel()
			_, n, err := program(network, port)
			if err != nil {
				t.Fatal(err)
			}
			here, _ := hosts(ctx)
			if err := wait(ctx, network, n, here); err != nil {
				t.Fatal(err)
			}
			p, err := protocol(next[1])
			if err != nil {
				t.Fatal(err)
			}
			report, err := p.Judge(ctx, sockets.Address{Network: network, Addr: "127.0.0.1:" + port}, referee.Options{Only: []string{next[3]}})
			if err != nil {
				t.Fatal(err)
			}
			if _, failed, _ := report.Count(); failed != 1 {
				t.Errorf("%s: %d checks failed, want 1", next[3], failed)
			}
		})
	}
}

// built is the program that a file makes; for Python nothing is to be made.
func built(t *testing.T, file string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "program")
	tool, args := "python3", []string(nil)
	switch filepath.Ext(file) {
	case ".go":
		tool, args = "go", []string{"build", "-o", out, file}
	case ".c":
		tool, args = "cc", []string{"-Wall", "-Wextra", "-Werror", "-o", out, file}
	}
	if _, err := exec.LookPath(tool); err != nil {
		labtest.Lacks(t, "NETLAB_REQUIRE_"+map[string]string{"python3": "PYTHON", "cc": "CC", "go": "GO"}[tool], err)
	}
	if args != nil {
		if said, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
	}
	return out
}

// free is a port that nobody has at the moment.
func free(t *testing.T, network string) string {
	t.Helper()
	addr := ""
	if network == "udp" {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		addr = conn.LocalAddr().String()
	} else {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		addr = ln.Addr().String()
	}
	_, port, _ := net.SplitHostPort(addr)
	return port
}
