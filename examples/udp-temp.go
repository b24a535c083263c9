// It sends each datagram back as it came. What is 100 in Fahrenheit?
// 它把每个数据报原样发回。100 换成华氏度是多少?
//
//   go run examples/udp-temp.go
//   make referee S=udp-temp URL=udp://127.0.0.1:9000 ARGS="-only plain-number"

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
	server, err := net.ListenPacket("udp", address)
	if err != nil {
		log.Fatal(err)
	}
	buf := make([]byte, 1024)
	for {
		n, client, err := server.ReadFrom(buf)
		if err != nil {
			log.Fatal(err)
		}
		server.WriteTo(buf[:n], client)
	}
}
