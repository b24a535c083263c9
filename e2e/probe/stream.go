package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// talk copies both ways until both are done.
func talk(conn net.Conn) error {
	defer conn.Close()
	switch {
	case *turns:
		return takeTurns(conn)
	case *reset, *deaf:
		return send(conn)
	}
	sent := make(chan error, 1)
	go func() { sent <- send(conn) }()
	if _, err := io.Copy(os.Stdout, conn); err != nil {
		return err
	}
	if *open { // the peer has ended: there is nobody to send to
		return nil
	}
	return <-sent
}

func send(conn net.Conn) error {
	if tcp, ok := conn.(*net.TCPConn); ok && *deaf {
		tcp.SetReadBuffer(4096)
	}
	var to io.Writer = conn
	if *bytewise {
		to = slowly{conn}
	}
	if _, err := io.Copy(to, os.Stdin); err != nil {
		return err
	}
	switch {
	case *reset:
		return conn.(*net.TCPConn).SetLinger(0) // the close that follows is a reset
	case *open, *deaf:
		return nil
	}
	err := conn.(interface{ CloseWrite() error }).CloseWrite()
	if errors.Is(err, syscall.ENOTCONN) { // the peer has closed already
		return nil
	}
	return err
}

type slowly struct{ net.Conn }

func (s slowly) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := s.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
		time.Sleep(2 * time.Millisecond) // so that bytes arrive apart: this is what is tested
	}
	return len(p), nil
}

// takeTurns makes the calls of the textbook's chat programs: no newline is sent, one read is one message,
// and byebye from either side ends it. Who dials speaks first.
func takeTurns(conn net.Conn) error {
	in := bufio.NewScanner(os.Stdin)
	if *listen {
		if message, err := hear(conn); err != nil || message == "byebye" {
			return err
		}
	}
	for in.Scan() {
		message, err := unquote(in.Text())
		if err != nil {
			return err
		}
		if _, err := io.WriteString(conn, message); err != nil || message == "byebye" {
			return err
		}
		if message, err := hear(conn); err != nil || message == "byebye" {
			return err
		}
	}
	return in.Err()
}

func hear(conn net.Conn) (string, error) {
	buf := make([]byte, 1024)
	n, err := conn.Read(buf)
	if err != nil {
		return "", err
	}
	fmt.Println(quote(buf[:n]))
	return string(buf[:n]), nil
}
