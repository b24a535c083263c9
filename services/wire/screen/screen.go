// Package screen is the live ladder on a terminal: it follows, stops, scrolls, shows one connection
// alone, and opens a packet.
//
//	feed.go     what has come since the last picture
//	screen.go   keys and state
//	picture.go  state to lines
//	phrases.go  the words, in two languages
package screen

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/ladder"
)

// What the screen remembers: so many records, and so many bytes. Wire itself remembers more, and the screen
// shares its container's memory.
const (
	maxKept  = 20_000
	maxBytes = 32 << 20
)

// pace is the time between two pictures.
const pace = 50 * time.Millisecond

// Run shows the feed until the learner leaves or ctx ends. A feed that has ended stays on the screen.
func Run(ctx context.Context, feed *Feed, conn int, lang language.Lang, in io.Reader, out io.Writer) error {
	m := newModel(feed, lang)
	m.conn = conn
	last, err := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out)).Run()
	if m, ok := last.(*model); ok && m.left {
		return nil
	}
	if ctx.Err() != nil || errors.Is(err, tea.ErrInterrupted) {
		return nil // Ctrl-C is a way to leave
	}
	return err
}

// model is the screen's state. Only bubbletea's goroutine touches it.
type model struct {
	feed          *Feed
	view          ladder.View
	height        int
	words         phrases
	title, notice string
	ended         error
	left          bool // the learner has gone

	all    []*wire.Record
	shown  []*wire.Record // those of one connection, or all
	conn   int            // 0: all
	bytes  int            // of all
	missed int

	cursor int  // in shown: the packet that the keys are about
	top    int  // in shown: the first one on the screen
	stay   bool // do not follow

	open    *wire.Record // the packet that is taken apart
	openTop int          // its first line on the screen
}

func newModel(feed *Feed, lang language.Lang) *model {
	return &model{feed: feed, view: ladder.View{Width: 80, Lang: lang, Colour: true}, height: 24, words: words.In(lang)}
}

type tick struct{}

func next() tea.Cmd { return tea.Tick(pace, func(time.Time) tea.Msg { return tick{} }) }

// Init asks for the first picture.
func (m *model) Init() tea.Cmd { return next() }

// Update is told of each event.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tick:
		m.receive(m.feed.take())
		return m, next()
	case tea.WindowSizeMsg:
		m.view.Width, m.height = msg.Width, msg.Height
	case tea.MouseWheelMsg:
		switch msg.Mouse().Button {
		case tea.MouseWheelUp:
			m.move(-1)
		case tea.MouseWheelDown:
			m.move(1)
		}
	case tea.KeyPressMsg:
		return m, m.key(msg.String())
	}
	return m, nil
}

// key does what a key asks for.
func (m *model) key(k string) tea.Cmd {
	page := max(m.height/3, 1)
	switch k {
	case "q", "ctrl+c", "ctrl+d":
		m.left = true
		return tea.Quit
	case "esc", "left", "backspace":
		m.open = nil
	case "enter", "right":
		if m.cursor < len(m.shown) {
			m.open, m.openTop, m.stay = m.shown[m.cursor], 0, true
		}
	case "space":
		if m.stay = !m.stay; !m.stay {
			m.open = nil
			m.cursor = max(len(m.shown)-1, 0)
		}
	case "up", "k":
		m.move(-1)
	case "down", "j":
		m.move(1)
	case "pgup":
		m.move(-page)
	case "pgdown":
		m.move(page)
	case "home", "g":
		m.move(-len(m.shown) - 1<<16)
	case "end", "G":
		m.move(len(m.shown) + 1<<16)
	case "c":
		m.filter()
	}
	return nil
}

// move goes up or down: through the ladder, or through an open packet. At the ladder's end it follows again.
func (m *model) move(by int) {
	if m.open != nil {
		m.openTop = max(m.openTop+by, 0)
		return
	}
	last := max(len(m.shown)-1, 0)
	m.stay = m.cursor+by < last
	m.cursor = min(max(m.cursor+by, 0), last)
}

// filter shows the connection of the packet under the cursor alone, or all again.
func (m *model) filter() {
	var at *wire.Record
	if m.cursor < len(m.shown) {
		at = m.shown[m.cursor]
	}
	switch {
	case m.conn != 0:
		m.conn = 0
	case at != nil:
		m.conn = at.Conn
	}
	m.shown = slices.DeleteFunc(slices.Clone(m.all), func(r *wire.Record) bool { return !m.wants(r) })
	m.cursor, m.top = max(slices.Index(m.shown, at), 0), 0
}

func (m *model) wants(r *wire.Record) bool { return m.conn == 0 || r.Conn == m.conn }

// receive takes what has come.
func (m *model) receive(n news) {
	m.title, m.notice, m.ended = n.title, n.notice, n.ended
	m.missed += n.missed
	for _, r := range n.records {
		if m.view.Start.IsZero() {
			m.view.Start = r.Time
		}
		m.all = append(m.all, r)
		m.bytes += size(r)
		if m.wants(r) {
			m.shown = append(m.shown, r)
		}
	}
	if len(m.all) > maxKept+maxKept/10 || m.bytes > maxBytes+maxBytes/10 { // a tenth at once: it costs a copy
		m.forget()
	}
	if !m.stay {
		m.cursor = max(len(m.shown)-1, 0)
	}
}

// size is what a record takes, about: its bytes, the struct and what it points to.
func size(r *wire.Record) int { return len(r.Raw) + 700 }

// forget drops the oldest records that are too much.
func (m *model) forget() {
	over := 0
	for ; over < len(m.all)-1 && (len(m.all)-over > maxKept || m.bytes > maxBytes); over++ {
		m.bytes -= size(m.all[over])
	}
	oldest := m.all[over].ID
	m.all = slices.Clone(m.all[over:])
	i := slices.IndexFunc(m.shown, func(r *wire.Record) bool { return r.ID >= oldest })
	if i < 0 {
		i = len(m.shown)
	}
	m.shown = slices.Clone(m.shown[i:])
	m.cursor, m.top = max(m.cursor-i, 0), max(m.top-i, 0)
}

// View draws the screen.
func (m *model) View() tea.View {
	v := tea.NewView(m.picture())
	v.AltScreen = true
	v.MouseMode = tea.MouseModeCellMotion
	v.WindowTitle = "wire"
	return v
}
