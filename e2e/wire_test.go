package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Each impairment acts on datagrams as the records say, and on nothing else: what the records call lost got
// no answer, what they call delayed arrived. The seed is fixed, so each run has the same fates.
func TestWireBreaksTheLink(t *testing.T) {
	t.Parallel()
	server := serve(t, "udp-temp", "NETLAB_LANG=en")
	w := startWire(t, server)
	const n = 20

	// talk asks n questions at once, on a connection of its own, over a link as the line says. It returns the
	// questions and the answers as wire saw them, and in what order the answers' questions were, as the client did.
	talk := func(t *testing.T, line string) (in, out []*packet, heard []int) {
		t.Helper()
		w.link(line)
		p := probe(t, server.url("udp4"))
		var questions strings.Builder
		for i := range n {
			fmt.Fprintf(&questions, "%d\n", 5*i) // 5i degrees Celsius are 9i+32 Fahrenheit
		}
		p.send(questions.String())
		conn := w.until("a question", data("in")).Conn
		for in, out = w.data("in", conn), w.data("out", conn); len(in) < n || len(out) < arrived(in); in, out = w.data("in", conn), w.data("out", conn) {
			w.next()
		}
		const answer = "Temperature in Fahrenheit: "
		for _, text := range p.out.find(answer+`[0-9]+\n`, arrived(out)) {
			f, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(text, answer)))
			if err != nil || (f-32)%9 != 0 {
				t.Errorf("a strange answer: %q", text)
			}
			heard = append(heard, (f-32)/9)
		}
		if len(heard) != arrived(out) {
			t.Errorf("%d answers arrived, want %d", len(heard), arrived(out))
		}
		return in, out, heard
	}
	// some fails unless some packets met with this fate for this reason, and the others with the other fate.
	some := func(t *testing.T, ps []*packet, what, cause, other string) {
		t.Helper()
		count := fates(ps)
		if count[what] == 0 || count[other] == 0 || count[what]+count[other] != n {
			t.Errorf("fates %v: want some %s and the others %s", count, what, other)
		}
		for _, p := range ps {
			if p.Fate.What == what && p.Fate.Cause != cause {
				t.Errorf("cause %q, want %q", p.Fate.Cause, cause)
			}
		}
	}

	t.Run("loss", func(t *testing.T) {
		in, _, heard := talk(t, "in.loss=30% seed=7")
		some(t, in, "dropped", "loss 30 %", "delivered")
		for i, q := range in {
			if slices.Contains(heard, i) != (q.Fate.What == "delivered") {
				t.Errorf("question %d was %s; answers %v", i, q.Fate.What, heard)
			}
		}
		again, _, _ := talk(t, "in.loss=30% seed=7")
		for i := range in {
			if in[i].Fate.What != again[i].Fate.What {
				t.Errorf("question %d: %s, and with the same seed again %s", i, in[i].Fate.What, again[i].Fate.What)
			}
		}
	})
	t.Run("loss on the way out", func(t *testing.T) {
		_, out, heard := talk(t, "out.loss=30% seed=7")
		some(t, out, "dropped", "loss 30 %", "delivered")
		if slices.Contains(heard, -1) || len(heard) != fates(out)["delivered"] {
			t.Errorf("answers %v", heard)
		}
	})
	t.Run("delay", func(t *testing.T) {
		in, out, heard := talk(t, "delay=50ms")
		if fates(in)["delayed"] != n || fates(out)["delayed"] != n || in[0].Fate.Cause != "delay 50 ms" {
			t.Errorf("fates %v, %v", fates(in), fates(out))
		}
		if !slices.IsSorted(heard) {
			t.Errorf("answers %v", heard)
		}
	})
	t.Run("reorder", func(t *testing.T) {
		in, _, heard := talk(t, "in.reorder=30% in.delay=300ms seed=7")
		some(t, in, "reordered", "reorder 30 %", "delayed")
		for _, what := range []string{"reordered", "delayed"} { // each kind keeps its order; the first overtakes the second
			if kept := slices.DeleteFunc(slices.Clone(heard), func(i int) bool { return in[i].Fate.What != what }); !slices.IsSorted(kept) {
				t.Errorf("the %s came in the order %v", what, kept)
			}
		}
		if slices.IsSorted(heard) {
			t.Errorf("nothing was overtaken: %v", heard)
		}
	})
	t.Run("duplicate", func(t *testing.T) {
		in, out, heard := talk(t, "duplicate=30% seed=7")
		some(t, in, "duplicated", "duplicate 30 %", "delivered")
		if len(out) != n+fates(in)["duplicated"] || len(heard) != len(out)+fates(out)["duplicated"] {
			t.Errorf("%d answers to %d questions, %v of which arrived", len(out), n, heard)
		}
	})
	t.Run("corrupt", func(t *testing.T) {
		before := w.counter("Udp.InCsumErrors")
		in, _, heard := talk(t, "in.corrupt=30% seed=7")
		some(t, in, "corrupted", "corrupt 30 %", "delivered")
		if len(heard) != fates(in)["delivered"] {
			t.Errorf("answers %v", heard)
		}
		if got, want := w.counter("Udp.InCsumErrors")-before, fates(in)["corrupted"]; got != want {
			t.Errorf("the kernel has counted %d wrong checksums, want %d", got, want)
		}
	})
	t.Run("rate", func(t *testing.T) {
		_, out, heard := talk(t, "out.rate=50kbit")
		if fates(out)["delayed"] != n || out[0].Fate.Cause != "rate 50 kbit/s" || out[n-1].Fate.Delay <= out[0].Fate.Delay {
			t.Errorf("fates %v, %s, %s to %s", fates(out), out[0].Fate.Cause, out[0].Fate.Delay, out[n-1].Fate.Delay)
		}
		if !slices.IsSorted(heard) {
			t.Errorf("answers %v", heard)
		}
	})
	if log := server.err.text; strings.Contains(string(log), "\terror\t") {
		t.Errorf("the server noticed: %s", log)
	}
}

// arrived counts what gets through of some packets, copies too, by what the records say.
func arrived(ps []*packet) (n int) {
	for _, p := range ps {
		if p.Fate.What != "dropped" && p.Fate.What != "corrupted" {
			n += 1 + p.Fate.Copies
		}
	}
	return n
}

// The answer is lost, is sent again with the same sequence number, and arrives whole: each time alike.
func TestWireDropsTheAnswer(t *testing.T) {
	t.Parallel()
	server := serve(t, "hello-tcp")
	w := startWire(t, server)
	for _, network := range []string{"tcp4", "tcp6", "tcp4"} {
		w.run("do", "drop data #1 to client")
		p := probe(t, server.url(network))
		p.send("你好")
		p.eof()
		if got := p.rest(); got != hello {
			t.Errorf("answer %q", got)
		}
		conn := w.until("the end", ends).Conn
		if in := w.data("in", conn); len(in) == 0 || in[0].text() != "你好" || in[0].Fate.What != "delivered" || in[0].Client.Addr().Is4() != (network == "tcp4") {
			t.Errorf("questions %v", in)
		}
		isLostAndSentAgain(t, w.data("out", conn), "drop data #1 to client", hello)
	}
	if faults := w.run("do"); strings.Count(faults, "done, to #") != 3 {
		t.Errorf("wire do:\n%s", faults)
	}
}

// isLostAndSentAgain looks at all packets of one direction that carry data, of which only one piece is dropped.
func isLostAndSentAgain(t *testing.T, ps []*packet, fault, text string) {
	t.Helper()
	at := slices.IndexFunc(ps, func(p *packet) bool { return p.Fate.What == "dropped" })
	if at < 0 || ps[at].Fate.Cause != fault || ps[at].text() != text || ps[at].Attempt != 0 {
		t.Fatalf("not dropped: %v", ps)
	}
	lost := ps[at]
	again := slices.IndexFunc(ps, func(p *packet) bool { return p.Ordinal == lost.Ordinal && p.Attempt == 1 })
	if again < 0 {
		t.Fatalf("not sent again: %v", ps)
	}
	if p := ps[again]; p.Seq != lost.Seq || p.text() != text || p.Fate.What != "delivered" || p.Label.Kind != "retransmission" || p.Label.Of != lost.ID {
		t.Errorf("not the same again: %v", p)
	}
}

// On a connection that stays open nothing tells the client of the loss: it is a timer that sends again.
func TestWireDropsALineOfTheChat(t *testing.T) {
	t.Parallel()
	server := serve(t, "chat-server", "NETLAB_LANG=en")
	w := startWire(t, server)
	for range 3 {
		w.run("do", "drop data #2 to client")
		p := probe(t, "-open", server.url("tcp4"))
		conn := w.until("the connection", func(p *packet) bool { return p.Class == "syn" }).Conn
		p.expect("\n")
		p.send("/who\n")
		list := p.out.expect("\n") + "\n"
		if sockets := w.run("sockets"); !strings.Contains(sockets, "LISTEN") || !strings.Contains(sockets, "ESTAB") || !regexp.MustCompile(`resent [1-9]`).MatchString(sockets) {
			t.Errorf("wire sockets:\n%s", sockets)
		}
		p.send("byebye\n")
		p.expect("byebye\n")
		p.rest()
		w.until("the end", ends)
		out := w.data("out", conn)
		isLostAndSentAgain(t, out, "drop data #2 to client", list)
		if by := out[slices.IndexFunc(out, func(p *packet) bool { return p.Attempt == 1 })].Label.By; by != "timer" && by != "tlp" {
			t.Errorf("sent again by %q", by)
		}
	}
}

// Loss, reordering and damage at once, both ways, and every byte arrives.
func TestWireTCPGetsThrough(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("0123456789abcdef", 1<<10)
	server := serve(t, "hello-tcp", "HELLO_TCP_NAME="+name)
	w := startWire(t, server)
	before := w.counter("Tcp.InCsumErrors")
	w.link("loss=30% reorder=20% delay=2ms corrupt=5% seed=3")
	p := probe(t, server.url("tcp4"))
	p.send("GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 7<<10) + "\r\n\r\n") // read to its end, unlike a bare word
	p.eof()
	if got, want := p.rest(), "HTTP/1.1 200 OK\r\n\r\nHello World, "+name+"!"; got != want {
		t.Errorf("%d bytes arrived, want %d, or others", len(got), len(want))
	}
	if code := p.exit(); code != 0 {
		t.Errorf("the conversation ended badly: %s", p.err.rest())
	}
	seen := w.all()
	for _, what := range []string{"dropped", "reordered", "corrupted", "delayed"} {
		if fates(seen)[what] == 0 {
			t.Errorf("fates %v: nothing was %s", fates(seen), what)
		}
	}
	in := slices.DeleteFunc(seen, func(p *packet) bool { return p.Dir != "in" })
	if got, want := w.counter("Tcp.InCsumErrors")-before, fates(in)["corrupted"]; got != want {
		t.Errorf("the kernel has counted %d wrong checksums, want %d", got, want)
	}
}

// Datagrams are sent again by nobody but the client: from the same port, as data of its own number.
func TestWireShowsTheClientsRetries(t *testing.T) {
	t.Parallel()
	server := serve(t, "udp-temp", "NETLAB_LANG=en")
	w := startWire(t, server)
	w.run("do", "drop data #1 to server")
	c := start(t, spec{service: "udp-temp", args: []string{"udp-temp", "client", server.url("udp4"), "36.6"}, env: []string{"NETLAB_LANG=en"}})
	c.expect("Temperature in Fahrenheit: 97.88\n")
	if code := c.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
	answer := w.until("the answer", data("out"))
	asked := w.data("in", answer.Conn)
	if len(asked) != 2 || asked[0].Fate.What != "dropped" || asked[1].Fate.What != "delivered" || asked[1].Ordinal != 2 ||
		asked[0].text() != "36.6" || asked[1].text() != "36.6" || asked[0].Client != asked[1].Client || answer.Client != asked[0].Client {
		t.Errorf("not the same question twice:\n%s", w.ladder())
	}
}
