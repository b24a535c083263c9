package netstat

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"netlab.example/pkg/wire"
)

// Counters are the kernel's counts by name: TcpExt.TCPTimeouts, Udp.InErrors.
type Counters map[string]int64

// files are where the kernel tells them. The first two have a line of names and a line of numbers for each
// protocol; the last, of IPv6, a name and a number on each line.
var files = []string{"/proc/net/snmp", "/proc/net/netstat", "/proc/net/snmp6"}

// maxFile bounds what is read of each; they have some 10 KB.
const maxFile = 1 << 20

// ReadCounters reads all counters of this network namespace.
func ReadCounters() (Counters, error) {
	c := Counters{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if os.IsNotExist(err) && name == files[2] { // no IPv6
			continue
		}
		if os.IsNotExist(err) {
			return nil, ErrNotHere
		}
		if err != nil {
			return nil, fmt.Errorf("read counters: %w", err)
		}
		if len(text) <= maxFile {
			c.parse(text)
		}
	}
	return c, nil
}

// parse adds what a file says. A line that makes no sense is left out: kernels add to these files.
func (c Counters) parse(text []byte) {
	var names []string
	for line := range bytes.Lines(text) {
		words := strings.Fields(string(line))
		switch {
		case len(words) == 2 && !strings.HasSuffix(words[0], ":"): // Udp6InErrors 3
			if n, err := strconv.ParseInt(words[1], 10, 64); err == nil {
				c[dotted(words[0])] = n
			}
		case len(names) > 0 && len(names) == len(words) && names[0] == words[0]:
			for i := 1; i < len(words); i++ {
				if n, err := strconv.ParseInt(words[i], 10, 64); err == nil {
					c[strings.TrimSuffix(words[0], ":")+"."+names[i]] = n
				}
			}
			names = nil
		default:
			names = words
		}
	}
}

// dotted writes the names of /proc/net/snmp6 like the others: Udp6InErrors is Udp6.InErrors.
func dotted(name string) string {
	for _, p := range []string{"UdpLite6", "Udp6", "Icmp6", "Ip6"} {
		if rest, ok := strings.CutPrefix(name, p); ok {
			return p + "." + rest
		}
	}
	return name
}

// gauges say how much there is now, not how much there was.
var gauges = map[string]bool{"Tcp.CurrEstab": true, "Tcp.MaxConn": true, "Tcp.RtoMin": true, "Tcp.RtoMax": true, "Tcp.RtoAlgorithm": true, "Ip.DefaultTTL": true, "Ip.Forwarding": true}

// shared are counted for all of TCP in the namespace: the health checks and wire's own API move them, too. What
// they count of the service is in the list of packets.
var shared = map[string]bool{"Tcp.ActiveOpens": true, "Tcp.PassiveOpens": true, "Tcp.InSegs": true, "Tcp.OutSegs": true, "TcpExt.TW": true, "TcpExt.DelayedACKs": true}

// Since returns the counters that moved after before, by name.
func (c Counters) Since(before Counters) []wire.Counter {
	moved := []wire.Counter{}
	for name, n := range c {
		if d := n - before[name]; d != 0 && !gauges[name] {
			moved = append(moved, wire.Counter{Name: name, Delta: d, Total: n, Shared: shared[name]})
		}
	}
	slices.SortFunc(moved, func(a, b wire.Counter) int { return strings.Compare(a.Name, b.Name) })
	return moved
}
