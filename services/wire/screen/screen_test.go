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
	s := &shot{newModel(&Feed{}, language.English), t}
	s.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	s.feed.Say("wire · tcp://:8080", "")
	s.add(1, n)
	return s
}

func (s *shot) add(from, to int) {
	for id := from; id <= to; id++ {
		s.feed.Add(data(id, 1+id%2, fmt.Sprintf("text %d", id)), 0)
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

var marked = regexp.MustCompile(`(#\d+) +[0-9.]+►│`)

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
	s.expect("!only", "#53►", "«text 54»", "54 packets")
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
	s.feed.Add(nil, 7)
	s.feed.End(errors.New("wire has ended"))
	s.Update(tick{})
	s.expect(`watching only: \x1b[2Jno NET_ADMIN`, "7 missed", "no more will come: wire has ended")
	s.Update(tea.WindowSizeMsg{Width: 10, Height: 5})
	if !strings.Contains(s.picture(), "too small") {
		t.Error(s.picture())
	}
}

// TestMemory: the oldest are forgotten, and the cursor stays on its packet.
func TestMemory(t *testing.T) {
	s := open(t, 100)
	for from := 101; from < maxKept+maxKept/10; from += 1000 {
		s.add(from, from+999)
	}
	s.press("up", "up")
	at := s.at()
	s.add(30_001, 34_000)
	if len(s.all) > maxKept+maxKept/10 || s.at() != at {
		t.Errorf("%d kept; at #%d, was at #%d", len(s.all), s.at().ID, at.ID)
	}
	s.expect(fmt.Sprintf("#%d►", at.ID))
}

// TestFlood: what comes faster than pictures are drawn is counted.
func TestFlood(t *testing.T) {
	s := open(t, 0)
	s.add(1, 3*maxWaiting+10)
	if n := len(s.all) + s.missed; n != 3*maxWaiting+10 || len(s.all) > maxWaiting {
		t.Errorf("%d shown, %d missed", len(s.all), s.missed)
	}
	s.expect("15000 missed", "#15010")
}

// TestLongPackets: memory is bounded in bytes, too, and what an opened packet shows is there.
func TestLongPackets(t *testing.T) {
	s := open(t, 0)
	raw := make([]byte, 60_000)
	for id := 1; id <= 3*maxWaiting; id++ {
		r := data(id, 1, "")
		r.Raw, r.Packet.Data.Len = raw, len(raw)
		s.feed.Add(r, 0)
		if id%1000 == 0 {
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
	if bytes > maxBytes+maxBytes/5 || len(s.all) < 5000 {
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
