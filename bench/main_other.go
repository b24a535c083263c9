//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: it measures with epoll(7), network namespaces and proc(5), which only Linux has")
	os.Exit(1)
}
