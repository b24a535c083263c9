package main

import (
	"testing"

	"netlab.example/pkg/wire"
)

func TestFaultState(t *testing.T) {
	for _, tc := range []struct {
		f    wire.Fault
		want string
	}{
		{wire.Fault{State: wire.Fired, Packet: 7}, "done, to #7"},
		{wire.Fault{State: wire.Fired, Packet: 7, Note: wire.Swapped}, "done, to #7"},
		{wire.Fault{State: wire.Fired, Packet: 7, Note: "data #4 did not come in time"}, "done, to #7; data #4 did not come in time"},
		{wire.Fault{State: wire.Missed, Note: "\x1b[2J"}, `missed: \x1b[2J`},
	} {
		if got := words.En.faultState(tc.f); got != tc.want {
			t.Errorf("%+v: %q, want %q", tc.f, got, tc.want)
		}
	}
}
