package e2e

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tcnetwork "github.com/testcontainers/testcontainers-go/network"
)

// patience is how long an event is waited for. Only what is broken makes anybody wait that long.
const patience = time.Minute

// A process runs in a container: a server, a client, or a probe. All that it prints is kept from its first byte on.
type process struct {
	t       *testing.T
	name    string // on the network, too
	service string
	network string
	id      string // of its container
	exec    string // of the command, if the container runs several
	tty     bool
	conn    client.HijackedResponse
	out     *output
	err     *output // nil on a terminal: there is only one way out
}

// A spec says what to start.
type spec struct {
	service string
	name    string   // on the network; one is made up if it is empty
	network string   // the suite's if it is empty
	args    []string // the program's name first
	env     []string // KEY=VALUE
	tty     bool
	publish string // a port for this machine, such as 8080/tcp
}

var serial atomic.Int64

func newName(service string) string { return fmt.Sprintf("%s-%d", service, serial.Add(1)) }

// start starts a container, hardened as in the lab, and attaches to it first, so that nothing is missed.
func start(t *testing.T, s spec) *process {
	t.Helper()
	p := &process{t: t, name: cmp.Or(s.name, newName(s.service)), service: s.service, network: cmp.Or(s.network, suite.name), tty: s.tty}
	env := map[string]string{}
	for _, kv := range s.env {
		name, value, _ := strings.Cut(kv, "=")
		env[name] = value
	}
	var exposed []string
	if s.publish != "" {
		exposed = []string{s.publish}
	}
	c, err := testcontainers.Run(t.Context(), image(s.service),
		testcontainers.WithNoStart(),
		testcontainers.WithLabels(labels()),
		testcontainers.WithName(suite.name+"-"+p.name),
		testcontainers.WithCmd(s.args...),
		testcontainers.WithEnv(env),
		tcnetwork.WithNetworkName([]string{p.name}, p.network),
		testcontainers.WithExposedPorts(exposed...),
		testcontainers.WithConfigModifier(func(c *container.Config) {
			c.Tty, c.OpenStdin, c.AttachStdin, c.StdinOnce = s.tty, true, true, !s.tty
		}),
		testcontainers.WithHostConfigModifier(func(c *container.HostConfig) {
			c.Binds = []string{suite.name + ":/run/netlab"}
			if s.service == "referee" {
				c.Binds = append(c.Binds, suite.name+"-wires:/run/control:ro")
			}
			c.ReadonlyRootfs, c.CapDrop, c.SecurityOpt = true, []string{"ALL"}, []string{"no-new-privileges:true"}
			if s.publish != "" {
				c.PortBindings = network.PortMap{network.MustParsePort(s.publish): {{HostIP: netip.MustParseAddr("127.0.0.1")}}}
			}
		}),
	)
	testcontainers.CleanupContainer(t, c, testcontainers.StopTimeout(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.tell)
	p.id = c.GetContainerID()
	p.start()
	return p
}

// start starts the container for the first time, or once more.
func (p *process) start() {
	p.t.Helper()
	a, err := suite.docker.ContainerAttach(p.t.Context(), p.id, client.ContainerAttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		p.t.Fatal(err)
	}
	p.collect(a.HijackedResponse)
	if _, err := suite.docker.ContainerStart(p.t.Context(), p.id, client.ContainerStartOptions{}); err != nil {
		p.t.Fatal(err)
	}
	if p.tty {
		p.resize(80, 24) // as "docker attach" does
	}
}

// attach is what somebody else at the same container types and sees.
func attach(t *testing.T, id string) *process {
	t.Helper()
	p := &process{t: t, name: "attached to " + id[:12], id: id, tty: true}
	a, err := suite.docker.ContainerAttach(t.Context(), id, client.ContainerAttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.tell)
	p.collect(a.HijackedResponse)
	p.resize(80, 24)
	return p
}

// probe runs a probe in the container that is there for that.
func probe(t *testing.T, args ...string) *process {
	t.Helper()
	return command(t, suite.probe, append([]string{"/probe"}, args...)...)
}

// command runs one more command in a container.
func command(t *testing.T, id string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: strings.Join(args, " "), id: id}
	e, err := suite.docker.ExecCreate(t.Context(), id, client.ExecCreateOptions{AttachStdin: true, AttachStdout: true, AttachStderr: true, Cmd: args})
	if err != nil {
		t.Fatal(err)
	}
	a, err := suite.docker.ExecAttach(t.Context(), e.ID, client.ExecAttachOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.tell)
	p.exec = e.ID
	p.collect(a.HijackedResponse)
	return p
}

func (p *process) collect(conn client.HijackedResponse) {
	p.conn = conn
	p.t.Cleanup(conn.Close)
	out := newOutput(p.t, p.name, p.tty)
	p.out = out
	if p.tty {
		go func() {
			io.Copy(out, conn.Reader)
			out.end()
		}()
		return
	}
	errs := newOutput(p.t, p.name+" (stderr)", false)
	p.err = errs
	go func() {
		stdcopy.StdCopy(out, errs, conn.Reader)
		out.end()
		errs.end()
	}()
}

// send types text, or writes it into the pipe.
func (p *process) send(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.conn.Conn, text); err != nil {
		p.t.Fatalf("%s: send: %v", p.name, err)
	}
}

// eof ends the input of a pipe. The engine may lose an end that comes before the process is there to read it.
func (p *process) eof() {
	p.t.Helper()
	for late := time.Now().Add(patience); p.exec != ""; time.Sleep(time.Millisecond) { // there is no event for it
		e, err := suite.docker.ExecInspect(p.t.Context(), p.exec, client.ExecInspectOptions{})
		if err != nil {
			p.t.Fatal(err)
		}
		if e.PID != 0 || !e.Running && e.ExitCode != 0 {
			break
		}
		if time.Now().After(late) {
			p.t.Fatalf("%s does not start", p.name)
		}
	}
	if err := p.conn.CloseWrite(); err != nil {
		p.t.Fatalf("%s: end the input: %v", p.name, err)
	}
}

// expect waits until each text has been printed, one after the other.
func (p *process) expect(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		p.out.expect(text)
	}
}

// rest is what is printed from here on, to the end.
func (p *process) rest() string {
	p.t.Helper()
	return p.out.rest()
}

func (p *process) resize(width, height uint) {
	p.t.Helper()
	if _, err := suite.docker.ContainerResize(p.t.Context(), p.id, client.ContainerResizeOptions{Width: width, Height: height}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) signal(name string) {
	p.t.Helper()
	if _, err := suite.docker.ContainerKill(p.t.Context(), p.id, client.ContainerKillOptions{Signal: name}); err != nil {
		p.t.Fatal(err)
	}
}

// exit waits for the end of the process, and returns its exit code.
func (p *process) exit() int {
	p.t.Helper()
	p.out.wait("its end", never)
	if p.exec != "" {
		for { // the engine hears of the end of the output a little before that of the process
			e, err := suite.docker.ExecInspect(p.t.Context(), p.exec, client.ExecInspectOptions{})
			if err != nil {
				p.t.Fatal(err)
			}
			if !e.Running {
				return e.ExitCode
			}
		}
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	w := suite.docker.ContainerWait(ctx, p.id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case r := <-w.Result:
		return int(r.StatusCode)
	case err := <-w.Error:
		p.t.Fatalf("%s: wait: %v", p.name, err)
	}
	return -1
}

// tell prints what there was to see, if a test has failed.
func (p *process) tell() {
	if !p.t.Failed() {
		return
	}
	for _, o := range []*output{p.out, p.err} {
		if o != nil {
			o.mu.Lock()
			p.t.Logf("%s:\n%s", o.name, tail(o.text, 4000))
			o.mu.Unlock()
		}
	}
}

var ports = map[string]string{"hello-tcp": "8080", "chat-server": "12345", "udp-temp": "1314"}

// serve starts a server on every kind of socket, and waits until it listens.
func serve(t *testing.T, service string, env ...string) *process {
	t.Helper()
	return serveSpec(t, spec{service: service, env: env})
}

func serveSpec(t *testing.T, s spec) *process {
	t.Helper()
	internet, unix := "tcp", "unix"
	if s.service == "udp-temp" {
		internet, unix = "udp", "unixgram"
	}
	s.name = newName(s.service)
	s.args = []string{s.service, "serve"}
	s.env = append(s.env, prefix(s.service)+"_LISTEN="+internet+"://:"+ports[s.service]+","+unix+":///run/netlab/"+s.name+".sock")
	p := start(t, s)
	p.listening()
	return p
}

// prefix is how the names of a server's variables begin.
func prefix(service string) string { return strings.ToUpper(strings.ReplaceAll(service, "-", "_")) }

// ownNetwork is for a server that is stopped and started: its address is free in between, and on the
// suite's network another test's server may get it, and with it clients that dial at that moment.
func ownNetwork(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("%s-%d", suite.name, serial.Add(1))
	t.Cleanup(func() { cli("network", "rm", name) })
	if err := createNetwork(name); err != nil {
		t.Fatal(err)
	}
	return name
}

// listening waits until a server has bound both of its sockets.
func (p *process) listening() {
	p.t.Helper()
	log := p.err
	if p.tty {
		log = p.out
	}
	log.expect("listening")
	log.expect("listening")
}

// url is how others reach a server that serve has started.
func (p *process) url(network string) string {
	if strings.HasPrefix(network, "unix") {
		return network + ":///run/netlab/" + p.name + ".sock"
	}
	return network + "://" + p.name + ":" + ports[p.service]
}

// stop stops a container as "docker stop" does, and returns its exit code: 137 if it had to be killed.
func (p *process) stop() int {
	p.t.Helper()
	seconds := 5 // as much as compose gives
	if _, err := suite.docker.ContainerStop(p.t.Context(), p.id, client.ContainerStopOptions{Timeout: &seconds}); err != nil {
		p.t.Fatal(err)
	}
	return p.exit()
}

// port is where a listening probe listens.
func (p *process) port() string {
	p.t.Helper()
	p.err.expect("listening ")
	return p.err.expect("\n")
}
