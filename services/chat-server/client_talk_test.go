package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/terminal"
)

// A pipe's client succeeds only if the server has confirmed that it has read all. Otherwise it says how many lines
// may be missing.
func TestWhatAPipeMayHaveLost(t *testing.T) {
	const reset = "" // the server's last words: it resets the connection
	stops, end := wire.En.Stopping+"\n", "byebye\n"
	said := func(n notices, lines int) string { return fmt.Sprintf(n.OnlySaid+"\n", lines+1) } // the name is one
	for name, tc := range map[string]struct {
		typed string
		ends  bool // the pipe ends after that
		words string
		want  string // in the error
	}{
		"a reset":                        {typed: "1\n2\n3\n", words: reset, want: "reset (connection reset); lines that may not have been said: up to 3"},
		"a close":                        {typed: "1\n2\n3\n", words: "* hello\n", want: "closed it; lines that may not have been said: up to 3"},
		"a reset at the end":             {typed: "1\n2\n", ends: true, words: reset, want: "up to 2"},
		"a close at the end":             {typed: "1\n2\n", ends: true, words: "Ben: hi\n", want: "up to 2"},
		"a byebye at the end":            {typed: "1\n2\n", ends: true, words: end},
		"byebye at the end, typed":       {typed: "1\n2\nbyebye\n", words: end},
		"exit at the end":                {typed: "1\n2\nexit\n", words: end},
		"nothing was sent":               {words: "* hello\n", want: "the other side closed it"},
		"nothing was sent, and it ended": {ends: true, words: "* hello\n"},
		"a stop after all was said":      {typed: "1\n2\n", words: stops + end},
		"a stop with a number":           {typed: "1\n2\n3\n", words: stops + said(wire.En, 1), want: "closed it; lines that were not said: 2"},
		"a stop at the end":              {typed: "1\n2\n3\n", ends: true, words: stops + said(wire.En, 1), want: "lines that were not said: 2"},
		"a stop in Chinese":              {typed: "1\n2\n3\n", words: wire.Zh.Stopping + "\n" + said(wire.Zh, 2), want: "lines that were not said: 1"},
		"a stop without a number":        {typed: "1\n2\n3\n", words: stops, want: "up to 3"},
		"the operator's byebye":          {typed: "1\n2\n", words: end},
		"the operator's, with a number":  {typed: "1\n2\n", words: end + said(wire.En, 1), want: "lines that were not said: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ln := listen(t, "tcp4://127.0.0.1:0")
			ann := startClient(t, ClientConfig{Server: "tcp://" + ln.Addr().String(), Name: "Ann"}, language.English)
			conn := accept(t, ln)
			ann.types(tc.typed)
			if tc.ends {
				ann.keys.Close()
			}
			sent := strings.Replace("/nick Ann\n"+tc.typed, "exit", "byebye", 1)
			expectFrom(t, conn, sent)
			hasLeft := tc.ends || strings.Contains(sent, "byebye")
			if hasLeft && !strings.Contains(sent, "byebye") {
				expectFrom(t, conn, "byebye\n")
			}
			io.WriteString(conn, tc.words)
			if !hasLeft && (strings.Contains(tc.words, end) || strings.Contains(tc.words, stops) || strings.Contains(tc.words, wire.Zh.Stopping)) {
				expectFrom(t, conn, "byebye\n") // the client's answer to a goodbye
			}
			if tc.words == reset {
				conn.(*net.TCPConn).SetLinger(0)
			}
			conn.Close()
			err := ann.leaves()
			if tc.want == "" {
				if err != nil {
					t.Errorf("the end is %v", err)
				}
				return
			}
			if err == nil || !strings.HasSuffix(err.Error(), tc.want) {
				t.Errorf("the end is %v, want %q", err, tc.want)
			}
			if hint := failure.HintOf(err); hint == nil || hint.Error() != words.En.SendAgain {
				t.Errorf("the hint is %v", hint)
			}
		})
	}
}

// A server that has said nothing for some seconds may be one that takes turns, and waits too.
func TestAServerThatSaysNothing(t *testing.T) {
	t.Parallel()
	ln := listen(t, "tcp4://127.0.0.1:0")
	ann := startClient(t, ClientConfig{Server: "tcp://" + ln.Addr().String()}, language.Chinese)
	conn := accept(t, ln)
	ann.expectSoon(words.Zh.Quiet + "\n")
	io.WriteString(conn, "你好")
	ann.expectSoon("你好\n")
}

func TestInputAfterTheServersGoodbyeIsNotSent(t *testing.T) {
	d := newDesk(t)
	term, err := terminal.Open(d.in, d.out, terminal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer term.Close()
	c := make(chan typed, 1)
	v := &visit{roomClient: &roomClient{chatter: &chatter{say: words.En, term: term}, typed: c}, said: -1, byebye: true}
	if err := v.end(io.EOF); err != nil {
		t.Errorf("nothing is left, and the end is %v", err)
	}
	c <- typed{"3", nil}
	if err := v.end(io.EOF); err == nil || !strings.HasSuffix(err.Error(), words.En.RestUnsent) {
		t.Errorf("a line is left, and the end is %v", err)
	}
	c <- typed{"", io.EOF}
	if err := v.end(io.EOF); err != nil {
		t.Errorf("the end of input is left, and the end is %v", err)
	}
}

// SIGTERM ends a pipe's chat as its end does, with less patience.
func TestAPipeThatIsStopped(t *testing.T) {
	for _, answer := range []string{"byebye\n", ""} {
		ln := listen(t, "tcp4://127.0.0.1:0")
		ann := startClient(t, ClientConfig{Server: "tcp://" + ln.Addr().String()}, language.English)
		conn := accept(t, ln)
		ann.types("1\n")
		expectFrom(t, conn, "1\n")
		ann.stop()
		expectFrom(t, conn, "byebye\n")
		io.WriteString(conn, answer)
		conn.Close()
		if err := ann.leaves(); (err == nil) != (answer != "") {
			t.Errorf("the server answers %q, and the end is %v", answer, err)
		}
	}
}
