package screen

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/rivo/uniseg"

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
)

// data makes a record of one piece of data on a connection.
func data(id, conn int, text string) *wire.Record {
	r := &wire.Record{ID: id, Conn: conn, Dir: wire.In, Time: time.Unix(int64(id), 0), Class: wire.ClassData, Ordinal: id, Raw: []byte(text),
		Client: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), uint16(5000+conn)), Server: netip.MustParseAddrPort("10.0.0.2:8080"),
		Fate: wire.Fate{What: wire.Delivered}, Label: wire.Label{Kind: wire.KindData}}
	r.Packet = wire.Packet{Proto: wire.ProtoTCP, TCP: &wire.TCP{Flags: wire.ACK}, Data: wire.Span{Len: len(text)}}
	return r
}

// shot is a screen under test.
type shot struct {
	*model
	t *testing.T
}

func open(t *testing.T, n int) *shot {
	s := &shot{newModel(&Feed{}, Options{Lang: language.English}), t}
	s.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	s.feed.Say("wire · tcp://:8080", "")
	s.add(1, n)
	return s
}

func (s *shot) add(from, to int) {
	for id := from; id <= to; id++ {
		s.feed.Add(wire.Event{Record: data(id, 1+id%2, fmt.Sprintf("text %d", id))})
	}
	s.Update(tick{})
}

func (s *shot) press(keys ...string) tea.Cmd {
	var cmd tea.Cmd
	for _, k := range keys {
		cmd = s.key(k)
	}
	return cmd
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

var marked = regexp.MustCompile(`(#\d+) +[-+]?[0-9.]+►│`)

// text is the screen without colours; its size is checked on the way.
func (s *shot) text() string {
	s.t.Helper()
	text := sgr.ReplaceAllString(s.View().Content, "")
	lines := strings.Split(text, "\n")
	if len(lines) > s.height {
		s.t.Errorf("%d lines on %d", len(lines), s.height)
	}
	for _, l := range lines {
		if uniseg.StringWidth(l) > s.view.Width {
			s.t.Errorf("wider than %d: %s", s.view.Width, l)
		}
	}
	return text
}

// expect demands that the screen shows some things and not others (those that begin with !).
func (s *shot) expect(things ...string) {
	s.t.Helper()
	text := marked.ReplaceAllString(s.text(), "$1►│")
	for _, want := range things {
		if not, ok := strings.CutPrefix(want, "!"); ok == strings.Contains(text, not) {
			s.t.Errorf("%s is %v there:\n%s", not, !ok, text)
		}
	}
}

func TestFollowsAndPauses(t *testing.T) {
	s := open(t, 50)
	s.expect("wire · tcp://:8080", "#50►", "«text 50»", "following", "50 packets", "!«text 30»")
	s.add(51, 60)
	s.expect("#60►", "!#50")
	s.press("space")
	s.add(61, 70)
	s.expect("#60►", "paused (10 more below)", "!«text 70»")
	s.press("space")
	s.expect("#70►", "following")
}

func TestScrolls(t *testing.T) {
	s := open(t, 50)
	s.press("up")
	s.expect("#49►", "«text 50»", "paused")
	s.press("home")
	s.expect("#1►", "!«text 50»", "49 more below")
	s.press("down", "down")
	s.expect("#3►", "#1 ")
	s.press("pgdown", "pgdown", "pgup")
	s.expect("#11►")
	s.press("end")
	s.expect("#50►", "following")
	s.press("up", "down")
	s.expect("#50►", "following")
}

func TestOneConnection(t *testing.T) {
	s := open(t, 50)
	s.press("up", "c")
	s.expect("connection 2 only", "#49►", "!«text 48»", "10.0.0.1:5002", "25 packets")
	s.add(51, 54)
	s.press("end")
	s.expect("#53►", "!«text 54»")
	s.press("c")
	s.expect("!only", "#54►", "«text 54»", "54 packets")
}

func TestOpens(t *testing.T) {
	s := open(t, 50)
	s.press("up", "enter")
	s.expect("#49  ", "data #49", "Esc back", "!#48")
	s.add(51, 60)
	s.expect("data #49")
	s.press("down", "down", "down", "up", "pgup")
	s.expect("#49  ")
	s.press("esc")
	s.expect("#49►", "paused (11 more below)")
}

func TestLeaves(t *testing.T) {
	for _, k := range []string{"q", "ctrl+c"} {
		s := open(t, 1)
		if cmd := s.press(k); cmd == nil || cmd() != tea.Quit() || !s.left {
			t.Errorf("%s does not leave", k)
		}
	}
}

func TestSaysWhatIsWrong(t *testing.T) {
	s := open(t, 0)
	s.expect("no packets yet", "ARP")
	s.press("enter", "up", "down", "c", "home", "end", "esc", "space", "space") // with nothing there
	s.feed.Say("wire", "watching only: \x1b[2Jno NET_ADMIN")
	s.feed.Add(wire.Event{Missed: 7})
	s.feed.End(errors.New("wire has ended"))
	s.Update(tick{})
	s.expect(`watching only: \x1b[2Jno NET_ADMIN`, "7 missed", "no more will come: wire has ended")
	s.Update(tea.WindowSizeMsg{Width: 10, Height: 5})
	if !strings.Contains(s.picture(), "too small") {
		t.Error(s.picture())
	}
}

// TestMemory: the window is bounded, and the packet that a reader looks at stays.
func TestMemory(t *testing.T) {
	s := open(t, 100)
	for from := 101; from < maxKept; from += 500 {
		s.add(from, from+499)
	}
	s.press("up", "up")
	at := s.at()
	for from := 30_001; from < 34_000; from += 500 {
		s.add(from, from+499)
	}
	if len(s.all) > maxKept+maxKept/10 || s.at() != at {
		t.Errorf("%d kept; at #%d, was at #%d", len(s.all), s.at().ID, at.ID)
	}
	s.expect(fmt.Sprintf("#%d►", at.ID), "31902 more below")
}

// list is a wire that remembers records 1 to n, and tells 70 at a time.
func list(n int) Past {
	return func(since int) (some []wire.Event) {
		for id := since + 1; id <= min(since+70, n); id++ {
			some = append(some, wire.Event{Record: data(id, 1+id%2, fmt.Sprintf("text %d", id))})
		}
		return some
	}
}

// do presses a key, and waits for what it asks for.
func (s *shot) do(key string) {
	if cmd := s.press(key); cmd != nil {
		s.Update(cmd())
	}
}

// TestWindow: the screen holds a part of the list, and asks for what lies before and behind when somebody goes there.
func TestWindow(t *testing.T) {
	const n = 9000
	s := open(t, 0)
	s.past = list(n)
	for id := n - 99; id <= n; id++ {
		s.feed.Add(wire.Event{Record: data(id, 1+id%2, fmt.Sprintf("text %d", id))})
	}
	s.Update(tick{})
	s.expect("#9000►", "following")
	for s.at().ID > 1 { // up to the very first
		before := s.at().ID
		s.do("home")
		if now := s.at().ID; now > before {
			t.Fatalf("up from #%d to #%d", before, now)
		}
		if len(s.all) > maxKept+step || s.bytes > maxBytes*11/10 {
			t.Fatalf("%d records, %d bytes", len(s.all), s.bytes)
		}
		s.text()
	}
	s.expect("#1►", "«text 1»", "paused (8999 more below)")
	s.add(n+1, n+5) // what comes now is not to be seen
	s.expect("#1►", "paused (9004 more below)")
	s.past = list(n + 5)
	last := 0
	for range 100_000 { // and down again, a page at a time
		s.do("pgdown")
		if id := s.at().ID; id < last || id > last+8 && last > 0 {
			t.Fatalf("down from #%d to #%d", last, id)
		} else if last = id; id == n+5 {
			break
		}
	}
	s.expect("#9005►")
	s.do("pgdown")
	s.expect("following")
	s.add(n+6, n+6)
	s.expect("#9006►")

	for range 60 { // far up, and back to the newest at once
		s.do("home")
	}
	s.past = list(n + 6)
	s.do("end")
	s.expect("#9006►", "following")
	s.add(n+7, n+7)
	s.expect("#9007►", "«text 9006»")
}

// TestChanges: what was changed stands between the packets, also if the packet behind it is hidden, and at the end.
func TestChanges(t *testing.T) {
	s := open(t, 0)
	change := func(line string) wire.Event {
		return wire.Event{Change: &wire.Change{Kind: wire.ChangeLink, Line: line, By: "wire link", Time: time.Unix(1, 0)}}
	}
	s.feed.Add(change("link out.loss=1%"))
	s.Update(tick{})
	s.expect("no packets yet", "── link out.loss=1% · wire link ──")
	s.add(1, 3)
	s.feed.Add(change("link clear\x1b[2J"))
	s.add(4, 4)
	order := func(things ...string) {
		t.Helper()
		text := s.text()
		for _, want := range things {
			i := strings.Index(text, want)
			if i < 0 {
				t.Fatalf("no %q, or not in this place, in\n%s", want, s.text())
			}
			text = text[i:]
		}
	}
	order("loss=1%", "text 1", "text 3", `clear\x1b[2J`, "text 4")
	s.press("up", "up", "up", "c") // connection 2 alone: 1 and 3
	order("loss=1%", "text 1", "text 3", "clear")
	s.press("c")
	for range 3 * maxChanges {
		s.feed.Add(change("link delay=1s"))
	}
	s.Update(tick{})
	s.press("space", "end")
	order("text 4", "delay=1s")
}

// TestWhoseRows: the heading names a connection only if all rows are of that one.
func TestWhoseRows(t *testing.T) {
	s := open(t, 50)
	head := func() string { head, _, _ := strings.Cut(s.text(), "data #"); return head }
	if h := head(); strings.Contains(h, "10.0.0.1") || !strings.Contains(h, "client") {
		t.Errorf("above rows of several connections:\n%s", h)
	}
	s.expect("► #50 · connection 1 · TCP client 10.0.0.1:5001", "c1 :5001", "c2 :5002")
	s.press("c")
	if h := head(); !strings.Contains(h, "10.0.0.1:5001") {
		t.Errorf("above rows of one:\n%s", h)
	}
}

// TestNoACKs: a key hides what brings nothing new, and shows it again.
func TestNoACKs(t *testing.T) {
	s := open(t, 2)
	for id, kind := range map[int]wire.Kind{3: wire.KindACK, 4: wire.KindKeepAlive, 5: wire.KindKeepAliveACK, 6: wire.KindDupACK} {
		r := data(id, 1, "")
		r.Label.Kind = kind
		s.feed.Add(wire.Event{Record: r})
		s.Update(tick{})
	}
	s.press("a")
	s.expect("3 packets", "no bare ACKs", "duplicate ACK", "!keep-alive")
	s.press("a")
	s.expect("6 packets", "keep-alive", "!no bare ACKs")
}

// TestTimes: a key switches to the time since the packet before.
func TestTimes(t *testing.T) {
	s := open(t, 3)
	if !strings.Contains(s.text(), "    2.0000►") {
		t.Error(s.text())
	}
	s.press("t")
	if !strings.Contains(s.text(), "   +1.0000►") {
		t.Error(s.text())
	}
}

// TestTerminalGone: a terminal that has answered once and answers no more is gone; one that never did is left alone.
func TestTerminalGone(t *testing.T) {
	minutes := func(s *shot, answer func(asked int)) (asked int) {
		for range 5 * 60 * 20 {
			before := s.alive.silence
			s.Update(tick{})
			if s.left {
				return asked
			}
			if s.alive.silence > before {
				asked++
				answer(asked)
			}
		}
		return asked
	}
	yes := func(s *shot) { s.Update(uv.UnknownCsiEvent(iAmHere)) }
	if s := open(t, 1); minutes(s, func(int) {}) < 10 || s.left {
		t.Error("one that never answers was left")
	}
	if s := open(t, 1); minutes(s, func(int) { yes(s) }) < 10 || s.left {
		t.Error("one that answers was left")
	}
	s := open(t, 1)
	if asked := minutes(s, func(n int) {
		if n < 5 {
			yes(s)
		}
	}); asked != 7 || !s.left {
		t.Errorf("one that answered four times of %d: left %v", asked, s.left)
	}
	s = open(t, 1)
	if minutes(s, func(n int) {
		if n == 1 {
			yes(s)
		}
		s.Update(tea.KeyPressMsg{Code: 'j'})
	}); s.left {
		t.Error("one whose keys are pressed was left")
	}
}

// TestFlood: what comes faster than pictures are drawn is counted.
func TestFlood(t *testing.T) {
	s := open(t, 0)
	s.add(1, 3*maxWaiting+10)
	if n := len(s.all) + s.missed; n != 3*maxWaiting+10 || len(s.all) > maxWaiting {
		t.Errorf("%d shown, %d missed", len(s.all), s.missed)
	}
	s.expect("3000 missed", "#3010")
}

// TestLongPackets: memory is bounded in bytes, too, and what an opened packet shows is there.
func TestLongPackets(t *testing.T) {
	s := open(t, 0)
	raw := make([]byte, 60_000)
	for id := 1; id <= 15*maxWaiting; id++ {
		r := data(id, 1, "")
		r.Raw, r.Packet.Data.Len = raw, len(raw)
		s.feed.Add(wire.Event{Record: r})
		if id%500 == 0 {
			s.Update(tick{})
		}
		if len(r.Raw) != len(raw) {
			t.Fatal("a record was changed")
		}
	}
	bytes := 0
	for _, r := range s.all {
		bytes += cap(r.Raw)
	}
	if bytes > maxBytes+maxBytes/5 || len(s.all) < 500 {
		t.Errorf("%d MiB in %d packets", bytes>>20, len(s.all))
	}
	s.expect("#15000►")
	s.press("enter")
	s.expect("60000 bytes, 4352 of them kept")
	s.move(1 << 20)
	s.expect("0ff0  00", "… +55904")
}

func TestSizes(t *testing.T) {
	s := open(t, 30)
	s.view.Lang, s.words = language.Chinese, words.Zh
	for width := 1; width < 130; width += 7 {
		for height := 1; height < 40; height += 3 {
			s.Update(tea.WindowSizeMsg{Width: width, Height: height})
			if width >= 40 && height >= 10 {
				s.text()
			}
		}
	}
}

func TestPhrases(t *testing.T) {
	labtest.Complete(t, words.Zh)
	labtest.Complete(t, words.En)
}
