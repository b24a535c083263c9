// It talks to one person at a time, and only repeats what that person said. Who else should hear it?
// 它一次只和一个人说话, 而且只重复那个人的话。还有谁应该听到?
//
//   go run examples/chat-server.go
//   make referee S=chat-server URL=tcp://127.0.0.1:9000 ARGS="-only say-and-hear"

package main

import (
	"log"
	"net"
	"os"
)

func main() {
	address := "127.0.0.1:9000"
	if len(os.Args) > 1 {
		address = "127.0.0.1:" + os.Args[1]
	}
	server, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	buf := make([]byte, 1024)
	for {
		conn, err := server.Accept()
		if err != nil {
			log.Fatal(err)
		}
		for {
			n, err := conn.Read(buf)
			if err != nil {
				break
			}
			conn.Write(buf[:n])
		}
		conn.Close()
	}
}
