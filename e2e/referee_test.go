package e2e

import (
	"strings"
	"testing"
)

// The referee's own exit codes.
const passed, failed, undecided = 0, 1, 2

// Our servers keep their contracts, over every kind of socket: the contract is pkg/referee's, and exists once.
func TestRefereePassesOurServers(t *testing.T) {
	t.Parallel()
	for service, networks := range map[string][]string{
		"hello-tcp":   {"tcp4", "tcp6", "unix"},
		"chat-server": {"tcp4", "tcp6", "unix"},
		"udp-temp":    {"udp4", "udp6", "unixgram"},
	} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			server := serve(t, service)
			for _, network := range networks {
				r := referee(t, "check", service, server.url(network))
				report := r.rest()
				if code := r.exit(); code != passed || !strings.Contains(report, " 0 failed, 0 not judged") {
					t.Errorf("%s over %s: exit %d:\n%s", service, network, code, report)
				}
			}
		})
	}
}

// A wrong server fails the check that it deserves to fail, and the report says why.
func TestRefereeFindsTheWrongOnes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ specimen, protocol, network, port, check, why string }{
		{"closes-with-unread-bytes", "hello-tcp", "tcp", "8080", "unread-body", "the connection was reset (RST)"},
		{"echoes-to-the-sender", "chat-server", "tcp", "12345", "not-echoed", "not what was due"},
		{"binary-floats", "udp-temp", "udp", "1314", "exact-decimals", "98.60000000000001"},
	} {
		t.Run(tc.specimen, func(t *testing.T) {
			t.Parallel()
			name := newName("zoo")
			zoo := start(t, spec{service: "referee", name: name, args: []string{"referee", "zoo", tc.specimen, "0.0.0.0:" + tc.port}, env: []string{"NETLAB_LANG=en"}})
			zoo.expect("listens on")
			r := referee(t, "check", "-only", tc.check, tc.protocol, tc.network+"://"+name+":"+tc.port)
			report := r.rest()
			if code := r.exit(); code != failed || !strings.Contains(report, "FAILED      "+tc.check) || !strings.Contains(report, tc.why) {
				t.Errorf("exit %d:\n%s", code, report)
			}
		})
	}
}

// With a wire beside the server, packets are judged, too: ours are in order, over a link that loses, reorders and corrupts
// packets, and afterwards the link is as it was before.
func TestRefereeWithAWire(t *testing.T) {
	t.Parallel()
	for service, network := range map[string]string{"hello-tcp": "tcp4", "chat-server": "tcp6", "udp-temp": "udp4"} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			server := serve(t, service)
			w := startWire(t, server, "WIRE_CONTROL="+control(server))
			w.run("link", "out.delay=1ms")
			before := w.run("link")
			r := referee(t, "check", "-wire", control(server), service, server.url(network))
			report := r.rest()
			if code := r.exit(); code != passed || !strings.Contains(report, "ok          bad-link") || strings.Contains(report, "need a wire") {
				t.Errorf("exit %d:\n%s", code, report)
			}
			if service != "udp-temp" && !strings.Contains(report, "handshake: the server offers MSS") {
				t.Errorf("nothing of the handshake in\n%s", report)
			}
			if after := w.run("link"); after != before {
				t.Errorf("the link was %q, and is %q", before, after)
			}
			lossy := false
			w.all()
			for _, c := range w.changes {
				lossy = lossy || strings.Contains(c.Line, "loss=30%") && strings.Contains(c.Line, " from ") && c.By == "referee"
			}
			if !lossy {
				t.Error("the referee broke no link for itself alone")
			}
		})
	}
}

// A wire shows what no client could: a reset on an answered request, and the bytes that caused it.
func TestRefereeSeesAReset(t *testing.T) {
	t.Parallel()
	name := newName("zoo")
	zoo := start(t, spec{service: "referee", name: name, args: []string{"referee", "zoo", "closes-with-unread-bytes", "0.0.0.0:8080"}, env: []string{"NETLAB_LANG=en"}})
	zoo.expect("listens on")
	zoo.service = "hello-tcp" // which is what it claims to speak
	startWire(t, zoo, "WIRE_CONTROL="+control(zoo))
	r := referee(t, "check", "-only", "no-reset", "-wire", control(zoo), "hello-tcp", zoo.url("tcp"))
	report := r.rest()
	if code := r.exit(); code != failed {
		t.Errorf("exit %d", code)
	}
	for _, want := range []string{"FAILED      no-reset", "the server reads bytes ", "RST", "wire open "} {
		if !strings.Contains(report, want) {
			t.Errorf("no %q in\n%s", want, report)
		}
	}
}

// control is where a wire listens for programs in other containers, by the name of its server.
func control(server *process) string { return "unix:///run/control/" + server.name + ".sock" }

// The turns contract holds for our server: somebody at its terminal types what the referee shows.
func TestRefereeTakesTurns(t *testing.T) {
	t.Parallel()
	server := turnsServer(t, true)
	r := referee(t, "check", "-mode", "turns", "chat-server", server.url("tcp4"))
	for range turnsTyped {
		r.err.expect("type this line at the server, within a minute: ")
		line := strings.TrimSuffix(r.err.expect("\n"), "\n")
		server.expect("收到信息: ", "请输入发送的信息:")
		server.send(line + "\r")
	}
	report := r.rest()
	if code := r.exit(); code != passed || !strings.Contains(report, " 0 failed, 0 not judged") {
		t.Errorf("exit %d:\n%s", code, report)
	}
}

const turnsTyped = 18 // answers in all checks of the mode

// On a terminal of its own the referee is the operator.
func TestRefereeIsTheOperator(t *testing.T) {
	t.Parallel()
	r := referee(t, "check", "-mode", "turns", "-operator", "referee zoo right-turns 127.0.0.1:12345", "chat-server", "tcp://127.0.0.1:12345")
	report := r.rest()
	if code := r.exit(); code != passed || !strings.Contains(report, " 0 failed, 0 not judged") {
		t.Errorf("exit %d:\n%s", code, report)
	}
}

func TestRefereeWithoutAServer(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp")
	for _, url := range []string{"tcp://" + server.name + ":1", "tcp://nobody.invalid:8080"} {
		r := referee(t, "check", "hello-tcp", url)
		if code := r.exit(); code != undecided {
			t.Errorf("%s: exit %d", url, code)
		}
		if said := r.err.rest(); !strings.Contains(said, "no verdict") {
			t.Errorf("%s: %q", url, said)
		}
	}
}

func referee(t *testing.T, args ...string) *process {
	t.Helper()
	return start(t, spec{service: "referee", args: append([]string{"referee"}, args...), env: []string{"NETLAB_LANG=en", "REFEREE_REPLIES=/run/netlab"}})
}
