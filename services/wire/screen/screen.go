// Package screen is the live ladder on a terminal: it follows, stops, scrolls, shows one connection
// alone, and opens a packet.
//
//	feed.go     what has come since the last picture
//	screen.go   keys and state
//	window.go   the part of the list that the screen holds, and how it moves
//	alive.go    whether the terminal is still there
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

// pace is the time between two pictures.
const pace = 50 * time.Millisecond

// Options are how the ladder is to look at first.
type Options struct {
	Conn   int // 0: all
	Lang   language.Lang
	Light  bool // colours for a white ground
	Delta  bool // times are those since the packet before
	NoACKs bool // hide bare ACKs and keep-alives
	Past   Past // nil: there is no more than what the feed brings
}

// Run shows the feed until the learner leaves, the terminal is gone or ctx ends. A feed that has ended stays on the
// screen.
func Run(ctx context.Context, feed *Feed, o Options, in io.Reader, out io.Writer) error {
	last, err := tea.NewProgram(newModel(feed, o), tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out)).Run()
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
	alive         alive

	window
	shown   []row          // those of the window that are wanted
	changes []*wire.Change // those behind them, before rows that are not wanted
	conn    int            // 0: all
	noACK   bool
	delta   bool

	missed int
	cursor int  // in shown: the packet that the keys are about
	top    int  // in shown: the first one on the screen
	stay   bool // do not follow

	open    *wire.Record // the packet that is taken apart
	openTop int          // its first line on the screen
}

func newModel(feed *Feed, o Options) *model {
	return &model{
		feed: feed, view: ladder.View{Width: 80, Lang: o.Lang, Colour: true, Light: o.Light}, height: 24, words: words.In(o.Lang),
		window: window{past: o.Past}, conn: o.Conn, noACK: o.NoACKs, delta: o.Delta,
	}
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
		ask, gone := m.alive.tick()
		switch {
		case gone:
			m.left = true
			return m, tea.Quit
		case ask:
			return m, tea.Batch(next(), tea.Raw(areYouThere))
		}
		return m, next()
	case fetched:
		m.fetched(msg)
	case tea.WindowSizeMsg:
		m.view.Width, m.height = msg.Width, msg.Height
	case tea.MouseWheelMsg:
		m.alive.heard()
		switch msg.Mouse().Button {
		case tea.MouseWheelUp:
			return m, m.move(-1)
		case tea.MouseWheelDown:
			return m, m.move(1)
		}
	case tea.KeyPressMsg:
		m.alive.heard()
		return m, m.key(msg.String())
	default:
		m.alive.answer(msg)
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
			m.open, m.openTop, m.stay = m.shown[m.cursor].Record, 0, true
		}
	case "space":
		if m.stay = !m.stay; !m.stay {
			return m.follow()
		}
	case "up", "k":
		return m.move(-1)
	case "down", "j":
		return m.move(1)
	case "pgup":
		return m.move(-page)
	case "pgdown":
		return m.move(page)
	case "home", "g":
		return m.move(-len(m.shown) - 1<<16)
	case "end", "G":
		if m.open == nil {
			return m.follow()
		}
		return m.move(1 << 16)
	case "c":
		if at := m.at(); m.conn != 0 {
			m.conn = 0
		} else if at != nil {
			m.conn = at.Conn
		}
		m.choose()
	case "a":
		m.noACK = !m.noACK
		m.choose()
	case "t":
		m.delta = !m.delta
	case "l":
		m.view.Light = !m.view.Light
	}
	return nil
}

// follow goes to the newest packet, and stays with it.
func (m *model) follow() tea.Cmd {
	m.stay, m.open = false, nil
	m.cursor = max(len(m.shown)-1, 0)
	if m.behind {
		return m.fetch(latest)
	}
	return nil
}

// move goes up or down: through the ladder, or through an open packet. At the ladder's end it follows again; at the
// window's ends it asks for what lies beyond.
func (m *model) move(by int) tea.Cmd {
	if m.open != nil {
		m.openTop = max(m.openTop+by, 0)
		return nil
	}
	last := max(len(m.shown)-1, 0)
	to := m.cursor + by
	m.stay = to < last || m.behind
	m.cursor = min(max(to, 0), last)
	switch {
	case to < 0:
		return m.fetch(earlier)
	case to > last && m.behind:
		return m.fetch(later)
	}
	return nil
}

// choose picks what is shown of the window anew, and keeps the cursor's packet or the next one.
func (m *model) choose() {
	at := m.at()
	m.shown, m.changes = nil, nil
	m.append(m.all)
	m.cursor, m.top = 0, 0
	if at != nil {
		i := slices.IndexFunc(m.shown, func(r row) bool { return r.ID >= at.ID })
		if i < 0 {
			i = len(m.shown) - 1
		}
		m.cursor = max(i, 0)
	}
	if !m.stay {
		m.cursor = max(len(m.shown)-1, 0)
	}
}

func (m *model) wants(r row) bool {
	return (m.conn == 0 || r.Conn == m.conn) && !(m.noACK && ladder.Bare(r.Record))
}

// at is the record under the cursor.
func (m *model) at() *wire.Record {
	if m.cursor >= len(m.shown) {
		return nil
	}
	return m.shown[m.cursor].Record
}

// receive takes what has come.
func (m *model) receive(n news) {
	m.title, m.notice, m.ended, m.view.Names = n.title, n.notice, n.ended, n.names
	m.missed += n.missed
	if len(n.events) == 0 {
		return
	}
	for _, e := range n.events {
		if e.Record != nil && m.view.Start.IsZero() {
			m.view.Start = e.Record.Time
		}
	}
	m.behind = m.behind || m.stay && m.full(0, 0) // what a reader looks at stays
	if rows, cut := m.add(n.events); cut {
		m.choose()
	} else {
		m.append(m.all[len(m.all)-rows:])
	}
}

// append shows the window's newest rows. What was changed before a row that is not wanted stands before the next.
func (m *model) append(rows []row) {
	for _, r := range rows {
		r.before = append(m.changes, r.before...)
		if m.wants(r) {
			m.shown, m.changes = append(m.shown, r), nil
		} else {
			m.changes = r.before[max(len(r.before)-maxChanges, 0):]
		}
	}
	if !m.stay {
		m.cursor = max(len(m.shown)-1, 0)
	}
}

// fetched takes what was asked for.
func (m *model) fetched(f fetched) {
	if !m.take(f) {
		return
	}
	m.choose()
	if f.where == earlier {
		m.top = m.cursor
	}
}

// View draws the screen.
func (m *model) View() tea.View {
	v := tea.NewView(m.picture())
	v.AltScreen = true
	v.MouseMode = tea.MouseModeCellMotion
	v.WindowTitle = "wire"
	return v
}
