//go:build !linux

package engine

import (
	"context"
	"errors"
	"io"
)

var errNotLinux = errors.New("wire takes packets from a Linux kernel: run it in its container")

// Alone needs Linux: run wire in its container.
func Alone() (io.Closer, error) { return nil, errNotLinux }

// Run needs it, too.
func (e *Engine) Run(context.Context) error { return errNotLinux }

// Room is for containers.
func Room() error { return nil }
