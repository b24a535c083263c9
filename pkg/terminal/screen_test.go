package terminal

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"netlab.example/pkg/text"
)

// A picture is what a person sees of the bytes written to a screen of a given
// width: enough of a terminal to judge the editor's painting.
type picture struct {
	width    int
	rows     [][]string // a cell of a wide character's right half is ""
	row, col int        // col may be width: the next character wraps
	last     int        // column of the sign before the cursor, if it was written just now; else -1
	pending  []byte     // an unfinished character or sequence
	strange  []string   // what no plain terminal is expected to understand
}

func newPicture(width int) *picture {
	return &picture{width: width, rows: make([][]string, 1), last: -1}
}

// String is the rows, without the blanks at their ends.
func (p *picture) String() string {
	var b strings.Builder
	for i, row := range p.rows {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(strings.TrimRight(strings.Join(row, ""), " "))
	}
	return strings.TrimRight(b.String(), "\n")
}

func (p *picture) write(b []byte) {
	p.pending = append(p.pending, b...)
	for len(p.pending) > 0 {
		n := character(p.pending)
		if p.pending[0] == esc {
			n = control(append(p.pending[:len(p.pending):len(p.pending)], "  "[:max(0, 2-len(p.pending))]...))
		}
		if n == 0 {
			return
		}
		p.act(string(p.pending[:n]))
		p.pending = p.pending[n:]
	}
}

func (p *picture) act(s string) {
	if s < " " {
		p.last = -1
	}
	switch s {
	case "\r":
		p.col = 0
	case "\n":
		p.down()
	case "\b":
		p.col = max(0, min(p.col, p.width-1)-1)
	case "\a":
	default:
		if s[0] == esc {
			p.control(s)
			return
		}
		r, _ := utf8.DecodeRuneInString(s)
		if !text.Visible(r) && !isTag(r) {
			p.strange = append(p.strange, s)
		}
		p.put(s, cells(r))
	}
}

func (p *picture) control(s string) {
	n, err := strconv.Atoi(s[2 : len(s)-1])
	switch s[len(s)-1] {
	case 'A':
		p.row = max(0, p.row-n)
	case 'G':
		p.col = n - 1
	case 'J': // to the end of the screen
		p.clear()
		p.rows = p.rows[:p.row+1]
	case 'K': // to the end of the row
		p.clear()
	default:
		err = strconv.ErrSyntax
	}
	if err != nil && s != "\x1b[J" {
		p.strange = append(p.strange, s)
	}
}

func (p *picture) clear() {
	if row := p.rows[p.row]; p.col < len(row) {
		p.rows[p.row] = row[:p.col]
	}
}

func (p *picture) down() {
	p.row++
	if p.row == len(p.rows) {
		p.rows = append(p.rows, nil)
	}
}

func (p *picture) put(s string, width int) {
	if p.last >= 0 { // one sign of several characters, as a modern terminal shows it
		both := p.rows[p.row][p.last] + s
		if _, rest, cells, _ := uniseg.FirstGraphemeClusterInString(both, -1); rest == "" {
			p.col = p.last
			p.cell(both, max(1, cells))
			return
		}
	}
	p.cell(s, width)
}

func (p *picture) cell(s string, width int) {
	if width > 0 && p.col+width > p.width {
		p.col = 0
		p.down()
	}
	row := p.rows[p.row]
	for len(row) < p.col+width {
		row = append(row, " ")
	}
	p.rows[p.row] = row
	switch width {
	case 0: // combines with what is before it
		if p.col > 0 {
			row[p.col-1] += s
		}
	case 1:
		row[p.col] = s
	case 2:
		row[p.col], row[p.col+1] = s, ""
	}
	p.last = p.col
	if width == 0 {
		p.last = -1
	}
	p.col += width
}

func cells(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana),
		0x3000 <= r && r < 0x3040, 0xff00 <= r && r < 0xff61, r >= 0x1f300:
		return 2
	default:
		return 1
	}
}
