package main

import (
	"errors"
	"net"
	"strings"
	"testing"

	"go.uber.org/zap"

	"netlab.example/pkg/app"
	"netlab.example/pkg/labtest"
	"netlab.example/services/wire/engine"
)

// TestSecondWire: with the same addresses as the first, the second says that it is the second, and not that a
// port is taken.
func TestSecondWire(t *testing.T) {
	lock, err := engine.Alone()
	if err != nil {
		labtest.Lacks(t, "NETLAB_REQUIRE_ROOT", err)
	}
	defer lock.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	address := "tcp://" + ln.Addr().String()
	cfg := Config{Common: app.Common{Ops: address}, Service: "tcp://:8080", API: address, Interface: "lo", Records: 1, Memory: 1}
	err = serve(t.Context(), cfg, app.Env{Log: zap.NewNop()})
	if !errors.Is(err, engine.ErrSecondWire) || strings.Contains(err.Error(), "in use") {
		t.Errorf("%v", err)
	}
}
