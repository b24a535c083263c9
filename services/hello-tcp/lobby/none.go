//go:build !linux || nolobby

// Package lobby needs Linux's system calls. On other systems every connection is an ordinary one.
package lobby

import (
	"fmt"
	"net"
)

func New(ln net.Listener, _ int, _ func([]byte) []byte, _ func(fmt.Stringer, []byte)) net.Listener {
	return ln
}
