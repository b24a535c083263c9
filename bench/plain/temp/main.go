// Temp is what a Go programmer writes first: one loop that reads, computes in floating point and writes.
package main

import (
	"fmt"
	"math"
	"net"
	"os"
	"strconv"
)

func main() {
	addr, err := net.ResolveUDPAddr("udp4", os.Args[1])
	if err != nil {
		panic(err)
	}
	conn, err := net.ListenUDP("udp4", addr)
	if err != nil {
		panic(err)
	}
	buf := make([]byte, 1024)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			continue
		}
		c, _ := strconv.ParseFloat(string(buf[:n]), 64)
		f := math.Round((c*9/5+32)*100) / 100 // 37 gives 98.60000000000001
		conn.WriteToUDPAddrPort(fmt.Appendf(nil, "转换后的温度(华氏温度):%v", f), from)
	}
}
