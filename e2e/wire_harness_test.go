package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go"
)

// A wire runs beside a server, in its network namespace. What it has seen is read from "wire watch --json".
type wire struct {
	*process
	story   *process
	seen    []*packet // what next has read so far
	changes []change
}

// A packet is what the tests need of a record.
type packet struct {
	ID      int            `json:"id"`
	Dir     string         `json:"dir"` // in: to the server; out: to the client
	Conn    int            `json:"conn"`
	Client  netip.AddrPort `json:"client"`
	Ends    bool           `json:"ends"`
	Seq     uint32         `json:"seq"`
	Class   string         `json:"class"`
	Ordinal int            `json:"ordinal"`
	Attempt int            `json:"attempt"`
	Fate    struct {
		What   string        `json:"what"`
		Cause  string        `json:"cause"`
		Delay  time.Duration `json:"delay_ns"`
		Copies int           `json:"copies"`
	} `json:"fate"`
	Label struct {
		Kind string `json:"kind"`
		Of   int    `json:"of"`
		By   string `json:"by"`
	} `json:"label"`
	Packet struct {
		Data struct {
			At  int `json:"at"`
			Len int `json:"len"`
		} `json:"data"`
	} `json:"packet"`
	Raw []byte `json:"raw"`
}

func (p *packet) text() string { return string(p.Raw[p.Packet.Data.At:][:p.Packet.Data.Len]) }

func (p *packet) String() string {
	return fmt.Sprintf("#%d c%d %-3s %s %d.%d seq %d: %s of %d by %q, %s (%s) %q",
		p.ID, p.Conn, p.Dir, p.Class, p.Ordinal, p.Attempt, p.Seq, p.Label.Kind, p.Label.Of, p.Label.By, p.Fate.What, p.Fate.Cause, p.text())
}

// sidecar makes a container in another's network namespace, not yet started: root there, with these
// capabilities alone, as in the lab.
func sidecar(t *testing.T, beside *process, name, from string, args, caps []string, env ...string) *process {
	t.Helper()
	p := &process{t: t, name: newName(name), service: name}
	values := map[string]string{}
	for _, kv := range env {
		key, value, _ := strings.Cut(kv, "=")
		values[key] = value
	}
	c, err := testcontainers.Run(t.Context(), from,
		testcontainers.WithNoStart(),
		testcontainers.WithLabels(labels()),
		testcontainers.WithName(suite.name+"-"+p.name),
		testcontainers.WithCmd(args...),
		testcontainers.WithEnv(values),
		testcontainers.WithConfigModifier(func(c *container.Config) {
			c.User = "0:0" // added capabilities are root's only
			c.OpenStdin, c.AttachStdin, c.StdinOnce = true, true, true
		}),
		testcontainers.WithHostConfigModifier(func(c *container.HostConfig) {
			c.Binds = []string{suite.name + "-wires:/run/control"}
			c.NetworkMode = container.NetworkMode("container:" + beside.id)
			c.ReadonlyRootfs, c.CapDrop, c.CapAdd, c.SecurityOpt = true, []string{"ALL"}, caps, []string{"no-new-privileges:true"}
		}),
	)
	testcontainers.CleanupContainer(t, c, testcontainers.StopTimeout(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.tell)
	p.id = c.GetContainerID()
	return p
}

var wireCaps = []string{"NET_ADMIN", "NET_RAW"}

// newWire makes a wire that does not run yet.
func newWire(t *testing.T, server *process, caps []string, env ...string) *wire {
	t.Helper()
	network := "tcp"
	if server.service == "udp-temp" {
		network = "udp"
	}
	env = append([]string{"NETLAB_LANG=en", "WIRE_OPS=tcp://127.0.0.1:9102", "WIRE_SERVICE=" + network + "://:" + ports[server.service]}, env...)
	return &wire{process: sidecar(t, server, "wire", image("wire"), []string{"wire", "serve"}, caps, env...)}
}

// startWire starts a wire beside a server and waits until it takes packets.
func startWire(t *testing.T, server *process, env ...string) *wire {
	t.Helper()
	w := newWire(t, server, wireCaps, env...)
	w.begin()
	if s := w.status(); !s.Impairs {
		t.Fatalf("no packet queue here: %s; these tests need one", s.Mechanism)
	}
	return w
}

// begin starts a wire, for the first time or once more, and follows what it sees.
func (w *wire) begin() {
	w.t.Helper()
	w.start()
	w.follow()
}

func (w *wire) follow() {
	w.t.Helper()
	w.err.expect("watching")
	for end := time.Now().Add(patience); command(w.t, w.id, "wire", "healthcheck").exit() != 0; {
		if time.Now().After(end) {
			w.t.Fatalf("%s is not healthy", w.name)
		}
	}
	w.seen = nil
	w.story = command(w.t, w.id, "wire", "watch", "--json", "--since=0")
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("%s:\n%s", w.name, w.ladder())
		}
	})
}

// run runs one of wire's commands, which is to end well, and returns what it prints.
func (w *wire) run(args ...string) string {
	w.t.Helper()
	p := command(w.t, w.id, append([]string{"wire"}, args...)...)
	p.eof()
	out := p.rest()
	if code := p.exit(); code != 0 {
		w.t.Fatalf("wire %s: exit %d: %s", strings.Join(args, " "), code, p.err.rest())
	}
	return out
}

// link sets the link to what a line says, and nothing else.
func (w *wire) link(line string) {
	w.t.Helper()
	w.run(append([]string{"link", "clear"}, strings.Fields(line)...)...)
}

// ask reads what a command says in JSON.
func ask[T any](w *wire, args ...string) (v T) {
	w.t.Helper()
	if err := json.Unmarshal([]byte(w.run(append(args, "--json")...)), &v); err != nil {
		w.t.Fatalf("wire %s: %v", strings.Join(args, " "), err)
	}
	return v
}

type wireStatus struct {
	Mechanism string    `json:"mechanism"`
	Impairs   bool      `json:"impairs"`
	Started   time.Time `json:"started"`
	Unseen    int       `json:"unseen"`
	Memory    struct {
		Last  int `json:"last"`
		Bytes int `json:"bytes"`
		Most  int `json:"most"`
	} `json:"memory"`
	Gaps struct {
		Times int `json:"times"`
	} `json:"gaps"`
}

func (w *wire) status() wireStatus { w.t.Helper(); return ask[wireStatus](w, "status") }

// counter is by how much one of the kernel's counters has grown since wire began.
func (w *wire) counter(name string) int {
	w.t.Helper()
	all := ask[struct {
		Counters []struct {
			Name  string `json:"name"`
			Delta int    `json:"delta"`
		} `json:"counters"`
	}](w, "counters")
	for _, c := range all.Counters {
		if c.Name == name {
			return c.Delta
		}
	}
	return 0
}

// next waits for the next packet.
func (w *wire) next() *packet {
	w.t.Helper()
	for {
		line := w.story.out.expect("\n")
		var told struct {
			packet
			Change *change `json:"change"`
		}
		if err := json.Unmarshal([]byte(line), &told); err != nil || told.ID == 0 && told.Change == nil {
			w.t.Fatalf("wire watch --json: %q: %v", line, err)
		}
		if told.Change != nil {
			w.changes = append(w.changes, *told.Change)
			continue
		}
		w.seen = append(w.seen, &told.packet)
		return &told.packet
	}
}

// change is what somebody changed, as wire tells it.
type change struct {
	After int    `json:"after"`
	Kind  string `json:"kind"`
	Line  string `json:"line"`
	By    string `json:"by"`
}

// until waits for a packet that fits.
func (w *wire) until(what string, fits func(*packet) bool) *packet {
	w.t.Helper()
	for {
		if p := w.next(); fits(p) {
			return p
		}
	}
}

// all are the packets that wire has seen by now.
func (w *wire) all() []*packet {
	w.t.Helper()
	for last := w.status().Memory.Last; len(w.seen) < last; {
		w.next()
	}
	return slices.Clone(w.seen)
}

// data are the packets read so far that carry data on a connection, in one direction.
func (w *wire) data(dir string, conn int) []*packet {
	return slices.DeleteFunc(slices.Clone(w.seen), func(p *packet) bool { return p.Conn != conn || !data(dir)(p) })
}

func (w *wire) ladder() string {
	var b strings.Builder
	for _, p := range w.seen[max(0, len(w.seen)-60):] {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

func data(dir string) func(*packet) bool {
	return func(p *packet) bool { return p.Dir == dir && p.Class == "data" }
}

// ends reports whether a packet ends a connection in an orderly way. A reset may belong to a stranger, who talked to a
// container that had this address before, and still tries to end that conversation.
func ends(p *packet) bool { return p.Ends && p.Class != "rst" }

// fates counts packets by what became of them.
func fates(ps []*packet) map[string]int {
	n := map[string]int{}
	for _, p := range ps {
		n[p.Fate.What]++
	}
	return n
}

// crash kills a container's process behind the engine's back, as "docker kill" does not: for the engine that is a
// stop by hand. It needs root on the engine's own machine.
func crash(t *testing.T, id string) {
	t.Helper()
	pid, err := cli("inspect", "-f", "{{.State.Pid}}", id)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(pid)
	if err != nil || n < 2 {
		t.Fatalf("pid %q", pid)
	}
	group, err := os.ReadFile("/proc/" + pid + "/cgroup")
	if err == nil && strings.Contains(string(group), id) {
		err = syscall.Kill(n, syscall.SIGKILL)
	} else if err == nil {
		err = errors.New("the engine runs on another machine")
	}
	if err != nil {
		lacks(t, "NETLAB_REQUIRE_ROOT", fmt.Sprintf("cannot kill a container's process from here: %v (as root, on the engine's machine)", err))
	}
}

// lacks skips a test for want of something, or fails it where that must not be wanting.
func lacks(t *testing.T, variable, what string) {
	t.Helper()
	if os.Getenv(variable) != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}
