// Probe speaks raw bytes to a server, from inside the network of the tests. It knows no protocol.
//
//	probe                    wait to be stopped: a container for the others to run in
//	probe [flags] URL        dial URL; standard input goes to the peer, what comes back to standard output
//	probe [flags] -listen URL  wait for a peer instead, and say on standard error: listening PORT
//	probe -junk N URL        send N malformed packets to an address tcp4:// or tcp6://, from a raw socket
//
// On a stream the bytes are copied as they come. At the end of standard input it half-closes, reads what
// still comes, and leaves with 0 when the peer has closed in order, or 1 when the connection was reset.
//
// With datagrams, and with -turns, each line of standard input is one message, and each message that
// arrives is one line of standard output, both as Go writes strings, without the quotes: \x00, \n, 你好.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

var (
	bytewise = flag.Bool("bytes", false, "one write for each byte, a moment apart")
	open     = flag.Bool("open", false, "no half-close: wait for the peer to end")
	reset    = flag.Bool("reset", false, "at the end of input, reset the connection")
	deaf     = flag.Bool("deaf", false, "read nothing until the end of input")
	count    = flag.Int("count", 1, "that many connections at once; prints one line for each kind of answer")
	turns    = flag.Bool("turns", false, "the textbook's chat: send, then one read of at most 1024 bytes")
	listen   = flag.Bool("listen", false, "wait for a peer instead of dialling")
	junks    = flag.Int("junk", 0, "send that many malformed packets")
)

func main() {
	flag.Parse()
	if flag.NArg() == 0 {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		<-ctx.Done()
		return
	}
	network, addr, _ := strings.Cut(flag.Arg(0), "://")
	if err := run(network, addr); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func run(network, addr string) error {
	datagrams := strings.HasPrefix(network, "udp") || network == "unixgram"
	switch {
	case *junks > 0:
		return sendJunk(network, addr, *junks)
	case datagrams && *listen:
		return answerDatagrams(network, addr)
	case *listen:
		ln, err := net.Listen(network, addr)
		if err != nil {
			return err
		}
		sayPort(ln.Addr())
		conn, err := ln.Accept()
		ln.Close() // the first peer is the only one
		if err != nil {
			return err
		}
		return talk(conn)
	case *count > 1:
		return crowd(network, addr)
	}
	conn, err := dial(network, addr)
	if err != nil {
		return err
	}
	if datagrams {
		return sendDatagrams(conn)
	}
	return talk(conn)
}

func dial(network, addr string) (net.Conn, error) {
	if network != "unixgram" {
		return net.DialTimeout(network, addr, 5*time.Second)
	}
	// Without a name of its own there is nowhere to send the answer.
	own := filepath.Join(filepath.Dir(addr), fmt.Sprintf("probe-%d.sock", os.Getpid()))
	conn, err := net.DialUnix(network, &net.UnixAddr{Net: network, Name: own}, &net.UnixAddr{Net: network, Name: addr})
	if err != nil {
		os.Remove(own)
	}
	return conn, err
}

func sayPort(a net.Addr) {
	_, port, _ := net.SplitHostPort(a.String())
	fmt.Fprintln(os.Stderr, "listening", port)
}

// crowd makes many connections at once, each of which sends all of standard input, and counts the answers.
func crowd(network, addr string) error {
	request, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	answers := map[string]int{}
	for range *count {
		wg.Go(func() {
			var answer bytes.Buffer
			conn, err := dial(network, addr)
			if err == nil {
				defer conn.Close()
				if _, err = conn.Write(request); err == nil {
					_, err = io.Copy(&answer, conn)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if answers[answer.String()]++; err != nil {
				answers[err.Error()]++
			}
		})
	}
	wg.Wait()
	for answer, n := range answers {
		fmt.Printf("%d %q\n", n, answer)
	}
	return nil
}
