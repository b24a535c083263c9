package wire

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"netlab.example/pkg/language"
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
	if err != nil || len(s.Faults) != 1 || !slices.Equal(s.Link, []Step{{Line: "out.delay=50ms seed=7"}, {Line: "in.loss=1%"}}) {
		t.Errorf("%+v %v", s, err)
	}
	for text, want := range map[string]string{
		"drop data #1 to client\nlink out.loss=200%": "line 2: ",
		"#1\nlink":                   "line 1: ",
		"link":                       "\"link\" is no fault",
		strings.Repeat("\n", 70_000): "at most 64 KiB",
	} {
		if _, err := ParseScenario(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestErrorsInChinese: what is wrong with a line is said in its writer's language, wherever the line stands.
func TestErrorsInChinese(t *testing.T) {
	for _, text := range []string{
		"jump data", "drop", "drop letters", "drop data", "drop data #0 to client", "drop data to me", "delay data to client", "drop SYN to client",
		"swap FIN #1 #2", "swap data #1 to client", "swap data #1 #1 to client", "drop data #1 #2 to client", "drop data what to client", "# \ndrop",
		"link loss", "link loss=2x", "link up.loss=1%", "link delay=1", "link rate=x", "link speed=1", "link seed=x", "link loss=0.3", strings.Repeat("x", 70_000),
	} {
		_, err := ParseScenario(text)
		if err == nil {
			t.Errorf("%.40q is no error", text)
			continue
		}
		if zh := language.Tell(err, language.Chinese); !strings.ContainsFunc(zh, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%.40q: %s", text, zh)
		}
	}
}
