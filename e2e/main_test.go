// Package e2e tests the images as a person meets them: clients in containers against servers in
// containers, typed into through a terminal or a pipe, and raw bytes from a small probe. It imports
// nothing of the project: what is written here is what goes over the wire.
//
//	main_test.go       what all tests share: a network, a volume, the probe's image; nothing is left behind
//	harness_test.go    start a process in a container, type, expect; output_test.go
//	hello_test.go, chat_test.go, turns_test.go, temp_test.go      each protocol
//	browser_test.go    the page in a real browser
//	clients_test.go    what all clients and servers have in common: exit codes, health, stale sockets
//	wire_test.go       the breakable link: each impairment, exact faults; wire_api_test.go, wire_life_test.go
//	stack_test.go      the compose stack, from up to down; compose_test.go, hardening_test.go
//	make_test.go       make's verbs as README has them, in a clone of their own; settings_test.go: .env and the scripts
//	neighbours_test.go what a machine beyond the lab's own link can reach: nothing
//	pages_test.go      the pages: two languages alike, commands that can be copied
package e2e

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
)

// Everything that the suite makes carries this label. Its value tells this run from others on the same
// engine. What a run that was killed has left behind is found by it: docker ps -aq -f label=netlab.e2e
const label = "netlab.e2e"

// labels of a container that the tests start. An image that Compose built passes its project's name on to
// everything run from it: without a name of our own, "make logs" of a running lab would tell of ours too.
func labels() map[string]string {
	return map[string]string{label: suite.run, "com.docker.compose.project": suite.name}
}

// suite is what the tests share.
var suite struct {
	run    string // of this run alone
	name   string // of its network, its volume, its image
	docker *client.Client
	probe  string // the container that probes run in
}

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("e2e: skipped, -short")
		return
	}
	if out, err := exec.Command("docker", "version").CombinedOutput(); err != nil {
		fmt.Printf("e2e: no Docker: %v\n%s", err, out)
		if os.Getenv("E2E") != "" { // set by "make e2e": there it is a failure
			os.Exit(1)
		}
		return
	}
	os.Exit(withSuite(m.Run))
}

// withSuite runs the tests between setting up and clearing away, and fails if something is left.
func withSuite(run func() int) (code int) {
	// If /.dockerenv exists, testcontainers would take the gateway for the Docker host.
	os.Setenv("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")
	if exec.Command("docker", "image", "inspect", "testcontainers/ryuk:0.14.0").Run() != nil {
		os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
	}
	if !testing.Verbose() {
		log.SetDefault(log.NewNoopLogger())
	}
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		f.Value.Set("4") // most of a test is waiting for the engine
	}

	id := make([]byte, 4)
	rand.Read(id)
	suite.run = hex.EncodeToString(id)
	suite.name = "netlab-e2e-" + suite.run
	defer func() {
		if err := clear(); err != nil {
			fmt.Println("e2e:", err)
			code = 1
		}
	}()
	if err := setUp(); err != nil {
		fmt.Println("e2e:", err)
		return 1
	}
	return run()
}

func setUp() error {
	docker, err := testcontainers.NewDockerClientWithOpts(context.Background())
	if err != nil {
		return err
	}
	suite.docker = docker.Client
	for _, service := range []string{"hello-tcp", "chat-server", "udp-temp", "wire"} {
		if _, err := cli("image", "inspect", image(service)); err != nil {
			return fmt.Errorf("no image %s\nhint: make images", image(service))
		}
	}
	marked := "--label=" + label + "=" + suite.run
	if err := createNetwork(suite.name); err != nil {
		return err
	}
	if _, err := cli("volume", "create", marked, suite.name+"-wires"); err != nil {
		return err
	}
	if _, err := cli("volume", "create", marked, suite.name); err != nil {
		return err
	}
	if err := importProbe(); err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	suite.probe, err = cli("run", "-d", marked, "--name="+suite.name+"-probe", "--network="+suite.name, "--network-alias=probe",
		"-v", suite.name+":/run/netlab", "--user=65532:65532", "--read-only", "--cap-drop=ALL", suite.name)
	return err
}

// importProbe compiles the probe and makes an image of it: one file, and the folder of the unix sockets.
func importProbe() error {
	dir, err := os.MkdirTemp("", "netlab-e2e-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "probe")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "./probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	program, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	w.WriteHeader(&tar.Header{Name: "probe", Mode: 0o755, Size: int64(len(program))})
	w.Write(program)
	// A fresh volume takes the owner of the folder that it is mounted on.
	w.WriteHeader(&tar.Header{Name: "run/netlab/", Typeflag: tar.TypeDir, Mode: 0o755, Uid: 65532, Gid: 65532})
	if err := w.Close(); err != nil {
		return err
	}
	put := exec.Command("docker", "import", "-c", "ENTRYPOINT [\"/probe\"]", "-c", "LABEL "+label+"="+suite.run, "-", suite.name)
	put.Stdin = &files
	if out, err := put.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// clear removes what setUp made, and reports what the tests left behind: nothing is the only good answer.
func clear() error {
	if suite.probe != "" {
		cli("rm", "-f", suite.probe)
	}
	cli("network", "rm", suite.name)
	cli("volume", "rm", suite.name, suite.name+"-wires")
	cli("image", "rm", suite.name)
	left := leftovers("label=" + label + "=" + suite.run)
	if left != "" {
		return fmt.Errorf("left behind:\n%s", left)
	}
	return nil
}

// leftovers lists the containers, networks, volumes and images that a filter finds.
func leftovers(filter string) string {
	var found []string
	for _, kind := range []string{"container ls -a", "network ls", "volume ls", "image ls"} {
		out, err := cli(append(strings.Fields(kind), "-q", "--filter", filter)...)
		if err != nil {
			return err.Error()
		}
		for id := range strings.FieldsSeq(out) {
			found = append(found, strings.Fields(kind)[0]+" "+id)
		}
	}
	return strings.Join(found, "\n")
}

func createNetwork(name string) error {
	_, err := cli("network", "create", "--label="+label+"="+suite.run, "--ipv6", "--subnet="+prefix6()+"::/64", name)
	return err
}

// prefix6 is a random IPv6 prefix, the first half of a subnet, so that runs side by side don't collide. Beginning
// with fd it is a private one.
func prefix6() string {
	b := make([]byte, 7)
	rand.Read(b)
	return fmt.Sprintf("fd%02x:%x:%x:%x", b[0], b[1:3], b[3:5], b[5:7])
}

func image(service string) string { return "localhost/netlab/" + service + ":dev" }

// cli runs a docker command, for what is set up and cleared away.
func cli(args ...string) (string, error) {
	cmd := exec.Command("docker", args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSpace(out.String()), nil
}
