package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Wire gets SIGKILL in the middle of a transfer, with packets in its hands, and the transfer goes on; so does
// the next, without wire; and the next wire takes over.
func TestWireKilled(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("0123456789abcdef", 3<<10)
	server := serve(t, "hello-tcp", "HELLO_TCP_NAME="+name)
	want := "HTTP/1.1 200 OK\r\n\r\nHello World, " + name + "!"
	get := func() {
		t.Helper()
		p := probe(t, server.url("tcp4"))
		p.send("hello")
		p.eof()
		if got := p.rest(); got != want {
			t.Errorf("%d bytes arrived, want %d, or others", len(got), len(want))
		}
		if code := p.exit(); code != 0 {
			t.Errorf("the conversation ended badly: %s", p.err.rest())
		}
	}
	w := startWire(t, server)
	w.link("delay=50ms")
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		w.until("a part of the answer", func(p *packet) bool { return data("out")(p) && p.Ordinal == 5 })
		w.signal("KILL")
	}()
	get()
	<-killed
	w.exit()
	get()
	w.begin()
	get()
	w.until("the end", ends)
}

// Of two wires in one place the second says so, though all its settings are the first's, and the first goes on.
func TestWireSecond(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp")
	first := startWire(t, server)
	second := newWire(t, server, wireCaps)
	second.start()
	if code := second.exit(); code != 1 {
		t.Errorf("exit %d", code)
	}
	if errs := second.err.rest(); strings.Count(errs, "\n") != 2 || !strings.Contains(errs, "\nhint: one wire for each network namespace: stop the other one first\n") {
		t.Errorf("it says %q", errs)
	}
	p := probe(t, server.url("tcp4"))
	p.send("hello")
	p.eof()
	if got := p.rest(); got != hello {
		t.Errorf("answer %q", got)
	}
	first.until("the end", ends)
}

// Where wire may not touch packets it watches, and says that it can do no more.
func TestWireWatchesOnly(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp")
	w := newWire(t, server, []string{"NET_RAW"})
	w.begin()
	if s := w.status(); s.Impairs || s.Mechanism != "observe" {
		t.Errorf("%+v", s)
	}
	refused := command(t, w.id, "wire", "link", "loss=10%")
	if errs, code := refused.err.rest(), refused.exit(); code != 1 || !strings.HasSuffix(errs, "\nhint: wire status says why\n") {
		t.Errorf("wire link: exit %d, %q", code, errs)
	}
	if status := w.run("status"); !strings.Contains(status, "the capability NET_ADMIN or NET_RAW is missing") {
		t.Errorf("wire status:\n%s", status)
	}
	p := probe(t, server.url("tcp4"))
	p.send("hello")
	p.eof()
	if got := p.rest(); got != hello {
		t.Errorf("answer %q", got)
	}
	if answer := w.until("the answer", data("out")); answer.text() != hello || answer.Fate.What != "seen" {
		t.Errorf("%s", answer)
	}
}

// A datagram to a port where nobody listens draws an ICMP error, which belongs to its question.
func TestWirePortUnreachable(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp") // listens on TCP alone
	w := startWire(t, server, "WIRE_SERVICE=udp://:8080")
	for _, network := range []string{"udp4", "udp6"} {
		p := probe(t, server.url(network))
		p.send("36.6\n")
		question := w.until("the question", data("in"))
		p.err.expect("connection refused")
		if answer := w.next(); answer.Label.Kind != "icmp-port-unreachable" || answer.Dir != "out" || answer.Conn != question.Conn || answer.Client.Addr().Is4() != (network == "udp4") {
			t.Errorf("%s", answer)
		}
	}
}

// Packets that nobody sends who means well do wire no harm: cut headers, random options, overlapping fragments.
func TestWireSurvivesJunk(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"hello-tcp", "udp-temp"} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			server := serve(t, service)
			w := startWire(t, server, "WIRE_RECORDS=5000") // less than comes: it forgets, too
			began := w.status().Started
			w.link("loss=10% delay=1ms jitter=1ms reorder=10% duplicate=10% corrupt=10% seed=1")
			for _, network := range []string{"tcp4", "tcp6"} {
				out, err := cli("run", "--rm", "--label="+label+"="+suite.run, "--network="+suite.name, "--read-only", "--cap-drop=ALL",
					"--cap-add=NET_RAW", suite.name, "-junk=10000", network+"://"+server.name+":"+ports[service])
				if err != nil {
					t.Fatal(err)
				}
				var sent int
				if fmt.Sscanf(out, "sent %d", &sent); sent < 5000 {
					t.Errorf("%s", out)
				}
			}
			w.link("")
			s := w.status()
			if !s.Started.Equal(began) || s.Memory.Last < 2000 {
				t.Errorf("%+v, began %s", s, began)
			}
			// All views can show it, and nothing of it reaches a terminal as it came.
			for _, view := range []string{"watch --once --plain", "watch --once --json --since=0", "capture", "picture", "sockets", "counters --all", fmt.Sprintf("open %d", s.Memory.Last)} {
				if out := w.run(strings.Fields(view)...); view != "capture" && strings.ContainsAny(out, "\x1b\x00\x07") {
					t.Errorf("wire %s prints control characters", view)
				}
			}
			w.story = command(t, w.id, "wire", "watch", "--json", fmt.Sprint("--since=", s.Memory.Last))
			if service == "hello-tcp" {
				w.run("do", "drop data #1 to client")
				p := probe(t, server.url("tcp4"))
				p.send("hello")
				p.eof()
				if got := p.rest(); got != hello {
					t.Errorf("answer %q", got)
				}
				w.until("the drop", func(p *packet) bool { return p.text() == hello && p.Fate.What == "dropped" })
				w.until("the same again", func(p *packet) bool { return p.text() == hello && p.Label.Kind == "retransmission" })
			} else {
				p := probe(t, server.url("udp6"))
				p.send("36.6\n")
				p.expect("97.88\n")
				w.until("the answer", data("out"))
			}
		})
	}
}

// Beside a server of the lab: whatever becomes of the server, wire is back by itself, or says what to run.
func TestWireInTheStack(t *testing.T) {
	t.Parallel()
	lab := newStack(t, "wire", "NETLAB_LANG=en")
	lab.run(0, "up", "-d", "--wait", "--no-build", "wire-hello")
	works := func(t *testing.T) {
		t.Helper()
		for end := time.Now().Add(patience); lab.compose(t.Context(), "exec", "-T", "wire-hello", "wire", "healthcheck").Run() != nil; {
			if time.Now().After(end) {
				t.Fatal("wire is not back")
			}
		}
		if got := lab.ask("hello-tcp", "8080", "hello"); got != hello {
			t.Errorf("answer %q", got)
		}
		var s wireStatus
		out := lab.run(0, "exec", "-T", "wire-hello", "wire", "status", "--json")
		if err := json.Unmarshal([]byte(out), &s); err != nil || !s.Impairs || s.Memory.Last < 8 {
			t.Errorf("wire status: %s", out)
		}
	}
	works(t)
	for _, service := range []string{"hello-tcp", "wire-hello"} {
		bound, err := cli("inspect", "-f", "{{range $port, $_ := .HostConfig.PortBindings}}{{$port}} {{end}}", lab.id(service))
		if want := map[string]string{"hello-tcp": "8080/tcp"}[service]; err != nil || bound != want {
			t.Errorf("%s publishes %q, want %q: wire's API is for the lab alone; %v", service, bound, want, err)
		}
	}
	for _, c := range []struct {
		name string
		do   func(t *testing.T)
	}{
		{"the server is restarted", func(t *testing.T) {
			if _, err := cli("restart", lab.id("hello-tcp")); err != nil {
				t.Fatal(err)
			}
		}},
		{"the server crashes", func(t *testing.T) { crash(t, lab.id("hello-tcp")) }},
		{"wire crashes", func(t *testing.T) { crash(t, lab.id("wire-hello")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			isBack := lab.wireStartsAnew()
			c.do(t)
			isBack()
			works(t)
		})
	}
	t.Run("the server is made anew", func(t *testing.T) {
		lab.run(0, "up", "-d", "--no-build", "--no-deps", "--force-recreate", "hello-tcp")
		logs := lab.pipe("logs", "-f", "--no-log-prefix", "wire-hello")
		logs.expect(wireGone)
		lab.run(0, "up", "-d", "--no-build", "wire-hello")
		works(t)
	})
	lab.down()
}

// wireStartsAnew returns what waits until the wire beside hello-tcp has been started again. That happens by itself
// unless the server was away for longer than wire waits: then Docker could not put wire beside it and gives up, and
// what wire has said last is what to run.
func (s *stack) wireStartsAnew() (wait func()) {
	s.t.Helper()
	state := func(id string) *container.State {
		s.t.Helper()
		c, err := suite.docker.ContainerInspect(s.t.Context(), id, client.ContainerInspectOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
		return c.Container.State
	}
	server, wire := s.id("hello-tcp"), s.id("wire-hello")
	before := state(wire).StartedAt
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	events := suite.docker.Events(ctx, client.EventsListOptions{
		Since:   fmt.Sprint(time.Now().Unix()),
		Filters: make(client.Filters).Add("container", server, wire).Add("event", "start", "die"),
	})
	return func() {
		s.t.Helper()
		defer cancel()
		for {
			w := state(wire)
			if w.Running && w.StartedAt != before {
				return
			}
			if its := state(server); !w.Running && its.Running && its.StartedAt > w.FinishedAt {
				s.t.Log("Docker gave up: the server was away for too long")
				if said := s.run(0, "logs", "--no-log-prefix", "wire-hello"); !strings.HasSuffix(said, wireGone) {
					s.t.Errorf("wire's last words: %q", tail([]byte(said), 200))
				}
				s.run(0, "up", "-d", "--no-build", "wire-hello")
				return
			}
			select {
			case <-events.Messages:
			case err := <-events.Err:
				s.t.Fatalf("wire was not started again: %v", err)
			}
		}
	}
}

const wireGone = "hint: the service was restarted or stopped: docker compose up -d brings both back together\n"

// As in the lab, three people watch and 17 commands run at once, beside a wire that remembers all that it may: nobody is
// killed, and the service goes on. One program too many hears why in one line.
func TestWireManyAtOnce(t *testing.T) {
	t.Parallel()
	server := serve(t, "udp-temp")
	w := startWire(t, server)
	update := func(args ...string) {
		t.Helper()
		if _, err := cli(append(append([]string{"update"}, args...), w.id)...); err != nil {
			t.Fatal(err)
		}
	}
	update("--memory=384m", "--memory-swap=384m", "--pids-limit=512")
	w.story.conn.Close() // its own follower counts, too
	p := probe(t, server.url("udp4"))
	long := strings.Repeat("x", 60_000) + "\n"
	talk := func(megabytes int) {
		t.Helper()
		for i := range megabytes * 1_000_000 / len(long) {
			p.send(long)
			if i%30 == 29 { // nothing makes a sender of datagrams wait; this does
				w.status()
			}
		}
		w.status()
		p.send("36.6\n")
		p.expect("97.88\n")
	}
	talk(50) // twice as much is remembered: the datagrams, and the fragments that they came in
	if s := w.status(); s.Memory.Bytes < s.Memory.Most*9/10 || s.Memory.Bytes > s.Memory.Most {
		t.Errorf("%+v", s)
	}
	var watchers []*process
	for range 3 {
		watchers = append(watchers, command(t, w.id, "wire", "watch", "--json", "--since=-10"))
	}
	for range 17 {
		watchers = append(watchers, command(t, w.id, "wire", "sockets", "--follow", "--json"))
	}
	for _, p := range watchers {
		p.out.expect("\n")
	}
	talk(20)
	if s := w.status(); s.Gaps.Times > 0 || s.Memory.Bytes > s.Memory.Most {
		t.Errorf("%+v", s)
	}
	update("--pids-limit=200")
	for n := 21; ; n++ {
		if n > 60 {
			t.Fatal("nobody is refused")
		}
		command(t, w.id, "wire", "sockets", "--follow", "--json")
		one := command(t, w.id, "wire", "status")
		one.eof()
		if one.exit() != 0 {
			if said := one.err.rest(); !strings.HasPrefix(said, "wire: too many programs run in wire's container, with ") {
				t.Errorf("beside %d programs: %q", n, said)
			}
			break
		}
	}
	update("--pids-limit=512")
	state, err := cli("inspect", "-f", "{{.State.Running}} {{.State.OOMKilled}} {{.RestartCount}}", w.id)
	if err != nil || state != "true false 0" {
		t.Errorf("wire: %s, %v", state, err)
	}
}

// A wire that is paused stops nobody: packets bypass it within a second, and when it goes on it says so.
func TestWirePaused(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp")
	w := startWire(t, server)
	talk := func() {
		t.Helper()
		for _, network := range []string{"tcp4", "tcp6"} {
			p := probe(t, server.url(network))
			p.send("hello")
			p.eof()
			if got := p.rest(); got != hello {
				t.Errorf("answer %q", got)
			}
		}
	}
	talk()
	for _, verb := range []string{"pause", "unpause"} {
		if _, err := cli(verb, w.id); err != nil {
			t.Fatal(err)
		}
		talk()
	}
	for end := time.Now().Add(patience); w.status().Gaps.Times == 0; {
		if time.Now().After(end) {
			t.Fatal("wire does not know that it stood still")
		}
	}
	talk()
	w.all()
	if !slices.ContainsFunc(w.changes, func(c change) bool { return c.Kind == "gap" && strings.HasPrefix(c.Line, "stood still for ") }) {
		t.Errorf("no gap between the packets: %+v\n%s", w.changes, w.ladder())
	}
}

// From the start: link and faults by environment, and a socket for programs in other containers, which mount it read-only.
func TestWireControl(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp")
	volume := suite.name + "-control"
	if _, err := cli("volume", "create", "--label="+label+"="+suite.run, volume); err != nil {
		t.Fatal(err)
	}
	id, err := cli("run", "-d", "--label="+label+"="+suite.run, "--network=container:"+server.id, "--user=0:0", "--cap-drop=ALL", "--cap-add=NET_ADMIN", "--cap-add=NET_RAW",
		"--read-only", "--volume="+volume+":/run/control", "-e=WIRE_SERVICE=tcp://:8080", "-e=WIRE_CONTROL=unix:///run/control/hello.sock", "-e=WIRE_LINK=out.delay=20ms",
		"-e=WIRE_SCENARIO=drop data #1 to client; drop SYN", "-e=NETLAB_LANG=en", image("wire"), "wire", "serve")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cli("rm", "-f", id); cli("volume", "rm", volume) })
	ask := func() (code int, answer string) {
		t.Helper()
		out, err := cli("run", "--rm", "--label="+label+"="+suite.run, "--network=none", "--user=65532:65532", "--cap-drop=ALL", "--read-only", "--volume="+volume+":/run/control:ro",
			"-e=WIRE_API=unix:///run/control/hello.sock", "-e=NETLAB_LANG=en", image("wire"), "wire", "status")
		if err != nil {
			return 1, err.Error()
		}
		return 0, out
	}
	for end := time.Now().Add(patience); ; {
		code, answer := ask()
		if code == 0 {
			if !strings.Contains(answer, "out.delay=20ms") {
				t.Errorf("status: %s", answer)
			}
			break
		}
		if time.Now().After(end) {
			t.Fatal(answer)
		}
	}
	p := probe(t, server.url("tcp4"))
	p.send("hello")
	p.eof()
	if got := p.rest(); got != hello {
		t.Errorf("answer %q", got)
	}
	w := &wire{process: &process{t: t, name: "wire", id: id}}
	if story := w.run("watch", "--plain", "--once", "--since=0"); !strings.Contains(story, "drop SYN #1 to server") || !strings.Contains(story, "drop data #1 to client") || !strings.Contains(story, "delayed 20ms") {
		t.Errorf("not from the start:\n%s", story)
	}
	w.run("link", "loss=90%", "for", "10m")
	if left := w.run("status", "--changed"); left != "link in.loss=90% out.loss=90% out.delay=20ms\n" {
		t.Errorf("left behind: %q", left)
	}
	if out := w.run("reset"); !strings.Contains(out, "out.delay=20ms") {
		t.Errorf("wire reset: %q", out)
	}
	if left := w.run("status", "--changed"); left != "" {
		t.Errorf("after the reset: %q", left)
	}
}
