//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

const helloWords = "Hello World, Michael!"

// The programs that are measured. Ours, the floors and the plain ones are built from this repository;
// the peers are whatever is installed, and left out where it is not.

func (b *bench) ourHello(name, file string, env ...string) program {
	return program{
		name: name, args: []string{b.built(file), "serve"},
		env: append([]string{"HELLO_TCP_LISTEN=tcp4://127.0.0.1:PORT", "HELLO_TCP_TRANSCRIPT=off", "HELLO_TCP_LOG_LEVEL=error",
			"HELLO_TCP_IDLE_TIMEOUT=10m", "HELLO_TCP_MAX_CONNS=16384"}, env...),
	}
}

func (b *bench) ourChat() program {
	return program{
		name: "chat-server", args: []string{b.built("chat-server"), "serve"},
		env: []string{"CHAT_SERVER_LISTEN=tcp4://127.0.0.1:PORT", "CHAT_SERVER_TRANSCRIPT=off", "CHAT_SERVER_LOG_LEVEL=error",
			"CHAT_SERVER_RATE=0", "CHAT_SERVER_MAX_CONNS=16384"},
	}
}

func (b *bench) ourTemp() program {
	return program{
		name: "udp-temp", udp: true, args: []string{b.built("udp-temp"), "serve"},
		env: []string{"UDP_TEMP_LISTEN=udp4://127.0.0.1:PORT", "UDP_TEMP_TRANSCRIPT=off", "UDP_TEMP_LOG_LEVEL=error", "NETLAB_LANG=zh"},
	}
}

// floor is one of the C programs in floor/, with a process for each processor.
func (b *bench) floor(name, source string, udp bool, args ...string) program {
	args = append([]string{b.built("floor-" + source), "PORT", strconv.Itoa(runtime.NumCPU())}, args...)
	return program{name: name, udp: udp, needs: "gcc", args: args}
}

// plain is one of the programs in plain/.
func (b *bench) plain(name, source string, udp bool) program {
	return program{name: name, udp: udp, args: []string{b.built("plain-" + source), "127.0.0.1:PORT"}}
}

func (b *bench) plainPython() program {
	return program{name: "plain Python", udp: true, needs: "python3", args: []string{b.found["python3"], b.built("temp.py"), "PORT"}}
}

// nginx with what makes it fast: a process for each processor, no log, no keep-alive. listen adds to its
// directive of that name.
func (b *bench) nginx(name, listen string) program {
	return program{
		name: name, needs: "nginx", args: []string{b.found["nginx"], "-p", "DIR", "-e", "stderr", "-c", "DIR/conf"},
		conf: `
daemon off;
pid nginx.pid;
error_log stderr crit;
worker_processes auto;
worker_rlimit_nofile 20000;
events { worker_connections 16384; }
http {
	access_log off;
	keepalive_timeout 0;
	client_header_timeout 10m;
	client_body_temp_path .; proxy_temp_path .; fastcgi_temp_path .; uwsgi_temp_path .; scgi_temp_path .;
	server {
		listen 127.0.0.1:PORT backlog=4096 ` + listen + `;
		return 200 "` + helloWords + `";
	}
}`,
	}
}

// ngircd without its protection against floods, which the measurement is.
func (b *bench) ngircd() program {
	return program{
		name: "ngircd", needs: "ngircd", nobody: true, args: []string{b.found["ngircd"], "-n", "-f", "DIR/conf"},
		conf: `
[Global]
Name = bench.example
Info = bench
Listen = 127.0.0.1
Ports = PORT
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxPenaltyTime = 0
PingTimeout = 3600
[Options]
DNS = no
Ident = no
PAM = no
`,
	}
}

func (b *bench) ncat() program {
	return program{
		name: "ncat", needs: "ncat",
		args: []string{b.found["ncat"], "--listen", "--broker", "--chat", "--max-conns", "1010", "127.0.0.1", "PORT"},
	}
}

// find looks for what others have made.
func (b *bench) find() {
	b.found = make(map[string]string)
	for _, name := range []string{"nginx", "ngircd", "ncat", "ab", "gcc", "python3", "docker"} {
		path, err := exec.LookPath(name)
		if err != nil { // Debian keeps servers where only root looks
			path, err = exec.LookPath("/usr/sbin/" + name)
		}
		if err != nil {
			if b.ran { // said once
				fmt.Printf("missing, and left out: %s\n", name)
			}
			continue
		}
		b.found[name] = path
	}
}

// present leaves out the programs that need what is missing.
func (b *bench) present(programs ...program) []program {
	var present []program
	for _, p := range programs {
		if p.needs == "" || b.found[p.needs] != "" {
			present = append(present, p)
		}
	}
	return present
}

func (b *bench) built(name string) string { return filepath.Join(b.work, name) }

// build makes our servers as the images have them, and what they are measured beside. It runs in this module's folder.
func (b *bench) build() error {
	goBuild := func(dir, out, tags string) error {
		return b.command(dir, "go", "build", "-trimpath", "-buildvcs=false", "-tags=nethttpomithttp2,"+tags, "-ldflags=-s -w", "-o", b.built(out), ".")
	}
	var errs []error
	for _, name := range []string{"hello-tcp", "chat-server", "udp-temp"} {
		errs = append(errs, goBuild("../services/"+name, name, ""))
	}
	errs = append(errs, goBuild("../services/hello-tcp", "hello-tcp-nolobby", "nolobby"))
	for _, name := range []string{"hello", "temp"} {
		errs = append(errs, goBuild("plain/"+name, "plain-"+name, ""))
		if gcc := b.found["gcc"]; gcc != "" {
			errs = append(errs, b.command("floor", gcc, "-O2", "-Wall", "-o", b.built("floor-"+name), name+".c"))
		}
	}
	python, err := os.ReadFile("plain/temp.py")
	return errors.Join(append(errs, err, os.WriteFile(b.built("temp.py"), python, 0o644))...)
}

func (b *bench) command(dir string, args ...string) error {
	cmd := exec.CommandContext(b.ctx, args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}
