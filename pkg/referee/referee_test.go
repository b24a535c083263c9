package referee

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"netlab.example/pkg/language"
	"netlab.example/pkg/sockets"
)

// hostile are servers that mean harm to the one who judges them.
var hostile = map[string]func(net.Conn){
	"an answer without end": func(c net.Conn) {
		io.WriteString(c, helloHead)
		for line := bytes.Repeat([]byte("x"), 64<<10); ; {
			if _, err := c.Write(line); err != nil {
				return
			}
		}
	},
	"lines without end": func(c net.Conn) {
		for notice := bytes.Repeat([]byte("* notice\n"), 4096); ; {
			if _, err := c.Write(notice); err != nil {
				return
			}
		}
	},
	"a byte now and then": func(c net.Conn) {
		for _, b := range []byte(helloHead) {
			time.Sleep(100 * time.Millisecond)
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
		}
	},
	"escape sequences": func(c net.Conn) {
		io.WriteString(c, "* \x1b]0;title\x07\x1b[2J\u202e\u009b31m\r\xff\xfe\n")
	},
	"a reset":         func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) },
	"only the end":    func(net.Conn) {},
	"silence":         func(c net.Conn) { io.Copy(io.Discard, c) },
	"a name too long": func(c net.Conn) { io.WriteString(c, helloHead+strings.Repeat("n", 1<<20)) },
}

// A hostile server fails, is not believed, does not hold the referee up, and reaches no terminal.
func TestHostileServers(t *testing.T) {
	for name, serve := range hostile {
		for _, p := range []*Protocol{Hello, Room} {
			t.Run(name+"/"+p.Name, func(t *testing.T) {
				t.Parallel()
				ln, err := net.Listen("tcp4", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer ln.Close()
				go func() {
					for {
						c, err := ln.Accept()
						if err != nil {
							return
						}
						go func() { defer c.Close(); serve(c) }()
					}
				}()
				report, err := p.Judge(t.Context(), sockets.Address{Network: "tcp", Addr: ln.Addr().String()}, Options{})
				if err != nil {
					t.Fatal(err)
				}
				if report.Passed() || report.Results[0].Verdict != Failed {
					t.Errorf("the first check: %+v", report.Results[0])
				}
				printed(t, p, report)
			})
		}
	}
}

// printed checks that a report, in each form and language, has nothing in it that acts on a terminal or breaks a format.
func printed(t *testing.T, p *Protocol, report *Report) {
	t.Helper()
	for _, l := range []language.Lang{language.Chinese, language.English} {
		var text strings.Builder
		for _, r := range report.Results {
			p.PrintResult(&text, r, l)
		}
		report.PrintTotal(&text, l)
		for _, r := range text.String() {
			if unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("%U reaches the terminal: %q", r, text.String())
			}
		}
		if !utf8.ValidString(text.String()) {
			t.Errorf("not UTF-8: %q", text.String())
		}
	}
	var b bytes.Buffer
	if err := report.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var back struct {
		Results []struct{ Check, Verdict string }
	}
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || len(back.Results) != len(report.Results) {
		t.Errorf("JSON: %v, %d results of %d", err, len(back.Results), len(report.Results))
	}
	b.Reset()
	if err := report.WriteJUnit(&b, p); err != nil {
		t.Fatal(err)
	}
	var suite struct {
		Failures int `xml:"failures,attr"`
		Cases    []struct {
			Name    string    `xml:"name,attr"`
			Failure *struct{} `xml:"failure"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal(b.Bytes(), &suite); err != nil || len(suite.Cases) != len(report.Results) {
		t.Fatalf("JUnit: %v in %s", err, b.Bytes())
	}
	_, failed, _ := report.Count()
	if suite.Failures != failed {
		t.Errorf("JUnit counts %d failures, the report %d", suite.Failures, failed)
	}
}

func TestNobodyThere(t *testing.T) {
	for _, tc := range []struct {
		p     *Protocol
		a     sockets.Address
		cause Cause
	}{
		{Hello, sockets.Address{Network: "tcp", Addr: "127.0.0.1:1"}, Refused},
		{Room, sockets.Address{Network: "unix", Addr: t.TempDir() + "/none.sock"}, Refused},
		{Temp, sockets.Address{Network: "udp", Addr: "127.0.0.1:1"}, Refused},
	} {
		_, err := tc.p.Judge(t.Context(), tc.a, Options{})
		if u, ok := errors.AsType[*UnreachableError](err); !ok || u.Cause != tc.cause {
			t.Errorf("%v: %v", tc.a, err)
		}
	}
}

// Over UDP nobody can tell a server that is silent from one that is not there: there is no verdict.
func TestSilentDatagramServer(t *testing.T) {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = Temp.Judge(t.Context(), sockets.Address{Network: "udp", Addr: conn.LocalAddr().String()}, Options{})
	if u, ok := errors.AsType[*UnreachableError](err); !ok || u.Cause != Silent {
		t.Errorf("got %v", err)
	}
}

func TestEverythingIsSaidInBothLanguages(t *testing.T) {
	full := func(what string, b language.Both[string]) {
		if b.Zh == "" || b.En == "" {
			t.Errorf("%s: %+v", what, b)
		}
	}
	for c, x := range causes {
		full(Cause(c).String(), x.words)
	}
	for _, p := range Protocols {
		names := map[string]bool{}
		for _, c := range p.Contract {
			full(c.ID, c.Text)
			full(c.ID, c.Why)
			if c.Read == "" {
				t.Errorf("%s: nowhere to read on", c.ID)
			}
		}
		for _, c := range p.Checks {
			full(c.Name, c.Title)
			for _, need := range c.Needs {
				if !names[need] {
					t.Errorf("%s needs %s, which does not come before it", c.Name, need)
				}
			}
			if names[c.Name] {
				t.Errorf("two checks are called %s", c.Name)
			}
			names[c.Name] = true
		}
	}
}

// A program that cannot start is no server that fails: there is no verdict.
func TestProgramThatDoesNotStart(t *testing.T) {
	program, err := RunProgram("false")
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	_, err = Turns.Judge(t.Context(), sockets.Address{Network: "tcp", Addr: "127.0.0.1:1"}, Options{Operator: program})
	if u, ok := errors.AsType[*UnreachableError](err); !ok || u.Cause != Refused {
		t.Errorf("got %v", err)
	}
}

// What a program on the referee's terminal prints is seen, and what is typed reaches it.
func TestProgramOnATerminal(t *testing.T) {
	program, err := RunProgram("while read line; do echo \"got $line\"; done")
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for range 2 {
		program.Fresh()
		if err := program.Types("a line"); err != nil {
			t.Fatal(err)
		}
		if !program.Sees(t.Context(), "got a line", patience) {
			t.Fatalf("shown: %q", program.Shown())
		}
		if program.Sees(t.Context(), "never", time.Millisecond) {
			t.Error("seen what is not there")
		}
		if err := program.Again(); err != nil {
			t.Fatal(err)
		}
	}
}
