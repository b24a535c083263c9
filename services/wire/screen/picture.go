package screen

import (
	"fmt"
	"slices"
	"strings"

	"netlab.example/pkg/wire/ladder"
)

// picture is the whole screen: the title, the ends of the connection, the ladder, and what the keys do.
func (m *model) picture() string {
	if m.view.Width < ladder.MinWidth || m.height < 10 {
		return fmt.Sprintf(m.words.TooSmall, ladder.MinWidth, 10)
	}
	head := []string{m.view.Title(m.title)}
	for _, notice := range []string{m.notice, m.endNotice()} {
		if notice != "" {
			head = append(head, m.view.Warning(notice))
		}
	}
	switch r := m.at(); {
	case r == nil || m.open != nil:
	case m.conn != 0: // all rows are of this one
		head = append(head, m.view.Head(r)...)
	default:
		head = append(head, m.view.Columns())
	}
	foot := []string{m.view.Note(m.marked()), m.view.Note(m.state()), m.view.Note(m.keys())}
	if m.open != nil || m.conn != 0 || len(m.shown) == 0 {
		foot = foot[1:]
	}
	room := m.height - len(head) - len(foot)
	body := m.body(max(room, 0))
	for len(body) < room {
		body = append(body, "")
	}
	return strings.Join(append(append(head, body...), foot...), "\n")
}

func (m *model) endNotice() string {
	if m.ended == nil {
		return ""
	}
	return fmt.Sprintf(m.words.Ended, m.ended)
}

// body fills at most room lines.
func (m *model) body(room int) []string {
	switch {
	case m.open != nil:
		lines := m.view.Open(m.open)
		m.openTop = min(m.openTop, max(len(lines)-room, 0))
		return lines[m.openTop:min(m.openTop+room, len(lines))]
	case len(m.shown) == 0:
		lines := []string{"", m.view.Note(m.words.Nothing), m.view.Scope()}
		for _, c := range slices.Concat(m.changes, m.tail) {
			lines = append(lines, m.view.Change(c))
		}
		return lines[:min(len(lines), room)]
	}
	m.scroll(room)
	var lines []string
	for i := m.top; i < len(m.shown) && len(lines) < room; i++ {
		lines = append(lines, m.lines(i)...)
	}
	return lines[:min(len(lines), room)]
}

// lines draws one record.
func (m *model) lines(i int) []string {
	v, r := m.view, m.shown[i]
	v.Mark = i == m.cursor
	if m.delta {
		v.Prev = m.shown[max(i-1, 0)].Time
	}
	var lines []string
	for _, c := range r.before {
		lines = append(lines, v.Change(c))
	}
	lines = append(lines, v.Render(r.Record)...)
	if r.goesOn != nil {
		v.Mark = false
		lines = append(lines, v.Arrival(r.goesOn, r.Record)...)
	}
	if i == len(m.shown)-1 { // nothing has come since
		for _, c := range slices.Concat(m.changes, m.tail) {
			lines = append(lines, v.Change(c))
		}
	}
	return lines
}

// scroll moves top so that the record under the cursor is on the screen, whole if there is room for it.
func (m *model) scroll(room int) {
	m.top = min(m.top, m.cursor)
	first, used := m.cursor, len(m.lines(m.cursor))
	for first > 0 { // the earliest record from which the cursor's still fits
		more := len(m.lines(first - 1))
		if used+more > room {
			break
		}
		first, used = first-1, used+more
	}
	m.top = max(m.top, first)
	if !m.stay {
		m.top = first
	}
}

// marked says whose packet is marked.
func (m *model) marked() string {
	r := m.at()
	if r == nil {
		return ""
	}
	if m.view.Width < 80 {
		return fmt.Sprintf("► #%d c%d · %s → %s", r.ID, r.Conn, r.Client, r.Server)
	}
	return fmt.Sprintf("► #%d · %s", r.ID, m.view.Ends(r))
}

// state says where we are.
func (m *model) state() string {
	parts := []string{m.words.Following}
	if m.stay {
		parts[0] = m.words.Paused
		if below := m.below(); below > 0 {
			parts[0] += fmt.Sprintf(m.words.Below, below)
		}
	}
	if m.conn != 0 {
		parts = append(parts, fmt.Sprintf(m.words.Only, m.conn))
	}
	parts = append(parts, fmt.Sprintf(m.words.Packets, len(m.shown)))
	if m.noACK {
		parts = append(parts, m.words.NoACKs)
	}
	if m.missed > 0 {
		parts = append(parts, fmt.Sprintf(m.words.Missed, m.missed))
	}
	return strings.Join(parts, " · ")
}

// below is how many packets there are below the marked one, as far as it is known: those that the window has, and
// those that it had to leave out.
func (m *model) below() int {
	below := len(m.shown) - 1 - m.cursor
	if m.behind && len(m.all) > 0 {
		below += m.newest - m.all[len(m.all)-1].ID
	}
	return below
}

func (m *model) keys() string {
	if m.open != nil {
		return m.words.OpenKeys
	}
	if m.view.Width < 80 {
		return m.words.FewKeys
	}
	return m.words.Keys
}
