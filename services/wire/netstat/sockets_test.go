package netstat

import (
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"

	"netlab.example/pkg/wire"
)

func TestParse(t *testing.T) {
	c := Counters{}
	c.parse([]byte(`Tcp: RtoMin CurrEstab InCsumErrors
Tcp: 200 3 0
TcpExt: ListenOverflows TCPTimeouts
TcpExt: 1 2
Odd: A B
Odd: 1
Udp6InErrors                    	7
Ip6InReceives x
`))
	want := Counters{"Tcp.RtoMin": 200, "Tcp.CurrEstab": 3, "Tcp.InCsumErrors": 0, "TcpExt.ListenOverflows": 1, "TcpExt.TCPTimeouts": 2, "Udp6.InErrors": 7}
	if fmt.Sprint(c) != fmt.Sprint(want) {
		t.Errorf("got %v", c)
	}
	moved := c.Since(Counters{"TcpExt.TCPTimeouts": 1, "Tcp.CurrEstab": 9, "TcpExt.ListenOverflows": 1})
	if fmt.Sprint(moved) != "[{TcpExt.TCPTimeouts 1 2 false} {Udp6.InErrors 7 7 false}]" {
		t.Errorf("moved: %v", moved)
	}
}

func FuzzCounters(f *testing.F) {
	f.Add([]byte("A: b\nA: 1\nC 2\n"))
	f.Fuzz(func(t *testing.T, text []byte) { Counters{}.parse(text) })
}

// TestList looks at real sockets of this machine: one that listens, a connection to it, and its other end.
func TestList(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("sock_diag(7) is Linux's")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	here := ln.Addr().(*net.TCPAddr).AddrPort()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	there := client.LocalAddr().(*net.TCPAddr).AddrPort()

	all, more, err := List(wire.ProtoTCP, here.Port())
	if err != nil || more != 0 || len(all) != 2 {
		t.Fatalf("got %+v, %d more, %v", all, more, err)
	}
	if s := all[0]; s.State != "LISTEN" || s.Local != here || s.RecvQ != 1 || s.SendQ == 0 || s.TCP != nil {
		t.Errorf("got %+v; want one that listens, with one connection in its queue", s)
	}
	if s := all[1]; s.State != "ESTABLISHED" || s.Remote != there || s.TCP == nil || s.TCP.Cwnd == 0 || s.TCP.RTO == 0 {
		t.Errorf("got %+v; want a connection to %s", s, there)
	}

	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	fmt.Fprint(client, "hello")
	client.(*net.TCPConn).CloseWrite()
	buf := make([]byte, 5)
	if _, err := server.Read(buf); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Read(buf); err == nil { // the end of input: the FIN is here
		t.Fatal("no end of input")
	}
	all, _, err = List(wire.ProtoTCP, here.Port())
	if err != nil || !slices.ContainsFunc(all, func(s wire.Socket) bool { return s.State == "CLOSE-WAIT" && s.Remote == there && s.TCP.BytesRead >= 5 }) {
		t.Errorf("got %+v, %v; want CLOSE-WAIT", all, err)
	}
}

func TestListUDP(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("sock_diag(7) is Linux's")
	}
	c, err := net.ListenPacket("udp", "[::]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	port := c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	all, _, err := List(wire.ProtoUDP, port)
	if err != nil || len(all) != 1 || all[0].State != "UNCONNECTED" || all[0].Local != netip.AddrPortFrom(netip.IPv6Unspecified(), port) {
		t.Errorf("got %+v, %v", all, err)
	}
}

func TestReadCounters(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux's")
	}
	before, err := ReadCounters()
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("udp", "127.0.0.1:9") // discard: nobody listens
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "x")
	after, err := ReadCounters()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(after.Since(before), func(c wire.Counter) bool { return c.Name == "Udp.OutDatagrams" && c.Delta >= 1 }) {
		t.Errorf("a datagram was sent, and nothing was counted: %v", after.Since(before))
	}
}
