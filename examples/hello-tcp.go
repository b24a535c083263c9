// It reads once and answers something. Is that a request, and is that the answer?
// 它读一次, 然后回答点什么。这算一个请求吗, 这是应有的回答吗?
//
//   go run examples/hello-tcp.go
//   make referee S=hello-tcp URL=tcp://127.0.0.1:9000 ARGS="-only plain-request"

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
		conn.Read(buf)
		conn.Write([]byte("Hello World"))
		conn.Close()
	}
}
