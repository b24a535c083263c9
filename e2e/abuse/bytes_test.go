package abuse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

const gigabyte = 1 << 30

// stream writes up to n bytes, and returns how many were taken. Somebody must read what comes back meanwhile.
func stream(c net.Conn, n int) (taken int) {
	chunk := bytes.Repeat([]byte("x"), 256<<10)
	for taken < n {
		m, err := c.Write(chunk)
		taken += m
		if err != nil {
			break
		}
	}
	return taken
}

// A gigabyte without a newline is not read to its end: the server answers, listens to a bounded part, and hangs up.
func TestGigabyteRequest(t *testing.T) {
	t.Parallel()
	s := start(t, "hello-tcp")
	g := s.good().more(1)
	var taken atomic.Int64
	const n = 16
	if err := crowd(n, func(i int) error {
		c, err := s.connect(i)
		if err != nil {
			return err
		}
		defer c.Close()
		beginning, want := "GET /", helloTooMuch
		if i%4 > 1 {
			beginning, want = "hello ", helloAnswer
		}
		answer := make(chan string)
		go func() {
			got, _ := io.ReadAll(c)
			answer <- string(got)
		}()
		io.WriteString(c, beginning)
		m := stream(c, gigabyte)
		taken.Add(int64(m))
		if m == gigabyte {
			return errors.New("a gigabyte was read to its end")
		}
		if got := <-answer; got != want {
			return fmt.Errorf("answer %q, want %q", got, want)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	s.settles(fmt.Sprintf("%d requests of a gigabyte without a newline: %d MiB were taken, then the connections closed", n, taken.Load()>>20), g)
}

// A line of a gigabyte is read, and costs nothing: its sender is told once that it is too long, and what
// follows its newline is a line again. Or 30 s were not enough for it, and it ends as every line does then.
func TestGigabyteLine(t *testing.T) {
	s := start(t, "chat-server")
	g := s.good().more(1)
	m, err := s.join(0)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	heard := make(chan string)
	go func() {
		heard <- ""
		all, _ := io.ReadAll(m.in)
		heard <- string(all)
	}()
	<-heard
	m.say("/help") // a peer of lines from here on
	n := stream(m.Conn, gigabyte)
	m.say("\nbyebye")
	got := <-heard
	if many := strings.Count(got, "* not passed on: a line has at most 1024 bytes\n"); many != 1 {
		t.Errorf("told %d times that the line is too long", many)
	}
	ends := strings.HasSuffix(got, "\nbyebye\n")
	if !ends && !strings.HasSuffix(got, "* a line did not end within 30 seconds of its beginning, closing\n") {
		t.Errorf("the last words were %q", got[max(0, len(got)-200):])
	}
	s.settles(fmt.Sprintf("a line of %d MiB, then a newline", n>>20), g)
}

// nasty is what must do no harm: every byte value, broken and overlong UTF-8, what moves cursors, names windows,
// reorders text, or hides it.
func nasty() (all []string) {
	for b := range 256 {
		if b != '\n' {
			all = append(all, "a"+string([]byte{byte(b)})+"z")
		}
	}
	return append(all,
		"\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xf0\x80\x80\xaf", "\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80", // overlong
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xed\xa0\xbd\xed\xb8\x80", "\xf4\x90\x80\x80", "\xff\xfe", "\xfe\xff", // surrogates, beyond the last, byte order marks
		"\xe4\xbd", "\xf0\x9f\x98", "\x80", "\xbf\xbf", "好\xe5", "\xe5好", // cut off, in pieces
		"\x1b[2J\x1b[H", "\x1b]0;owned\a", "\x1b]52;c;b3duZWQ=\a", "\x1b[6n", "\x1bP+q544e\x1b\\", "\x1b[?1049h", "\x1bc", "\x1b[31mred", "\x1b%@", // escape sequences
		"\u009b2J", "\u009d0;owned\u009c", "\u0090x\u009c", "\u0085", // the same as C1 controls
		"abc\rserver: obey", "abc\b\b\bxyz", "abc\x7f\x7f\x7f", "a\x00b", "a\vb\fc", // overwriting
		"\u202eesrever", "\u2066x\u2069", "\u200fx", "a\u2028b", "a\u2029b", "\ufeffx", "a\u200bb", "\u2060", "\U000e0001", // reordering, hiding
		"a"+strings.Repeat("\u0301", 400), strings.Repeat("👩\u200d", 100), strings.Repeat("﷽", 300), // tall and wide
		"%s%n%d%x", "../../etc/passwd", "$(reboot)", "';--", "* server stops", "server: obey", "//x", "/nick", "/nick \x1b[2J",
	)
}

// Whatever somebody says, what others get is UTF-8 that only prints, behind the name of whoever said it; or
// nothing, where it is no UTF-8. What the server prints is screened in every test.
func TestEveryByteInTheRoom(t *testing.T) {
	t.Parallel()
	s := start(t, "chat-server", "RATE=0")
	g := s.good().more(1)
	said := 0
	for round := range 2 { // over TCP to a unix socket, and the other way
		from, err := s.join(round)
		if err != nil {
			t.Fatal(err)
		}
		to, err := s.join(1 - round)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("From%d", round) // not the first round's: whose connection may end a little later
		from.say("/nick " + name)
		for line := ""; !strings.HasSuffix(line, " is now "+name); {
			if line, err = from.expect("* guest-"); err != nil {
				t.Fatal(err)
			}
		}
		for i, text := range nasty() {
			from.say(text)
			from.say(fmt.Sprintf("//mark %d", i))
			said++
			var got []string
			for {
				line, err := to.in.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				if line == fmt.Sprintf("%s: /mark %d\n", name, i) {
					break
				}
				if !clean([]byte(strings.TrimSuffix(line, "\n"))) {
					t.Errorf("%q came through as %q", text, line)
				}
				if strings.HasPrefix(line, name+":") {
					got = append(got, line)
				} else if !strings.HasPrefix(line, "* ") && !strings.HasPrefix(line, "Ann") && !strings.HasPrefix(line, "Ben") {
					t.Errorf("%q came through as a line that nobody said: %q", text, line)
				}
			}
			isText := utf8.ValidString(text) && strings.TrimSpace(text) != "" && (!strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//"))
			if isText != (len(got) == 1) || len(got) > 1 {
				t.Errorf("%q came through as %q", text, got)
			}
		}
		from.Close()
		to.Close()
	}
	s.settles(fmt.Sprintf("%d nasty lines, every byte value among them", said), g)
}

// Any bytes are a request, and all get the same answer.
func TestEveryByteAsARequest(t *testing.T) {
	t.Parallel()
	s := start(t, "hello-tcp")
	g := s.good()
	requests := nasty()
	for _, text := range nasty() {
		requests = append(requests, "GET /"+text+" HTTP/1.1\r\nHost: "+text+"\r\n\r\n", text+"GET / HTTP/1.1\r\n\r\n")
	}
	next := atomic.Int64{}
	if err := crowd(4, func(int) error {
		for i := int(next.Add(1)) - 1; i < len(requests); i = int(next.Add(1)) - 1 {
			c, err := s.connect(i)
			if err != nil {
				return err
			}
			io.WriteString(c, requests[i])
			got, err := io.ReadAll(c)
			c.Close()
			if string(got) != helloAnswer || err != nil {
				return fmt.Errorf("%q was answered %q, %v", requests[i], got, err)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	s.settles(fmt.Sprintf("%d nasty requests, every byte value among them", len(requests)), g)
}

// Every datagram of one byte and of two, and the nasty ones: each is a number, a refusal, or junk, and is counted as that.
func TestEveryDatagram(t *testing.T) {
	t.Parallel()
	s := start(t, "udp-temp")
	g := s.good().more(1)
	g.end() // its questions would be counted too
	questions := nasty()
	for a := range 256 {
		questions = append(questions, string([]byte{byte(a)}))
		for b := range 256 {
			questions = append(questions, string([]byte{byte(a), byte(b)}))
		}
	}
	c, err := s.packet("unixgram") // nothing is lost there
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(2 * patience))
	answers := make(chan string, len(questions))
	go func() {
		defer close(answers)
		buf := make([]byte, 200)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			answers <- string(buf[:n])
		}
	}()
	before, err := s.get("/metrics")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	number := regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)
	for _, q := range questions {
		// A NUL at the end is that of a C string, and does not count.
		switch text := strings.TrimRight(strings.TrimLeft(q, " \t\n\v\f\r"), " \t\n\v\f\r\x00"); {
		case number.MatchString(text):
			want["number"]++
		case text == "":
			want["empty"]++
		case !utf8.ValidString(text):
			want["not_utf8"]++
		case strings.ContainsFunc(text, unicode.IsControl):
			want["control_characters"]++
		default:
			want["no_number"]++
		}
		if _, err := io.WriteString(c, q); err != nil {
			t.Fatal(err)
		}
	}
	s.eventually("has received all", func() bool {
		now, err := s.get("/metrics")
		if err != nil {
			t.Fatal(err)
		}
		all := 0.0
		for _, kind := range []string{"number", "too_cold", "too_hot", "too_long", "no_number", "empty", "not_utf8", "control_characters", "our_text", "utf16"} {
			name := `udp_temp_datagrams_total{kind="` + kind + `"}`
			n := value(now, name) - value(before, name)
			if all += n; int(n) > want[kind] {
				t.Fatalf("%v datagrams are %s, want %d", n, kind, want[kind])
			}
		}
		return int(all) == len(questions)
	})
	c.SetReadDeadline(time.Now()) // all that was answered is there
	for a := range answers {
		if !strings.HasPrefix(a, "Temperature in Fahrenheit: ") && !strings.HasPrefix(a, "Cannot convert: ") {
			t.Errorf("answer %q", a)
		}
	}
	c.Close()
	s.settles(fmt.Sprintf("%d datagrams: every byte, every two bytes, the nasty ones", len(questions)), s.good().more(2))
}

// Nobody may be called what others take for the operator, a notice, or somebody who is here.
func TestNames(t *testing.T) {
	t.Parallel()
	s := start(t, "chat-server", "RATE=0")
	g := s.good().more(1)
	ann, err := s.join(0)
	if err != nil {
		t.Fatal(err)
	}
	defer ann.Close()
	m, err := s.join(1)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ann.say("/nick Łukasz")
	for told := ""; !strings.HasSuffix(told, " is now Łukasz"); {
		if told, err = m.expect("* guest-"); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(name string) (answer string) {
		m.say("/nick " + name)
		m.say("/help")
		for {
			line, err := m.in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(line, "* /nick NAME") {
				return answer
			}
			if !strings.HasPrefix(line, "Ann") && !strings.HasPrefix(line, "Ben") {
				answer += line
			}
		}
	}
	bad := []string{
		"server", "Server", "SERVER", "sErVeR", " server ", "server\t", // the operator's
		"ｓｅｒｖｅｒ", "Ｓｅｒｖｅｒ", "𝐬𝐞𝐫𝐯𝐞𝐫", "𝚜𝚎𝚛𝚟𝚎𝚛", "ⓢⓔⓡⓥⓔⓡ", "ˢᵉʳᵛᵉʳ", "ſerver", // in other shapes of the same letters
		"se\u200brver", "se\u200crver", "se\u200drver", "se\u2060rver", "server\u200b", "\ufeffserver", "se\u00adrver", "server\u034f", "server\ufe0f", "\u202eserver", "serve\U000e0072r", "server\u2800", "server\u3164", // with what nobody sees
		"sеrver", "sеrvеr", "ѕerver", "servεr", "ꮪerver", // with a letter of another alphabet
		"server:", "server：", "server\u02d0", "server\u2236", "Łukasz: hi", "two words", // more than a name
		"*", "* server", "*x", "/x", "＊x", "／x", // notices and commands
		"Łukasz", "łukasz", "ŁUKASZ", "Łu\u200bkasz", "Łukasz\u00ad", // who is here
		"", " ", "\x00", "\x1b[2J", "a\rb", "\xff", "\xc0\xaf", strings.Repeat("x", 33), strings.Repeat("好", 33), // no names at all
	}
	for _, name := range bad {
		if answer := ask(name); !strings.HasPrefix(answer, "* ") || strings.Contains(answer, " is now ") || !clean([]byte(strings.ReplaceAll(answer, "\n", ""))) {
			t.Errorf("%q was answered %q", name, answer)
		}
	}
	g.more(2)
	for _, name := range []string{"小明", "Зоя", "Ελένη", "José", "Observer", strings.Repeat("好", 32)} {
		if answer := ask(name); !strings.HasSuffix(answer, " is now "+name+"\n") {
			t.Errorf("%q was answered %q", name, answer)
		}
	}
	m.Close()
	ann.Close()
	s.settles(fmt.Sprintf("%d names that look like the operator's, a notice, or somebody else's", len(bad)), g)
}

// A flood of junk and of text that is no number: junk is not answered, text at most ten times a second,
// and whoever asks properly is answered, though perhaps not at the first try.
func TestDatagramFlood(t *testing.T) {
	t.Parallel()
	s := start(t, "udp-temp")
	g := s.good().more(1)
	const width, each = 4, 60_000
	junk := []string{"", "\x00", "\xff\xfe", "\x1b[2J", "hot", "1e9", "NaN", "0x10", "١٢", strings.Repeat("9", 33), strings.Repeat("9", 60_000),
		"Temperature in Fahrenheit: 1", "转换后的温度(华氏温度):1", "Cannot convert: no", "-300", "1000000001"}
	began := time.Now()
	var sent, refused atomic.Int64
	if err := crowd(width, func(i int) error {
		network := "udp"
		if i == 3 {
			network = "unixgram"
		}
		c, err := s.packet(network)
		if err != nil {
			return err
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(2 * patience))
		done := make(chan error)
		go func() {
			buf := make([]byte, 200)
			for {
				switch n, err := c.Read(buf); {
				case errors.Is(err, os.ErrDeadlineExceeded):
					done <- nil
					return
				case err != nil:
					done <- err
					return
				case !strings.HasPrefix(string(buf[:n]), "Cannot convert: "):
					done <- fmt.Errorf("junk was answered %q", buf[:n])
					return
				}
				refused.Add(1)
			}
		}()
		for k := range each {
			q := junk[(i+k)%len(junk)]
			if network == "unixgram" && len(q) > 10_000 {
				q = q[:2000]
			}
			switch _, err := io.WriteString(c, q); {
			case err == nil:
				sent.Add(1)
			case !errors.Is(err, syscall.ENOBUFS) && !errors.Is(err, syscall.EAGAIN): // no room: an empty datagram does not wait for any
				return err
			}
		}
		c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // what is on its way
		return <-done
	}); err != nil {
		t.Error(err)
	}
	took := time.Since(began)
	// UDP's three are one address, the unix socket's another.
	if most := 2 * 10 * (int64(took/time.Second) + 2); refused.Load() > most || refused.Load() == 0 {
		t.Errorf("%d refusals in %v, want 1 to %d", refused.Load(), took, most)
	}
	s.settles(fmt.Sprintf("%d datagrams of junk, of which %d were answered with a refusal", sent.Load(), refused.Load()), g)
}
