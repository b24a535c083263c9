// Package abuse does to the three servers what the open network does to servers, and says what must hold:
// while it lasts a well-behaved client gets its answers, and afterwards goroutines and descriptors are
// exactly as many as before, and memory is within a bound. It imports nothing of the project: it builds
// the programs, runs them as processes on this machine's loopback, and looks at their /metrics.
//
//	main_test.go        the programs are built once
//	server_test.go      start a server, look into it, stop it; what it prints is screened
//	good_test.go        the well-behaved clients
//	slow_test.go        who is slow: headers, lines, readers
//	crowd_test.go       who are many: idle, over the limit, coming and going, resetting
//	bytes_test.go       who sends anything: a gigabyte, every byte value, names, datagrams
//	outlets_test.go     what a server itself needs: descriptors, standard output, its listener for health checks
//	container_test.go   the images, with 32 MiB of memory
//	stop_test.go        SIGTERM and kill -9 in the middle of it
//	soak_test.go        all at once, for as long as SOAK says, drawn by chart_test.go
//
// docs/abuse.md has what was tried, in figures.
package abuse

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

var programs string // the folder with the servers' programs

func TestMain(m *testing.M) {
	flag.Parse()
	switch {
	case testing.Short():
		fmt.Println("abuse: skipped, -short")
		return
	case runtime.GOOS != "linux": // unix sockets' limits, /dev/full, process metrics: all are Linux's here
		fmt.Println("abuse: skipped, this is no Linux")
		return
	}
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		f.Value.Set("4") // much of a test is waiting for the server to let go
	}
	os.Exit(withPrograms(m.Run))
}

// withPrograms builds what the images hold, with the same flags, and runs the tests.
func withPrograms(run func() int) int {
	dir, err := os.MkdirTemp("", "netlab-abuse-")
	if err != nil {
		fmt.Println("abuse:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	for _, service := range []string{"hello-tcp", "chat-server", "udp-temp"} {
		build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags=nethttpomithttp2", "-ldflags=-s -w", "-o", dir+"/", ".")
		build.Dir = filepath.Join("..", "..", "services", service)
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Printf("abuse: build %s: %v\n%s", service, err, out)
			return 1
		}
	}
	programs = dir
	return run()
}
