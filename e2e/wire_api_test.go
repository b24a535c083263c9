package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// call asks wire's API for something, from inside its network namespace, with what these headers say.
func (w *wire) call(server *process, method, path, body string, headers ...string) (status int, answer string) {
	w.t.Helper()
	p := sidecar(w.t, server, "probe", suite.name, []string{"tcp4://127.0.0.1:9101"}, nil)
	p.start()
	head := append([]string{method + " " + path + " HTTP/1.0", fmt.Sprint("Content-Length: ", len(body))}, headers...)
	p.send(strings.Join(head, "\r\n") + "\r\n\r\n" + body)
	p.eof()
	r, err := http.ReadResponse(bufio.NewReader(strings.NewReader(p.rest())), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

// A program in wire's namespace may look; a change needs a header that no web page can send. From elsewhere in the
// lab nobody reaches it.
func TestWireAPI(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp")
	w := startWire(t, server)
	for _, port := range []string{"9101", "9102"} {
		for _, network := range []string{"tcp4", "tcp6"} {
			probe(t, network+"://"+server.name+":"+port).err.expect("connection refused")
		}
	}
	for _, tc := range []struct {
		method, path, body, headers string
		status                      int
	}{
		{"GET", "/status", "", "Host: wire", 200},
		{"GET", "/openapi.json", "", "Host: wire", 200},
		{"GET", "/records", "", "Host: lab.attacker.example", 403}, // a name that was made to point here
		{"PATCH", "/link", "loss=100%", "Host: wire", 403},
		{"POST", "/scenario", "drop SYN #1", "Host: wire\r\nOrigin: http://attacker.example\r\nContent-Type: text/plain", 403},
		{"DELETE", "/link", "", "Host: wire", 403},
		{"PATCH", "/link", "loss=1000%", "Host: wire\r\nNetlab-Wire: 1", 400},
		{"POST", "/scenario", "drop data #2 to client", "Host: wire\r\nNetlab-Wire: 1", 200},
		{"PATCH", "/link", "out.delay=1ms", "Host: wire\r\nNetlab-Wire: 1", 200},
	} {
		if status, answer := w.call(server, tc.method, tc.path, tc.body, tc.headers); status != tc.status || !json.Valid([]byte(answer)) {
			t.Errorf("%s %s, %s: %d %s, want %d", tc.method, tc.path, tc.headers, status, answer, tc.status)
		}
	}
	if line := w.run("link"); !strings.Contains(line, "out.delay=1ms") || strings.Contains(line, "loss") {
		t.Errorf("wire link: %s", line)
	}

	p := probe(t, server.url("tcp4"))
	p.send("hello")
	p.eof()
	if got := p.rest(); got != hello {
		t.Errorf("answer %q", got)
	}
	conn := w.until("the end", ends).Conn
	seen := w.all() // of 8080, and of nothing that has asked at 9101
	ours := 0
	for _, p := range seen {
		if p.Conn == conn {
			ours++
		} else if p.Class == "syn" {
			t.Errorf("in the picture:\n%s", w.ladder())
		}
	}
	if ours < 8 {
		t.Errorf("only %d packets of the conversation in the picture:\n%s", ours, w.ladder())
	}

	// What wire watch --json says is what the API says.
	var page struct{ Records []any }
	if _, text := w.call(server, "GET", "/records", "", "Host: wire"); json.Unmarshal([]byte(text), &page) != nil {
		t.Fatalf("GET /records: %s", text)
	}
	var lines []any
	for line := range strings.Lines(w.run("watch", "--json", "--once", "--since=0")) {
		var v any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("wire watch --json: %q: %v", line, err)
		}
		if strings.HasPrefix(line, `{"change":`) {
			continue
		}
		lines = append(lines, v)
	}
	if len(lines) != len(seen) || !reflect.DeepEqual(lines, page.Records) {
		t.Errorf("wire watch --json says\n%v\nand the API\n%v", lines, page.Records)
	}
	if missed := w.run("do"); !strings.Contains(missed, fmt.Sprintf("missed: connection %d ended before its data #2 to client", conn)) {
		t.Errorf("wire do: %s", missed)
	}
}

// tshark reads a capture, and prints these fields of the packets that fit.
func tshark(t *testing.T, capture, filter string, fields ...string) []string {
	t.Helper()
	path, err := exec.LookPath("tshark")
	if err != nil {
		lacks(t, "NETLAB_REQUIRE_TSHARK", "no tshark: apt-get install tshark, or brew install wireshark")
	}
	args := []string{"-n", "-r", "-", "-Y", filter, "-T", "fields", "-E", "separator=|"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	var errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdin, cmd.Stderr = strings.NewReader(capture), &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, errs.String())
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// The capture has every packet with its fate, the dropped one too, and Wireshark's own reader finds it by its comment.
func TestWireCapture(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp")
	w := startWire(t, server)
	live := command(t, w.id, "wire", "capture", "--follow")
	w.run("do", "drop data #1 to client")
	p := probe(t, server.url("tcp6"))
	p.send("hello")
	p.eof()
	p.rest()
	w.until("the end", ends)
	live.expect("DROPPED by drop data #1 to client", "retransmission of data #1") // as it came, not at the end
	seen := w.all()
	capture := w.run("capture")

	all := tshark(t, capture, "frame", "frame.comment", "tcp.seq_raw", "tcp.payload")
	if len(all) != len(seen) {
		t.Fatalf("tshark reads %d packets of %d:\n%s", len(all), len(seen), strings.Join(all, "\n"))
	}
	for i, line := range all {
		if want := fmt.Sprintf("wire #%d: ", seen[i].ID); !strings.HasPrefix(line, want) || !strings.HasSuffix(line, fmt.Sprintf("|%x", seen[i].text())) {
			t.Errorf("packet %d is %q", i+1, line)
		}
	}
	lost := tshark(t, capture, `frame.comment contains "DROPPED"`, "frame.interface_name", "tcp.seq_raw", "tcp.payload")
	again := tshark(t, capture, `frame.comment contains "retransmission of data #1"`, "frame.interface_name", "tcp.seq_raw", "tcp.payload")
	want := regexp.MustCompile(fmt.Sprintf(`^wire:dropped\|([0-9]+\|%x)$`, hello))
	if len(lost) != 1 || len(again) == 0 || !want.MatchString(lost[0]) || strings.Replace(lost[0], "dropped", "delivered", 1) != again[0] {
		t.Errorf("dropped %q, sent again %q", lost, again)
	}
	if bad := tshark(t, capture, "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0", "frame.number"); bad[0] != "" {
		t.Errorf("tshark finds the packets %v bad", bad)
	}
}
