package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
)

func sendDatagrams(conn net.Conn) error {
	defer conn.Close()
	if a := conn.LocalAddr(); a.Network() == "unixgram" {
		defer os.Remove(a.String())
	}
	failed := make(chan error, 2)
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				failed <- err
				return
			}
			fmt.Println(quote(buf[:n]))
		}
	}()
	go func() {
		failed <- eachLine(func(message string) error { _, err := io.WriteString(conn, message); return err })
	}()
	return <-failed
}

// answerDatagrams sends each line of standard input to whoever has sent the last datagram.
func answerDatagrams(network, addr string) error {
	conn, err := net.ListenPacket(network, addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	sayPort(conn.LocalAddr())
	var mu sync.Mutex
	var peer net.Addr
	failed := make(chan error, 2)
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				failed <- err
				return
			}
			mu.Lock()
			peer = from
			mu.Unlock()
			fmt.Println(quote(buf[:n]))
		}
	}()
	go func() {
		failed <- eachLine(func(message string) error {
			mu.Lock()
			defer mu.Unlock()
			_, err := conn.WriteTo([]byte(message), peer)
			return err
		})
	}()
	return <-failed
}

func eachLine(do func(message string) error) error {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		message, err := unquote(in.Text())
		if err != nil {
			return err
		}
		if err := do(message); err != nil {
			return err
		}
	}
	return in.Err()
}

func quote(b []byte) string {
	s := strconv.Quote(string(b))
	return s[1 : len(s)-1]
}

func unquote(line string) (string, error) { return strconv.Unquote(`"` + line + `"`) }
