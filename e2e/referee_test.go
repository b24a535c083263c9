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
