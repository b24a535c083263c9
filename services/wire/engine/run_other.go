//go:build !linux

package engine

import (
	"context"
	"errors"
)

// Run needs Linux: run wire in its container.
func (e *Engine) Run(context.Context) error {
	return errors.New("wire takes packets from a Linux kernel: run it in its container")
}
