package terminal

import (
	"strings"
	"testing"
)

func TestLeaves(t *testing.T) {
	for line, want := range map[string]bool{
		"exit": true, "byebye": true, " byebye ": true, "Byebye!": true, "ｂｙｅｂｙｅ": true, "byebye。": true, "ｅｘｉｔ": true,
		"": false, "bye": false, "byebye now": false, "exit 1": false, strings.Repeat(" ", 200) + "exit": false,
	} {
		if got := Leaves(line); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}
