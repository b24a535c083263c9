package terminal

import (
	"io"
	"strings"
	"testing"

	"netlab.example/pkg/text"
)

func TestNextKey(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want string // the first key; empty while it is not complete
	}{
		{"", ""},
		{"ab", "a"},
		{"你好", "你"},
		{"\xe4\xbd", ""},
		{"\xffa", "\xff"},
		{"\r\n", "\r"},
		{"\x1b", ""},
		{"\x1b[", ""},
		{"\x1b[1;5", ""},
		{"\x1b[Ax", "\x1b[A"},
		{"\x1b[1;3Dx", "\x1b[1;3D"},
		{"\x1b[3~x", "\x1b[3~"},
		{"\x1b[<0;3;4Mx", "\x1b[<0;3;4M"},
		{"\x1b[?62;c", "\x1b[?62;c"},
		{"\x1bO", ""},
		{"\x1bOHx", "\x1bOH"},
		{"\x1bfx", "\x1bf"},
		{"\x1b你x", "\x1b你"},
		{"\x1b\x03", "\x1b"},
		{"\x1b\x1b[A", "\x1b"},
		{"\x1b[\x03", "\x1b["},
		{"\x1b[1你", "\x1b[1"},
		{"\x1b[" + strings.Repeat("1", 100), "\x1b[" + strings.Repeat("1", maxKey-2)},
	} {
		if got := tt.in[:nextKey([]byte(tt.in))]; got != tt.want {
			t.Errorf("first key of %q is %q, want %q", tt.in, got, tt.want)
		}
	}
}

// typed returns what the editor sees of what is typed.
func typed(t *testing.T, k *keys, in string) string {
	t.Helper()
	k.feed([]byte(in))
	k.end()
	out, err := io.ReadAll(k)
	if err != nil {
		t.Fatal(err)
	}
	text, ok := strings.CutSuffix(string(out), "\x03")
	if !ok {
		t.Errorf("the editor saw %q, without a Ctrl-C at the end", out)
	}
	return text
}

func TestKeysForTheEditor(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"你好,world世界👩‍👧\r", "你好,world世界👩‍👧\r"},
		{"a\r\nb\nc\r", "a\rb\nc\r"},
		{"\x1b[A\x1b[1;3D\x1b[3~\x1bOH\x1bf\x7f\x01\x15\t", "\x1b[A\x1b[1;3D\x1b[3~\x1bOH\x1bf\x7f\x01\x15\t"},
		{"\x1a\x12\x13\x00\x1c\x07\x0f\x16", ""}, // Ctrl-Z, Ctrl-R, Ctrl-S and others
		{"a\x1b[<0;3;4Mb\x1b[?1;2cc\x1bxd", "abcd"},
		{"\x1b\x1b[A", "\x1b[A"},
		{"a\u009b\xff\u202eb\xe4", "ab"},
	} {
		if got := typed(t, newKeys(), tt.in); got != tt.want {
			t.Errorf("of %q the editor saw %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestFullLineTakesKeysButNoText(t *testing.T) {
	k := newKeys()
	k.setLength(maxText)
	if got, want := typed(t, k, "text 你好\x1b[D\x7f\r"), "\x1b[D\x7f\r"; got != want {
		t.Errorf("the editor saw %q, want %q", got, want)
	}
}

func TestAnswerGoesBeforeWhatIsTyped(t *testing.T) {
	k := newKeys()
	k.reply(cursorAnswer)
	if got, want := typed(t, k, "ab"), cursorAnswer+"ab"; got != want {
		t.Errorf("the editor saw %q, want %q", got, want)
	}
}

func TestInterruptsOutsideReadLine(t *testing.T) {
	k := newKeys()
	told := func() bool {
		select {
		case <-k.interrupts:
			return true
		default:
			return false
		}
	}
	if _, err := k.begin(); err != nil {
		t.Fatal(err)
	}
	k.feed([]byte("a\r"))
	if told() {
		t.Error("told of an interrupt that nobody typed")
	}
	k.feed([]byte("\x03"))
	if told() {
		t.Error("told of a Ctrl-C that a ReadLine waits for")
	}
	if err := k.finish(); err != nil {
		t.Fatal(err)
	}
	if !told() {
		t.Error("not told of a Ctrl-C that ReadLine has left behind")
	}
	k.feed([]byte("\x03"))
	if _, err := k.begin(); err != nil {
		t.Fatal(err)
	}
	if told() {
		t.Error("still told of a Ctrl-C that the next ReadLine returns")
	}
}

func FuzzKeys(f *testing.F) {
	for _, s := range []string{"", "你好\r", "\x1b[1;3D\x1bOA\x1b", "\xff\x1b[\x1b[[A\x03", "\x1b[1234567890123456789m"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		for rest := []byte(in); len(rest) > 0; {
			n := nextKey(rest)
			if n < 0 || n > len(rest) {
				t.Fatalf("first key of %q has %d bytes", rest, n)
			}
			if n == 0 {
				if len(rest) > maxKey {
					t.Fatalf("%q has no key", rest)
				}
				break
			}
			rest = rest[n:]
		}
		k := newKeys()
		seen := typed(t, k, in[:min(len(in), maxTyped)])
		if strings.ContainsFunc(strings.Map(asText, seen), func(r rune) bool { return !text.Visible(r) && !isTag(r) }) {
			t.Fatalf("of %q the editor saw %q", in, seen)
		}
	})
}

// asText takes the keys that edit out of what the editor saw.
func asText(r rune) rune {
	if r == esc || r == 0x7f || r < ' ' && strings.ContainsRune(string(editing), r+'@') {
		return -1
	}
	return r
}
