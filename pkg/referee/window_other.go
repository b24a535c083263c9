//go:build !unix

package referee

import "syscall"

func smallWindow(string, string, syscall.RawConn) error { return nil }
