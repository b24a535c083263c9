package e2e

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What a client says when it cannot do what was asked: why, in one line, and what to do, in another.
func TestClientsThatFail(t *testing.T) {
	t.Parallel()
	silent := probe(t, "-listen", "udp://:0")
	home := map[string]string{} // where each client runs: beside a server of its own kind
	for _, service := range []string{"hello-tcp", "chat-server", "udp-temp"} {
		home[service] = serve(t, service, "NETLAB_LANG=en").id
	}
	for _, tc := range []struct {
		command, typed, why string
		code                int
	}{
		{"hello-tcp client tcp://probe:9", "hello\n", "tcp://probe:9: nobody is listening there (connection refused)", 1},
		{"hello-tcp client tcp6://probe:9", "hello\n", "tcp6://probe:9: nobody is listening there (connection refused)", 1},
		{"hello-tcp client unix:///run/netlab/none.sock", "hello\n", "unix:///run/netlab/none.sock: no such socket file", 1},
		{"hello-tcp client tcp://nobody.invalid:8080", "hello\n", "tcp://nobody.invalid:8080: no such host", 1},
		{"chat-server client tcp://probe:9", "hello\n", "tcp://probe:9: nobody is listening there (connection refused)", 1},
		{"chat-server client unix:///run/netlab/none.sock", "hello\n", "unix:///run/netlab/none.sock: no such socket file", 1},
		{"udp-temp client udp4://probe:9 36.6", "", "port unreachable", 1},
		{"udp-temp client udp6://probe:9 36.6", "", "port unreachable", 1},
		{"udp-temp client udp://probe:" + silent.port() + " 36.6", "", "no answer to 3 tries", 1},
		{"udp-temp client unixgram:///run/netlab/none.sock 36.6", "", "no such socket file", 1},
		{"udp-temp client udp://probe:9 hot", "", "", 1},

		{"hello-tcp client udp://probe:9", "", "udp://probe:9", 2},
		{"hello-tcp client probe:9", "", "probe:9", 2},
		{"hello-tcp client tcp://probe:9 hello", "", "", 2},
		{"hello-tcp dance", "", `unknown subcommand "dance"`, 2},
		{"chat-server client unixgram:///run/netlab/none.sock", "", "unixgram:///run/netlab/none.sock", 2},
		{"chat-server client -name", "", "", 2},
		{"chat-server serve now", "", "now", 2},
		{"udp-temp client tcp://probe:9 36.6", "", "tcp://probe:9", 2},
	} {
		t.Run(tc.command, func(t *testing.T) {
			t.Parallel()
			args := strings.Fields(tc.command)
			c := command(t, home[args[0]], args...)
			c.send(tc.typed)
			c.eof()
			errs, code := c.err.rest(), c.exit()
			lines := strings.Split(strings.TrimSuffix(errs, "\n"), "\n")
			for len(lines) > 2 && strings.HasPrefix(lines[0], "(no answer within ") { // each new try is said aloud
				lines = lines[1:]
			}
			if len(lines) != 2 || !strings.HasPrefix(lines[0], args[0]+": ") || !strings.Contains(lines[0], tc.why) || !strings.HasPrefix(lines[1], "hint: ") {
				t.Errorf("stderr: %q", errs)
			}
			if code != tc.code {
				t.Errorf("exit %d, want %d", code, tc.code)
			}
		})
	}
}

// What a server that stops has not said, its writer knows: a client on a pipe ends with exit code 1 and the number.
func TestChatStopIsCounted(t *testing.T) {
	t.Parallel()
	for _, lines := range []int{3_000, 300_000} { // what a server reads at a stop, and more than that
		t.Run(fmt.Sprint(lines), func(t *testing.T) {
			t.Parallel()
			server := serve(t, "chat-server", "NETLAB_LANG=en")
			ben := join(t, server, "tcp4", "ben")
			ann := start(t, spec{service: "chat-server", args: []string{"chat-server", "client", "-name", "ann", server.url("tcp4")},
				env: []string{"NETLAB_LANG=en"}})
			ann.expect(" is now ann\n")
			var typed strings.Builder
			for n := range lines {
				fmt.Fprintf(&typed, "%d\n", n)
			}
			go func() { // more than a pipe holds: it may never be read to its end
				io.WriteString(ann.conn.Conn, typed.String())
				ann.conn.CloseWrite()
			}()
			ben.expect("ann: 30\n")
			if code := server.stop(); code != 0 {
				t.Errorf("the server: exit %d", code)
			}
			said := 31
			for _, line := range regexp.MustCompile(`ann: \d+\n`).FindAllString(ben.rest(), -1) {
				if want := fmt.Sprintf("ann: %d\n", said); line != want {
					t.Fatalf("ben saw %q, want %q", line, want)
				}
				said++
			}
			code, errs := ann.exit(), ann.err.rest()
			missing := 0
			if m := regexp.MustCompile(`lines that were not said: (\d+)`).FindStringSubmatch(errs); m != nil {
				missing, _ = strconv.Atoi(m[1])
			}
			unsent := strings.Contains(errs, "the rest of the input was not sent")
			switch {
			case code == 0 && said == lines:
			case code == 1 && said+missing == lines && !unsent && strings.Contains(errs, "\nhint: "):
			case code == 1 && said+missing < lines && unsent && strings.Contains(errs, "\nhint: "):
			default:
				t.Errorf("%d of %d lines were said; exit %d, %q", said, lines, code, errs)
			}
			t.Logf("%d of %d lines were said; exit %d, %q", said, lines, code, errs)
		})
	}
}

// The health of a server is asked at its ops listener, so that no check shows up as a client.
func TestHealth(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"hello-tcp", "chat-server", "udp-temp"} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			server := serve(t, service, "NETLAB_LANG=en", prefix(service)+"_OPS=tcp://:9100")
			check := command(t, server.id, service, "healthcheck")
			if code := check.exit(); code != 0 {
				t.Errorf("healthy, and exit %d", code)
			}
			for _, path := range []string{"/livez", "/readyz", "/metrics"} {
				p := probe(t, "tcp://"+server.name+":9100")
				p.send("GET " + path + " HTTP/1.0\r\n\r\n")
				p.expect("HTTP/1.0 200 OK\r\n")
				p.eof()
			}
			if code := server.stop(); code != 0 {
				t.Errorf("exit %d", code)
			}
			if story := server.rest(); strings.Contains(story, "onnect") || strings.Contains(story, "Request") {
				t.Errorf("a check showed up as a client: %q", story)
			}

			bare := serve(t, service, "NETLAB_LANG=en")
			check = command(t, bare.id, service, "healthcheck")
			errs, code := check.err.rest(), check.exit()
			if code != 1 || strings.Count(errs, "\n") != 2 || !strings.Contains(errs, "\nhint: ") || !strings.Contains(errs, "_OPS") {
				t.Errorf("without ops: exit %d, %q", code, errs)
			}
		})
	}
}

// A server that was killed leaves its socket file behind. The next one takes it away; but not that of one that lives.
func TestStaleSocket(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"hello-tcp", "chat-server", "udp-temp"} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			server := serve(t, service, "NETLAB_LANG=en")
			url, question, answer := server.url("unix"), "hello", hello
			switch service {
			case "chat-server":
				question, answer = "byebye\n", "\nbyebye\n"
			case "udp-temp":
				url, question, answer = server.url("unixgram"), "36.6\n", "97.88\n"
			}
			ask := func() {
				t.Helper()
				p := probe(t, "-open", url)
				p.send(question)
				p.expect(answer)
				p.eof()
			}
			ask()
			server.signal("KILL")
			if code := server.exit(); code != 137 {
				t.Fatalf("exit %d", code)
			}
			server.start()
			server.listening()
			ask()

			second := start(t, spec{service: service, args: []string{service, "serve"}, env: []string{
				"NETLAB_LANG=en", prefix(service) + "_LISTEN=" + url}})
			errs := second.err.rest()
			if code := second.exit(); code != 1 || !strings.Contains(errs, "address already in use") {
				t.Errorf("the place is taken: exit %d, %q", code, errs)
			}
			ask()
			if code := server.stop(); code != 0 {
				t.Errorf("exit %d", code)
			}
			if p := probe(t, url); p.exit() == 0 || !strings.Contains(p.err.rest(), "no such file") {
				t.Errorf("a stopped server leaves its socket file behind")
			}
		})
	}
}
