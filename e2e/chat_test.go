package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// join starts a raw peer, and waits until it is in the room.
func join(t *testing.T, server *process, network, name string) *process {
	t.Helper()
	p := probe(t, "-open", server.url(network))
	p.expect("* hello, you are guest-")
	p.send("/nick " + name + "\n")
	p.expect(" is now " + name + "\n")
	return p
}

func chatClient(t *testing.T, server *process, network, name string, tty bool, env ...string) *process {
	t.Helper()
	c := start(t, spec{service: "chat-server", network: server.network, args: []string{"chat-server", "client", "-name", name, server.url(network)}, tty: tty,
		env: append([]string{"NETLAB_LANG=en"}, env...)})
	c.expect(" is now " + name + "\n")
	return c
}

// Three people talk at once, each by other means, and everybody sees one and the same order.
func TestChatOneOrderForAll(t *testing.T) {
	t.Parallel()
	const lines = 40
	server := serve(t, "chat-server", "NETLAB_LANG=en", "CHAT_SERVER_RATE=0")
	listener := join(t, server, "unix", "listener")
	ann := chatClient(t, server, "tcp6", "ann", true)
	ben := chatClient(t, server, "tcp4", "ben", false)
	cai := join(t, server, "tcp6", "cai")
	ann.expect("* guest-", " is now cai\n") // everybody is there
	ben.expect("* guest-", " is now cai\n")
	for i := range lines {
		ann.send(fmt.Sprintf("你好 %d\r", i))
		ben.send(fmt.Sprintf("你好 %d\n", i))
		cai.send(fmt.Sprintf("你好 %d\r\n", i))
	}
	const message = `(ann|ben|cai): 你好 \d+\n`
	all := listener.out.find(message, 3*lines)
	if len(all) != 3*lines {
		t.Fatalf("%d messages, want %d", len(all), 3*lines)
	}
	for _, person := range []struct {
		name string
		p    *process
	}{{"ann", ann}, {"ben", ben}, {"cai", cai}} {
		own := slices.DeleteFunc(slices.Clone(all), func(m string) bool { return !strings.HasPrefix(m, person.name+": ") })
		for i, m := range own {
			if want := fmt.Sprintf("%s: 你好 %d\n", person.name, i); m != want {
				t.Fatalf("message %d of %s is %q, want %q", i, person.name, m, want)
			}
		}
		want := slices.DeleteFunc(slices.Clone(all), func(m string) bool { return strings.HasPrefix(m, person.name+": ") })
		if got := person.p.out.find(message, 2*lines); !slices.Equal(got, want) {
			t.Errorf("%s saw\n%q\nthe listener saw\n%q", person.name, got, want)
		}
	}
}

func TestChatCommands(t *testing.T) {
	t.Parallel()
	server := serve(t, "chat-server", "NETLAB_LANG=en")
	ann := join(t, server, "tcp4", "ann")
	ben := join(t, server, "tcp6", "ben")
	ann.expect(" joined\n", " is now ben\n")
	for _, tc := range []struct{ typed, answer string }{
		{"/nick ben", "* somebody is called ben already\n"},
		{"/nick BEN", "* somebody is called BEN already\n"},
		{"/nick server", "* a name is not server, and does not begin with * or /\n"},
		{"/nick *x", "* a name is not server, and does not begin with * or /\n"},
		{"/nick /x", "* a name is not server, and does not begin with * or /\n"},
		{"/nick " + strings.Repeat("长", 33), "* a name has at most 32 characters\n"},
		{"/nick a\x1b[31mb", " control or invisible characters"},
		{"/nick a\x00b", " control or invisible characters"},
		{"/nick a b", " control or invisible characters"},
		{"/nick", " control or invisible characters"},
		{"/dance", "* no such command; /help lists the commands\n"},
		{"/help", "* /nick NAME: change your name; "},
		{"/who", "* 2 here: ann, ben\n"},
		{"/nick " + strings.Repeat("长", 32), "* ann is now " + strings.Repeat("长", 32) + "\n"},
		{"/nick ann", " is now ann\n"},
	} {
		ann.send(tc.typed + "\n")
		ann.expect(tc.answer)
	}
	ann.send("//nick\n\nbye bye\nbyebye\n")
	if got := ann.rest(); got != "byebye\n" { // her own words don't come back to her
		t.Errorf("after byebye came %q", got)
	}
	ben.expect("* ann is now 长", "长 is now ann\n")
	if before := ben.out.expect("* ann left\n"); before != "ann: /nick\nann: bye bye\n" {
		t.Errorf("ben saw %q", before)
	}
	silent := probe(t, server.url("unix"))
	silent.expect("* hello, you are ")
	guest := silent.out.expect(", ")
	ben.expect("* " + guest + " joined\n")
	silent.eof() // the end of input is a goodbye, too
	ben.expect("* " + guest + " left\n")
	if a, b := ann.exit(), silent.exit(); a != 0 || b != 0 {
		t.Errorf("a goodbye ended in a reset: %d, %d", a, b)
	}
	server.expect("Connection closed: ann (said goodbye)\n", "Connection closed: "+guest+" (ended its input)\n")
}

// What cannot be passed on is refused with one line, what could do harm is escaped, and the connection lives on.
func TestChatBadInput(t *testing.T) {
	t.Parallel()
	server := serve(t, "chat-server", "NETLAB_LANG=en")
	witness := join(t, server, "tcp4", "witness")
	for _, network := range []string{"tcp4", "tcp6", "unix"} {
		bad := join(t, server, network, "bad")
		witness.expect(" is now bad\n")
		for _, tc := range []struct{ sent, answer, seen string }{
			{"\xff\xfe\n", "* not passed on: this looks like UTF-16; please send UTF-8\n", ""},
			{"\xe4\xbd\n", "* not passed on: this is no UTF-8 text\n", ""},
			{strings.Repeat("x", 1025) + "\n", "* not passed on: a line has at most 1024 bytes\n", ""},
			{strings.Repeat("x", 100_000) + "\n", "* not passed on: a line has at most 1024 bytes\n", ""},
			{strings.Repeat("长", 341) + "\n", "", "bad: " + strings.Repeat("长", 341) + "\n"},
			{"\x1b[2J\x1b]0;title\a\n", "", `bad: \x1b[2J\x1b]0;title\x07` + "\n"},
			{"a\x00b\rc\td\u202ee\u009bf\n", "", `bad: a\x00b\x0dc d\u202ee\u009bf` + "\n"},
			{"* somebody left\n", "", "bad: * somebody left\n"},
			{"still here\r\n", "", "bad: still here\n"},
		} {
			bad.send(tc.sent)
			if tc.answer != "" {
				bad.expect(tc.answer)
			}
			if tc.seen == "" {
				continue
			}
			if before := witness.out.expect(tc.seen); before != "" {
				t.Errorf("before %q the witness saw %q", tc.seen, before)
			}
		}
		bad.send("byebye\n")
		if code := bad.exit(); code != 0 {
			t.Errorf("the goodbye ended in a reset")
		}
		witness.expect("* bad left\n")
	}
	server.stop()
	if story := string(server.out.text); strings.ContainsAny(story, "\x1b\x00\a") {
		t.Errorf("the story is not harmless: %q", story)
	}
}

// A byte at a time is the same message; and without newlines a pause ends it.
func TestChatPieces(t *testing.T) {
	t.Parallel()
	server := serve(t, "chat-server", "NETLAB_LANG=en")
	witness := join(t, server, "unix", "witness")
	slow := probe(t, "-bytes", server.url("tcp4"))
	slow.send("\n/nick slow\n你好, world\nbyebye\n")
	witness.expect(" is now slow\n", "slow: 你好, world\n", "* slow left\n")

	bare := probe(t, "-open", server.url("tcp6"))
	bare.send("你好") // and nothing more: the pause is what ends it
	witness.expect(": 你好\n")
	witness.send("hi\n")
	bare.expect("witness: hi") // without its newline
	witness.send("ho\n")
	bare.expect("witness: ho")
	bare.send("\n") // a line peer from here on
	bare.send("/nick bare\n")
	witness.expect(" is now bare\n")
	witness.send("lines\n")
	bare.expect(" is now bare\n")
	bare.expect("witness: lines\n")
	if before := string(bare.out.text); !strings.Contains(before, "witness: hiwitness: ho") {
		t.Errorf("a peer that sends no newlines got %q", before)
	}
	textbook := probe(t, "-open", server.url("tcp4"))
	textbook.send("byebye")
	if got := textbook.rest(); !strings.HasSuffix(got, "byebye") {
		t.Errorf("byebye is answered with %q", got)
	}
}

// A flood is read more slowly. Nothing of it is lost, and nobody else waits.
func TestChatFlood(t *testing.T) {
	t.Parallel()
	const lines = 140 // at 20 a second, and 20 at once
	server := serve(t, "chat-server", "NETLAB_LANG=en")
	witness := join(t, server, "tcp4", "witness")
	calm := join(t, server, "tcp6", "calm")
	flood := join(t, server, "tcp4", "flood")
	for i := range lines {
		flood.send(fmt.Sprintf("%d\n", i))
	}
	witness.expect("flood: 0\n")
	calm.send("may I?\n")
	between := witness.out.expect("calm: may I?\n")
	after := witness.out.expect(fmt.Sprintf("flood: %d\n", lines-1))
	var want strings.Builder
	for i := 1; i < lines-1; i++ {
		fmt.Fprintf(&want, "flood: %d\n", i)
	}
	if between+after != want.String() {
		t.Errorf("the witness saw %q", between+after)
	}
	server.expect("flood talks too fast: only 20 lines a second are read\n")
}

// A person who does not read is disconnected, and holds nobody up for long.
func TestChatDeafPeer(t *testing.T) {
	t.Parallel()
	server := serve(t, "chat-server", "NETLAB_LANG=en", "CHAT_SERVER_RATE=0")
	witness := join(t, server, "tcp4", "witness")
	deaf := probe(t, "-deaf", server.url("unix"))
	deaf.send("/nick deaf\n")
	witness.expect(" is now deaf\n")
	talker := join(t, server, "tcp4", "talker")
	witness.expect(" is now talker\n")
	// As many lines as fit into what the kernel and the server hold for one person, and then more.
	long := strings.Repeat("x", 1000)
	const notice = "* deaf does not take in messages and was disconnected\n"
	for i, seen := 0, ""; !strings.Contains(seen, notice); i++ {
		if i == 20_000 {
			t.Fatal("the deaf one is still there after 20 MB")
		}
		line := fmt.Sprintf("%s %d\n", long, i)
		talker.send(line)
		seen = witness.out.expect("talker: " + line)
	}
	server.expect("Connection closed: deaf (does not take in messages)\n")
	witness.send("/who\n")
	witness.expect("* 2 here: talker, witness\n")
}

func TestChatFullRoom(t *testing.T) {
	t.Parallel()
	server := serve(t, "chat-server", "NETLAB_LANG=en", "CHAT_SERVER_MAX_CONNS=1")
	ann := join(t, server, "tcp4", "ann")
	late := probe(t, "-open", server.url("tcp6"))
	if got, want := late.rest(), "* the room is full (1 people at most), please come again later\n"; got != want {
		t.Errorf("a newcomer got %q, want %q", got, want)
	}
	ann.send("byebye\n")
	ann.rest()
	join(t, server, "tcp4", "ben")
}

// The operator speaks at the server's own terminal. No key there stops the server.
func TestChatOperator(t *testing.T) {
	t.Parallel()
	server := serveSpec(t, spec{service: "chat-server", tty: true, env: []string{"NETLAB_LANG=en"}})
	server.expect("Type a message: ")
	ann := join(t, server, "tcp4", "ann")
	bare := probe(t, "-open", server.url("unix"))
	bare.send("你好")
	ann.expect(": 你好\n")
	server.expect("Connected: ", " -> ann\n", "Connected: unix (guest-", "Received: guest-", ": 你好\n")
	server.send("欢") // half a line, when a message comes
	ann.send("hello\n")
	server.expect("Received: ann: hello\n", "Type a message: 欢")
	server.send("迎\r")
	ann.expect("* server: 欢迎\n")
	bare.expect("* server: 欢迎")

	server.send("\x03")
	server.expect("The server goes on.")
	server.send("\x04")
	server.expect("The server goes on.")
	server.send("byebye\r")
	if a, b := ann.rest(), bare.rest(); a != "byebye\n" || !strings.HasSuffix(b, "byebye") {
		t.Errorf("goodbye was %q and %q", a, b)
	}
	server.expect("said goodbye to 2; the room stays open")
	again := join(t, server, "tcp6", "ann")
	server.send("好\r")
	again.expect("* server: 好\n")
	if code := server.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if got := again.rest(); got != "* the server stops, goodbye\n" {
		t.Errorf("at the stop there came %q", got)
	}
}

// A client at a terminal: a message does not break the line being typed, and a server that goes away
// is told at once; the line is kept until the server is back. On a pipe a client ends with the connection, and well
// if all was said.
func TestChatClientOutlivesServer(t *testing.T) {
	t.Parallel()
	server := serveSpec(t, spec{service: "chat-server", network: ownNetwork(t), env: []string{"NETLAB_LANG=en"}})
	ann := chatClient(t, server, "tcp4", "小安", true)
	ben := chatClient(t, server, "unix", "ben", true)
	cai := chatClient(t, server, "tcp6", "cai", false)
	ann.expect(" is now ben\n", " is now cai\n")
	ann.send("你好, wor")
	ann.expect("你好, wor")
	ben.send("hello\r")
	ann.expect("ben: hello\n", "Type what to send: 你好, wor")

	if code := server.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	cai.expect("ben: hello\n")
	if rest, code := cai.rest(), cai.exit(); code != 0 || rest != "* the server stops, goodbye\nbyebye\n" || strings.Contains(string(cai.out.text), "\x1b") {
		t.Errorf("the pipe: exit %d, %q", code, cai.out.text)
	}
	for _, p := range []*process{ann, ben} {
		p.expect("* the server stops, goodbye\n", "the connection to the server is gone: ", "trying again in ")
	}
	server.start()
	server.listening()
	ann.expect("Connected to the server\n", " is now 小安\n") // with their names
	ben.expect("Connected to the server\n", " is now ben\n")
	ann.send("ld\r")
	ben.expect("小安: 你好, world\n")
	ben.send("welcome back\r")
	ann.expect("ben: welcome back\n")

	ann.send("byebye\r")
	ben.expect("* 小安 left\n")
	ben.send("byebye\r")
	if a, b := ann.exit(), ben.exit(); a != 0 || b != 0 {
		t.Errorf("exit %d and %d", a, b)
	}
}

// Who attaches again sees the prompt and what was typed so far.
func TestChatClientIsAttachedTo(t *testing.T) {
	t.Parallel()
	server := serve(t, "chat-server", "NETLAB_LANG=en")
	first := chatClient(t, server, "tcp4", "ann", true)
	first.send("你好")
	first.expect("你好")
	second := attach(t, first.id)
	second.resize(60, 20)
	second.expect("Type what to send: 你好")
	witness := join(t, server, "tcp6", "witness")
	second.expect(" is now witness\n")
	second.send("世界\r")
	witness.expect("ann: 你好世界\n")
}

// The words on the wire are in the server's language; a person gets their meaning in their own as well.
func TestChatClientOfAnotherLanguage(t *testing.T) {
	t.Parallel()
	server := serve(t, "chat-server") // Chinese
	c := start(t, spec{service: "chat-server", args: []string{"chat-server", "client", server.url("tcp")}, env: []string{"LANG=en_US.UTF-8"}})
	c.expect("Connected to the server\n", "* 你好, 你是 guest-1, ", "* hello, you are guest-1, 1 here")
	c.send("byebye\n")
	c.expect("byebye")
	if code := c.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// A stop in the middle of a conversation: what has arrived is still said, everybody is told, and nobody is cut off.
func TestChatStopsInMidConversation(t *testing.T) {
	t.Parallel()
	const lines = 20
	server := serve(t, "chat-server", "NETLAB_LANG=en", "CHAT_SERVER_RATE=1") // so that most of it waits to be read
	listener := join(t, server, "unix", "listener")
	talkers := map[string]*process{}
	for name, network := range map[string]string{"t4": "tcp4", "t6": "tcp6", "tu": "unix"} {
		talkers[name] = join(t, server, network, name)
		listener.expect(" is now " + name + "\n")
	}
	said := map[string]string{}
	for name, p := range talkers {
		text := ""
		for i := range lines {
			line := fmt.Sprintf("word %d %s\n", i, strings.Repeat("x", 500))
			text += line
			said[name] += name + ": " + line
		}
		p.send(text)
	}
	listener.out.find(`word 0 `, len(talkers))
	if code := server.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	heard := map[string]string{}
	rest := listener.rest()
	for line := range strings.Lines(rest) {
		name, _, _ := strings.Cut(line, ": ")
		heard[name] += line
	}
	for name, p := range talkers {
		if heard[name] != said[name] {
			t.Errorf("of %s the listener heard\n%s", name, heard[name])
		}
		if got := p.rest(); !strings.HasSuffix(got, "\n* the server stops, goodbye\n") {
			t.Errorf("%s was told\n%s", name, got)
		}
		if code := p.exit(); code != 0 {
			t.Errorf("the conversation of %s ended badly: %s", name, p.err.rest())
		}
	}
	if !strings.HasSuffix(rest, "\n* the server stops, goodbye\n") {
		t.Errorf("the listener was told\n%s", rest)
	}
}
