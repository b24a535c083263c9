// Hello is what a Go programmer writes first: a goroutine for each connection, and package net. No limit, no deadline.
package main

import (
	"net"
	"os"
)

func main() {
	ln, err := net.Listen("tcp4", os.Args[1])
	if err != nil {
		panic(err)
	}
	answer := []byte("HTTP/1.1 200 OK\r\n\r\nHello World, Michael!")
	for {
		conn, err := ln.Accept()
		if err != nil {
			continue
		}
		go func() {
			defer conn.Close()
			conn.Read(make([]byte, 1024))
			conn.Write(answer)
		}()
	}
}
