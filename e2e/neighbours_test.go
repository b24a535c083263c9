package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

// A neighbour is a machine beyond the lab's own link: a network namespace with a route to the lab through this host.
// The engine may set no ip6tables rules (20.10 does not): nothing of the lab answers it all the same.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	ip := func(args string) {
		t.Helper()
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			lacks(t, "NETLAB_REQUIRE_ROOT", fmt.Sprintf("ip %s: %v: %s", args, err, out))
		}
	}
	lab := newStack(t, "neighbours")
	lab.run(0, "up", "-d", "--wait", "--no-build")
	prefix := ""
	for _, kv := range lab.env {
		if name, value, _ := strings.Cut(kv, "="); name == "LAB_PREFIX6" {
			prefix = value
		}
	}
	link := prefix6() // between this host and the neighbour
	name := "nb" + suite.run
	ip("netns add " + name)
	t.Cleanup(func() { exec.Command("ip", "netns", "del", name).Run() }) // the link ends with it
	ip("link add " + name + "h type veth peer name " + name + "n netns " + name)
	ip("addr add " + link + "::1/64 dev " + name + "h nodad")
	ip("link set " + name + "h up")
	ip("-n " + name + " addr add " + link + "::2/64 dev " + name + "n nodad")
	ip("-n " + name + " link set " + name + "n up")
	ip("-n " + name + " link set lo up")
	ip("-n " + name + " route add " + prefix + "::/64 via " + link + "::1")

	// reach tries a port from inside the neighbour's namespace, and tells what came of it.
	reach := func(network, address string) string {
		t.Helper()
		cmd := exec.Command("ip", "netns", "exec", name, os.Args[0], "-test.run=^TestReach$")
		cmd.Env = append(os.Environ(), "E2E_REACH="+network+" "+address)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		said := regexp.MustCompile(`(?m)^reach: (.*)$`).FindSubmatch(out)
		if said == nil {
			t.Fatalf("no answer from the neighbour: %s", out)
		}
		return string(said[1])
	}
	own, err := net.Listen("tcp", "["+link+"::1]:0") // what does answer, so that silence means something
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if got := reach("tcp", own.Addr().String()); got != "connected" {
		t.Fatalf("the neighbour does not even reach this host: %s", got)
	}

	tried := 0
	for service, ports := range listening(t, lab) {
		c, err := suite.docker.ContainerInspect(t.Context(), lab.id(service), client.ContainerInspectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		address := c.Container.NetworkSettings.Networks[lab.project+"_lab"].GlobalIPv6Address.String()
		for _, port := range ports {
			network, number, _ := strings.Cut(port, "/")
			if got := reach(network, net.JoinHostPort(address, number)); got != "nothing" {
				t.Errorf("%s at %s: a neighbour gets: %s", service, port, got)
			}
			tried++
		}
	}
	if tried < 3 {
		t.Errorf("only %d ports were tried", tried)
	}
	lab.down()
}

// TestReach is what the neighbour runs.
func TestReach(t *testing.T) {
	network, address, _ := strings.Cut(os.Getenv("E2E_REACH"), " ")
	if network == "" {
		t.Skip("the other half of TestNeighbours")
	}
	conn, err := net.DialTimeout(network, address, 2*time.Second)
	switch {
	case err != nil && err.(net.Error).Timeout():
		fmt.Println("reach: nothing")
		return
	case err != nil:
		fmt.Println("reach:", err)
		return
	case network == "tcp":
		fmt.Println("reach: connected")
		return
	}
	conn.Write([]byte("36.6"))
	conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	answer := make([]byte, 100)
	if n, err := conn.Read(answer); err == nil {
		fmt.Printf("reach: %q\n", answer[:n])
		return
	}
	fmt.Println("reach: nothing")
}

// listening lists the ports of each server's namespace that are bound beyond loopback, as network/number.
func listening(t *testing.T, lab *stack) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, service := range []string{"hello-tcp", "chat-server", "udp-temp"} {
		c, err := suite.docker.ContainerInspect(t.Context(), lab.id(service), client.ContainerInspectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"tcp", "tcp6", "udp", "udp6"} {
			table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", c.Container.State.Pid, file))
			if err != nil {
				lacks(t, "NETLAB_REQUIRE_ROOT", err.Error()) // the engine runs in a machine of its own
			}
			for line := range bytes.Lines(table) {
				column := strings.Fields(string(line))
				address, port, ok := strings.Cut(column[1], ":")
				if !ok || len(column[2]) < 5 || !strings.HasSuffix(column[2], ":0000") { // the heading, or a connection
					continue
				}
				if strings.HasSuffix(address, "0100007F") || address == "00000000000000000000000001000000" || address == "0B00007F" {
					continue // loopback; the last is the engine's name server, 127.0.0.11
				}
				var number int
				fmt.Sscanf(port, "%X", &number)
				found[service] = append(found[service], strings.TrimSuffix(file, "6")+"/"+fmt.Sprint(number))
			}
		}
	}
	return found
}
