package wire

import (
	"slices"
	"strings"
	"testing"
)

func TestParseFault(t *testing.T) {
	for line, want := range map[string]string{
		"drop data #1 to client":           "",
		"drop SYN #1":                      "drop SYN #1 to server",
		"drop syn-ack":                     "drop SYN-ACK #1 to client",
		"delay FIN 500ms":                  "delay FIN #1 500ms",
		"delay 500ms":                      "error: no kind",
		"delay data 1s #2 to server":       "delay data #2 to server 1s",
		"swap data #3 #4 to server":        "",
		"swap data #4 #3 to server":        "swap data #3 #4 to server",
		"duplicate data #1 to server":      "",
		"corrupt ack #3 to server":         "corrupt ACK #3 to server",
		"drop retransmission to client":    "drop retransmission #1 to client",
		"drop ICMP #1 to client":           "",
		"drop":                             "error: is no fault",
		"eat data #1 to client":            "error: cannot",
		"drop data #1":                     "error: to whom",
		"drop data #0 to client":           "error: #1",
		"drop data #+1 to client":          "error: #1",
		"drop data #99999999999 to client": "error: #1",
		"drop data #1 #2 to client":        "error: one packet",
		"drop data #1 to everyone":         "error: to whom",
		"drop SYN to client":               "error: goes to the server",
		"delay FIN":                        "error: how long",
		"delay FIN 500":                    "error: 50ms",
		"delay FIN 1s 2s":                  "error: what is",
		"drop data #1 to client now":       "error: what is",
		"swap data #3 to server":           "error: with which",
		"swap data #3 #3 to server":        "error: with itself",
		"swap FIN #1 #2":                   "error: data only",
	} {
		f, err := ParseFault(line)
		got := f.String()
		if msg, ok := strings.CutPrefix(want, "error: "); ok {
			if err == nil || !strings.Contains(err.Error(), msg) {
				t.Errorf("%q: %v, want %q", line, err, msg)
			}
			continue
		}
		if want == "" {
			want = line
		}
		if err != nil || got != want {
			t.Errorf("%q: %q %v, want %q", line, got, err, want)
		}
	}
}

// FuzzFault: a fault that is taken can be written and taken again.
func FuzzFault(f *testing.F) {
	f.Add("drop data #1 to client")
	f.Add("delay FIN 500ms")
	f.Add("swap data #3 #4 to server")
	f.Fuzz(func(t *testing.T, line string) {
		if fault, err := ParseFault(line); err == nil {
			again, err := ParseFault(fault.String())
			if err != nil || again != fault {
				t.Errorf("%q is %q is %+v (%v)", line, fault, again, err)
			}
		} else if len(err.Error()) > 300 {
			t.Errorf("a long error: %v", err)
		}
	})
}

func TestParseScenario(t *testing.T) {
	s, err := ParseScenario("# Lose the answer once.\r\n\r\nlink out.delay=50ms seed=7\n  drop data #1 to client\n#\nlink in.loss=1%")
	if err != nil || len(s.Faults) != 1 || !slices.Equal(s.Link, []string{"out.delay=50ms seed=7", "in.loss=1%"}) {
		t.Errorf("%+v %v", s, err)
	}
	for text, want := range map[string]string{
		"drop data #1 to client\nlink out.loss=200%": "line 2: ",
		"#1":                         "line 1: ",
		"link":                       "line 1: ",
		strings.Repeat("\n", 70_000): "at most 64 KiB",
	} {
		if _, err := ParseScenario(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
