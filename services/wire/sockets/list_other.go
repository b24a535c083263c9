//go:build !linux

package sockets

import "netlab.example/pkg/wire/packet"

// List works on Linux only.
func List(packet.Proto, uint16) ([]Socket, int, error) { return nil, 0, ErrNotHere }
