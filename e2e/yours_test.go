package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// A program of this machine in hello-tcp's place: the same name, address and clients, the wire beside it. It takes the
// very port that the lab has published, and gives it back.
func TestYourProgram(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	lab := newMaker(t, "yours", "HELLO_PORT="+port)
	for args, want := range map[string]string{
		"S=nobody PORT=9000":    "no server is called nobody\n",
		"S=hello-tcp":           "where is your program?\n  hint: make yours S=hello-tcp PORT=9000\n",
		"S=hello-tcp PORT=9000": "hello-tcp is not running\n  hint: make up\n",
	} {
		if said := lab.run(2, append([]string{"yours"}, strings.Fields(args)...)...); !strings.Contains(said, want) {
			t.Errorf("make yours %s with no lab says:\n%s", args, said)
		}
	}
	lab.run(0, "up")
	lab.forgetful()
	if said := lab.run(2, "yours", "S=hello-tcp", "PORT=99999"); !strings.Contains(said, "PORT=99999 is not a port") {
		t.Errorf("make yours PORT=99999 says:\n%s", said)
	}

	yours := lab.beside("yours", "S=hello-tcp", "PORT="+port)
	yours.expect("hello-tcp of ours has left port "+port, "start your program: it must wait at port "+port)
	program, err := net.Listen("tcp", "127.0.0.1:"+port) // as a textbook's server does
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	yours.expect("it is there\n", "hello-tcp is yours: the program at port "+port+" of this machine")
	if code := yours.exit(); code != 0 {
		t.Fatalf("make yours: exit %d", code)
	}
	go func() {
		for {
			conn, err := program.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 1024))
			io.WriteString(conn, "my own words")
			conn.Close()
		}
	}()
	client := lab.compose("hi\n", "run", "--rm", "-T", "--no-deps", "hello-client")
	if !strings.Contains(client, "my own words") {
		t.Errorf("hello-client hears %q", client)
	}
	if packets := lab.run(0, "wire", "ARGS=watch --once --plain"); !strings.Contains(packets, "my own words") {
		t.Errorf("the wire shows:\n%s", packets)
	}
	whose := "hello-tcp is yours: the program at port " + port + " of this machine"
	for _, verb := range []string{"ps", "up"} {
		if said := lab.run(0, verb); !strings.Contains(said, whose) {
			t.Errorf("make %s says:\n%s", verb, said)
		}
	}
	program.Close()
	if said := lab.compose("hi\n", "run", "--rm", "-T", "--no-deps", "hello-client"); strings.Contains(said, "my own words") {
		t.Errorf("with nobody there hello-client hears %q", said)
	}
	if said := lab.compose("", "logs", "hello-tcp"); !strings.Contains(said, "the program refuses; the client is reset") {
		t.Errorf("the relay says:\n%s", said)
	}

	if said := lab.run(0, "ours"); !strings.Contains(said, "hello-tcp is ours again\n") {
		t.Errorf("make ours says:\n%s", said)
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "hello")
	if answer, err := io.ReadAll(conn); string(answer) != hello || err != nil {
		t.Errorf("ours answers %q, %v", answer, err)
	}
	if said := lab.run(0, "ps"); strings.Contains(said, "is yours") || strings.Contains(said, "relay") {
		t.Errorf("make ps after make ours says:\n%s", said)
	}
	if left, _ := cli("volume", "ls", "-q", "--filter", "name="+lab.project+"_yours"); left != "" {
		t.Errorf("left after make ours: %s", left)
	}
	lab.run(0, "down")
	if left := lab.left(); left != "" {
		t.Errorf("left after make down:\n%s", left)
	}
}

// A textbook's converter ends after one conversation, and is started again by its owner.
func TestYourDatagrams(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	lab := newMaker(t, "datagrams")
	lab.run(0, "up")
	once := func(answer string) net.PacketConn {
		program, err := net.ListenPacket("udp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, from, err := program.ReadFrom(make([]byte, 1024))
			if err == nil {
				program.WriteTo([]byte(answer), from)
			}
			program.Close()
		}()
		return program
	}
	defer once("Temperature in Fahrenheit: 1").Close()
	lab.run(0, "yours", "S=udp-temp", "PORT="+port)
	ask := func() string { return lab.compose("", "run", "--rm", "-T", "--no-deps", "temp-client", "36.6") }
	if said := ask(); !strings.Contains(said, "Fahrenheit: 1\n") {
		t.Errorf("temp-client hears %q", said)
	}
	defer once("Temperature in Fahrenheit: 2").Close()
	if said := ask(); !strings.Contains(said, "Fahrenheit: 2\n") {
		t.Errorf("temp-client hears %q", said)
	}
	// make down takes all of it away; what is yours stays so until make ours, or make forget.
	lab.run(0, "down")
	if left := lab.left(); left != "" {
		t.Errorf("left after make down:\n%s", left)
	}
	lab.run(0, "forget")
	lab.run(0, "up")
	if said := ask(); !strings.Contains(said, "97.88") {
		t.Errorf("ours: temp-client hears %q", said)
	}
}

// compose runs Compose as a person does in that clone, who types in, and returns all that it said.
func (m *maker) compose(in string, args ...string) string {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	cmd := m.command(ctx)
	cmd.Path, cmd.Args, cmd.Dir = m.dir+"/deploy/compose.sh", append([]string{"compose.sh"}, args...), m.dir
	cmd.Stdin, cmd.WaitDelay = strings.NewReader(in), patience
	out, _ := cmd.CombinedOutput()
	return string(out)
}
