package main

import (
	"testing"

	"netlab.example/services/wire/link"
)

func TestFaultState(t *testing.T) {
	for _, tc := range []struct {
		f    link.Fault
		want string
	}{
		{link.Fault{State: link.Fired, Packet: 7}, "done, to #7"},
		{link.Fault{State: link.Fired, Packet: 7, Note: link.Swapped}, "done, to #7"},
		{link.Fault{State: link.Fired, Packet: 7, Note: "data #4 did not come in time"}, "done, to #7; data #4 did not come in time"},
		{link.Fault{State: link.Missed, Note: "\x1b[2J"}, `missed: \x1b[2J`},
	} {
		if got := words.En.faultState(tc.f); got != tc.want {
			t.Errorf("%+v: %q, want %q", tc.f, got, tc.want)
		}
	}
}
