package referee

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"netlab.example/pkg/language"
	"netlab.example/pkg/text"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/ladder"
)

const (
	shownBytes  = 100 // of a message, as text
	shownHex    = 24  // of its bytes
	shownEvents = 8   // of a conversation: its last
	ladderWidth = 100
)

type phrases struct {
	passed, failed, notJudged       string
	because                         string // check
	timeOver                        string
	due, came, nothing, differs     string
	end                             string
	clause, why, read, conversation string
	left                            string // events
	total                           string // server, passed, all, failed, not judged
	bytes                           string
}

var words = language.Both[phrases]{
	Zh: phrases{
		passed: "通过", failed: "失败", notJudged: "未判定", because: "因为 %s 失败", timeOver: "时间用完了",
		due: "应有", came: "实际", nothing: "(什么也没有)", differs: "从第 %d 个字节起不同: 应为 %s, 实际 %s", end: "结束",
		clause: "契约", why: "原因", read: "参考", conversation: "对话", left: "(前面还有 %d 步)",
		total: "%s: %d 项中 %d 项通过, %d 项失败, %d 项未判定", bytes: "%d 字节",
	},
	En: phrases{
		passed: "ok", failed: "FAILED", notJudged: "not judged", because: "because %s failed", timeOver: "the time was over",
		due: "due", came: "came", nothing: "(nothing)", differs: "from byte %d on: %s was due, %s came", end: "the end",
		clause: "contract", why: "why", read: "read", conversation: "conversation", left: "(%d steps before)",
		total: "%s: of %d checks %d passed, %d failed, %d not judged", bytes: "%d bytes",
	},
}

// PrintResult prints the verdict on one check; of a failed one all that helps to mend it. Nothing that the server sent
// reaches w unescaped.
func (p *Protocol) PrintResult(w io.Writer, r Result, l language.Lang) {
	say := words.In(l)
	c := p.Check(r.Check)
	switch r.Verdict {
	case Passed:
		fmt.Fprintf(w, "  %s  %-24s %s\n", pad(say.passed, 10), r.Check, c.Title.In(l))
		return
	case NotJudged:
		why := fmt.Sprintf(say.because, r.Because)
		if r.Because == timeOver {
			why = say.timeOver
		}
		fmt.Fprintf(w, "  %s  %-24s %s\n", pad(say.notJudged, 10), r.Check, why)
		return
	}
	fmt.Fprintf(w, "  %s  %-24s %s\n", pad(say.failed, 10), r.Check, c.Title.In(l))
	f := r.Failure
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "      %s %s\n", pad(name, 12), fmt.Sprintf(format, args...))
	}
	row("", "%s", f.Cause.In(l))
	if len(f.Packets) > 0 {
		row(say.due, "%s", f.Due.In(l))
		printLadder(w, f.Packets, l)
		p.printClause(row, r.Clause, l)
		return
	}
	if n := len(f.Events) - shownEvents; n > 0 {
		row(say.conversation, say.left, n)
	} else {
		row(say.conversation, "")
	}
	for _, e := range f.Events[max(0, len(f.Events)-shownEvents):] {
		line := "  " + e.Who + " " + e.Did.In(l)
		if e.Bytes != nil {
			line += " " + message(e.Bytes, say)
		}
		fmt.Fprintln(w, "      "+line)
	}
	switch due := f.Due.In(l); {
	case due != "" && f.Want != nil:
		row(say.due, "%s: %s", due, message(f.Want, say))
	case due != "":
		row(say.due, "%s", due)
	default:
		row(say.due, "%s", message(f.Want, say))
	}
	if len(f.Got) > 0 {
		row(say.came, "%s", message(f.Got, say))
	} else {
		row(say.came, "%s", say.nothing)
	}
	if f.Want != nil && len(f.Got) > 0 {
		row("", say.differs, f.Offset, hexFrom(f.Want, f.Offset, say), hexFrom(f.Got, f.Offset, say))
	}
	p.printClause(row, r.Clause, l)
}

func (p *Protocol) printClause(row func(name, format string, args ...any), id string, l language.Lang) {
	say := words.In(l)
	if clause := p.Clause(id); clause != nil {
		row(say.clause, "%s %s", clause.ID, clause.Text.In(l))
		row(say.why, "%s", clause.Why.In(l))
		row(say.read, "%s", clause.Read)
	}
}

// printLadder draws the few packets that show a fault. The last is the one to open.
func printLadder(w io.Writer, packets []*wire.Record, l language.Lang) {
	v := ladder.View{Width: ladderWidth, Lang: l, Start: packets[0].Time}
	for _, line := range v.Head(packets[0]) {
		fmt.Fprintln(w, line)
	}
	for _, r := range packets {
		for _, line := range v.Render(r) {
			fmt.Fprintln(w, line)
		}
	}
	fmt.Fprintf(w, "      wire open %d\n", packets[len(packets)-1].ID)
}

// message is bytes as text in quotes, with their number.
func message(b []byte, say phrases) string {
	shown, more := b, ""
	if len(shown) > shownBytes {
		shown, more = []byte(text.Cut(string(shown), shownBytes)), "…"
	}
	return fmt.Sprintf("%s%s (%s)", text.Escape(strconv.Quote(string(shown))), more, fmt.Sprintf(say.bytes, len(b)))
}

func hexFrom(b []byte, from int, say phrases) string {
	if from >= len(b) {
		return say.end
	}
	b = b[from:]
	if len(b) > shownHex {
		return fmt.Sprintf("% x …", b[:shownHex])
	}
	return fmt.Sprintf("% x", b)
}

// pad fills up to n cells; a Chinese character takes two.
func pad(s string, n int) string {
	cells := 0
	for _, r := range s {
		if cells++; r >= 0x2e80 {
			cells++
		}
	}
	return s + strings.Repeat(" ", max(0, n-cells))
}

var leftWords = map[Means]language.Both[string]{
	Stop:        {Zh: "裁判没有停止服务器的办法: -stop COMMAND", En: "the referee has no way to stop the server: -stop COMMAND"},
	Wire:        {Zh: "数据包要由 wire 看: docker compose run --rm referee check %s URL, 或 -wire URL", En: "packets need a wire: docker compose run --rm referee check %s URL, or -wire URL"},
	WireSees:    {Zh: "wire 没有看到裁判的连接: 它在这个服务器旁边吗?", En: "the wire saw nothing of the referee's connections: is it beside this server?"},
	WireImpairs: {Zh: "这里的 wire 只能看, 不能改变链路", En: "this wire only watches, and cannot break the link"},
}

// PrintTotal prints the end of a report: what was noted, what was left out and why, and the counts.
func (r *Report) PrintTotal(w io.Writer, l language.Lang) {
	for _, note := range r.Notes {
		fmt.Fprintf(w, "  %s\n", note.In(l))
	}
	for _, means := range []Means{Wire, WireSees, WireImpairs, Stop} {
		if names := r.Left[means]; len(names) > 0 {
			why := strings.Replace(leftWords[means].In(l), "%s", r.Protocol, 1)
			fmt.Fprintf(w, "  %s  %s (%s)\n", pad(words.In(l).notJudged, 10), strings.Join(names, ", "), why)
		}
	}
	passed, failed, not := r.Count()
	fmt.Fprintf(w, words.In(l).total+"\n", text.Escape(r.Server), passed+failed+not, passed, failed, not)
}

// Count is how many checks passed, failed and were not judged.
func (r *Report) Count() (passed, failed, notJudged int) {
	for _, res := range r.Results {
		switch res.Verdict {
		case Passed:
			passed++
		case Failed:
			failed++
		default:
			notJudged++
		}
	}
	return
}

// WriteJSON writes the report as one JSON object.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(true)
	return e.Encode(r)
}

// WriteJUnit writes the report as JUnit XML, which most systems that run tests read.
func (r *Report) WriteJUnit(w io.Writer, p *Protocol) error {
	type note struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	type testcase struct {
		Class   string `xml:"classname,attr"`
		Name    string `xml:"name,attr"`
		Time    string `xml:"time,attr"`
		Failure *note  `xml:"failure,omitempty"`
		Skipped *note  `xml:"skipped,omitempty"`
	}
	type testsuite struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Cases    []testcase `xml:"testcase"`
	}
	passed, failed, not := r.Count()
	suite := testsuite{Name: r.Protocol, Tests: passed + failed + not, Failures: failed, Skipped: not}
	for _, res := range r.Results {
		c := testcase{Class: r.Protocol, Name: res.Check, Time: fmt.Sprintf("%.3f", res.Took.Round(time.Millisecond).Seconds())}
		switch res.Verdict {
		case Failed:
			var b strings.Builder
			p.PrintResult(&b, res, language.English)
			c.Failure = &note{res.Failure.Cause.String(), b.String()}
		case NotJudged:
			c.Skipped = &note{Message: "because of " + res.Because}
		}
		suite.Cases = append(suite.Cases, c)
	}
	io.WriteString(w, xml.Header)
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suite); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// PrintContract prints a contract as its numbered list.
func (p *Protocol) PrintContract(w io.Writer, l language.Lang) {
	for _, c := range p.Contract {
		fmt.Fprintf(w, "%s  %s\n    %s (%s)\n", c.ID, c.Text.In(l), c.Why.In(l), c.Read)
	}
}

// Explain prints what a check does and why.
func (p *Protocol) Explain(w io.Writer, c *Check, l language.Lang) {
	say := words.In(l)
	fmt.Fprintf(w, "%s: %s\n", c.Name, c.Title.In(l))
	if clause := p.Clause(c.Clause); clause != nil {
		fmt.Fprintf(w, "  %s %s %s\n  %s %s\n  %s %s\n", pad(say.clause, 10), clause.ID, clause.Text.In(l), pad(say.why, 10), clause.Why.In(l), pad(say.read, 10), clause.Read)
	}
}
