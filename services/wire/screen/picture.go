package screen

import (
	"fmt"
	"strings"

	"netlab.example/pkg/wire"
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
	if r := m.at(); r != nil && m.open == nil {
		head = append(head, m.view.Head(r)...)
	}
	foot := []string{m.view.Note(m.state()), m.view.Note(m.keys())}
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

// at is the record under the cursor.
func (m *model) at() *wire.Record {
	if m.cursor >= len(m.shown) {
		return nil
	}
	return m.shown[m.cursor]
}

// body fills at most room lines.
func (m *model) body(room int) []string {
	switch {
	case m.open != nil:
		lines := m.view.Open(m.open)
		m.openTop = min(m.openTop, max(len(lines)-room, 0))
		return lines[m.openTop:min(m.openTop+room, len(lines))]
	case len(m.shown) == 0:
		return []string{"", m.view.Note(m.words.Nothing), m.view.Scope()}
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
	v := m.view
	v.Mark = i == m.cursor
	return v.Render(m.shown[i])
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

// state says where we are.
func (m *model) state() string {
	parts := []string{m.words.Following}
	if m.stay {
		parts[0] = m.words.Paused
		if below := len(m.shown) - 1 - m.cursor; below > 0 {
			parts[0] += fmt.Sprintf(m.words.Below, below)
		}
	}
	if m.conn != 0 {
		parts = append(parts, fmt.Sprintf(m.words.Only, m.conn))
	}
	parts = append(parts, fmt.Sprintf(m.words.Packets, len(m.shown)))
	if m.missed > 0 {
		parts = append(parts, fmt.Sprintf(m.words.Missed, m.missed))
	}
	return strings.Join(parts, " · ")
}

func (m *model) keys() string {
	if m.open != nil {
		return m.words.OpenKeys
	}
	return m.words.Keys
}
