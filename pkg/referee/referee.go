// Package referee judges a server that speaks one of the lab's protocols: ours or anybody's, in any language.
//
// A protocol has a contract, a short list of clauses, and checks. A check is one conversation that must go as the
// clause says: the referee is the client, sends bytes, and compares what comes back. So a check reads like the
// conversation itself:
//
//	func(x *Exchange) {
//		p := x.Dial()
//		p.Send("hello")
//		p.Expect(x.Answer())
//		p.ExpectEnd()
//	}
//
// A step that does not go as it must ends the check with a Failure: what was sent, what came back, what was due. A
// check that needs what another has found out says so, and if that one failed, nothing is judged twice.
//
// Every wait and every buffer is bounded, so a hostile server can fail a check but not hold the referee up.
package referee

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"netlab.example/pkg/language"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/wire"
)

// A Protocol is what a server may claim to speak.
type Protocol struct {
	Name     string // hello-tcp, chat-server, udp-temp
	Networks []string
	Contract []Clause
	Checks   []Check
}

// A Clause is one sentence of a contract.
type Clause struct {
	ID   string // H1, R1, T1 ...
	Text language.Both[string]
	Why  language.Both[string] // it matters
	Read string                // where to read on: an RFC's section, a man page
}

// A Check is one idea: a conversation that shows whether a server keeps a clause.
type Check struct {
	Name   string
	Clause string
	Title  language.Both[string]
	Needs  []string // checks without which this one would say nothing
	Means  Means    // what the referee must have for it
	Run    func(*Exchange)
}

// Means are what not every judgement has. Without them a check is left out, and the report says so.
type Means string

const (
	Stop        Means = "stop"         // a way to stop the server
	Wire        Means = "wire"         // a wire that answers
	WireSees    Means = "wire-sees"    // one that sees the referee's own connections
	WireImpairs Means = "wire-impairs" // one that can break the link
)

// A Verdict is what became of a check.
type Verdict string

const (
	Passed    Verdict = "passed"
	Failed    Verdict = "failed"
	NotJudged Verdict = "not judged" // a check that this one needs has failed, or the time was over
)

// A Result is the verdict on one check.
type Result struct {
	Check   string        `json:"check"`
	Clause  string        `json:"clause"`
	Verdict Verdict       `json:"verdict"`
	Because string        `json:"because,omitempty"` // the failed check that stands in the way; "time" if the time was over
	Failure *Failure      `json:"failure,omitempty"`
	Took    time.Duration `json:"took_ns"`
}

// A Report is the verdict on a server.
type Report struct {
	Protocol string   `json:"protocol"`
	Server   string   `json:"server"`
	Results  []Result `json:"results"`

	Left  map[Means][]string      `json:"left_out,omitempty"` // checks for which the referee lacks the means
	Notes []language.Both[string] `json:"-"`                  // what was seen, and is not judged
}

// timeOver is why a check was not judged for which no time was left.
const timeOver = "time"

const longest = 40 * time.Second // for a whole judgement, whatever the server does

// Options say how to judge.
type Options struct {
	Only     []string      // the checks that are wanted, nil: all; what those need is checked, too
	Progress func(Result)  // called after each check; nil: nobody
	Replies  string        // the folder in which a unixgram client binds its socket; "": the system's for temporary files
	Longest  time.Duration // after this time no check begins any more, and the last one ends; 0: 40 s
	Operator Operator      // who answers at a server that takes turns

	Stop func(context.Context) error // stops the server; nil: the referee may not
	Wire *wire.Client                // beside the server; nil: none
}

// Judge checks the server at an address. An *UnreachableError is returned if the server could not be asked anything at
// all: then there is no verdict.
func (p *Protocol) Judge(ctx context.Context, server sockets.Address, o Options) (*Report, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(o.Longest, longest))
	defer cancel()
	r := &Report{Protocol: p.Name, Server: server.String()}
	known := make(map[string]string)
	failed := make(map[string]string) // a check, and the one that failed for it
	gone := ""                        // the check at which nobody listened any more
	r.Left = make(map[Means][]string)
	for _, c := range p.selected(o.Only) {
		if c.Means == Stop && o.Stop == nil || c.Means == Wire && (o.Wire == nil || strings.HasPrefix(server.Network, "unix")) {
			r.Left[c.Means] = append(r.Left[c.Means], c.Name)
			continue
		}
		res := Result{Check: c.Name, Clause: c.Clause, Verdict: NotJudged}
		switch {
		case ctx.Err() != nil:
			res.Because = timeOver
		case gone != "":
			res.Because = gone
		default:
			for _, need := range c.Needs {
				if f := failed[need]; f != "" {
					res.Because = f
					break
				}
			}
		}
		if res.Because == "" {
			began := time.Now()
			failure, lacks := run(ctx, c, server, known, o, &r.Notes)
			if lacks != "" {
				r.Left[lacks] = append(r.Left[lacks], c.Name)
				continue
			}
			res.Failure = failure
			res.Took = time.Since(began)
			switch {
			case res.Failure == nil:
				res.Verdict = Passed
			case len(r.Results) == 0 && (res.Failure.Cause.unreachable() || res.Failure.Cause == Silent && strings.HasSuffix(p.Networks[0], "dp")):
				return nil, &UnreachableError{Server: server.String(), Cause: res.Failure.Cause, Err: res.Failure.Err}
			default:
				res.Verdict = Failed
				if res.Failure.Cause == Refused || o.Operator != nil && !o.Operator.Runs() {
					res.Failure.Cause = Ended
				}
				gone = o.afterFailure(ctx, c.Name, res.Failure, server)
			}
		}
		switch res.Verdict {
		case Failed:
			failed[c.Name] = c.Name
		case NotJudged:
			failed[c.Name] = res.Because
		}
		r.Results = append(r.Results, res)
		if o.Progress != nil {
			o.Progress(res)
		}
	}
	return r, nil
}

// afterFailure names the check after which there is nothing left to judge, if this was it. A server with an operator is
// in a state that nobody knows then: it is started again.
func (o Options) afterFailure(ctx context.Context, check string, f *Failure, server sockets.Address) (gone string) {
	switch {
	case o.Operator != nil && o.Operator.Watches():
		if o.Operator.Again() != nil {
			return check
		}
	case f.Cause == Ended, nobodyListens(ctx, server):
		return check
	}
	return ""
}

// nobodyListens reports whether the server has gone: then the checks that are left would only say so again.
func nobodyListens(ctx context.Context, server sockets.Address) (gone bool) {
	x := &Exchange{ctx: ctx, server: server, replies: os.TempDir()}
	defer x.close()
	defer func() {
		if f, ok := recover().(*Failure); ok {
			gone = f.Cause == Refused
		}
	}()
	if server.Network == "unixgram" {
		_, err := os.Stat(server.Addr)
		return err != nil
	}
	if strings.HasPrefix(server.Network, "udp") {
		return x.Asker().nobodyReceives()
	}
	x.Dial()
	return false
}

// selected is the checks that are wanted, and those that they need, in the order of the protocol.
func (p *Protocol) selected(only []string) []Check {
	if only == nil {
		return p.Checks
	}
	wanted := make(map[string]bool)
	var want func(name string)
	want = func(name string) {
		if wanted[name] {
			return
		}
		wanted[name] = true
		if c := p.Check(name); c != nil {
			for _, need := range c.Needs {
				want(need)
			}
		}
	}
	for _, name := range only {
		want(name)
	}
	return slices.DeleteFunc(slices.Clone(p.Checks), func(c Check) bool { return !wanted[c.Name] })
}

// Check is the check of that name, or nil.
func (p *Protocol) Check(name string) *Check {
	i := slices.IndexFunc(p.Checks, func(c Check) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &p.Checks[i]
}

// Clause is the clause with that ID, or nil.
func (p *Protocol) Clause(id string) *Clause {
	i := slices.IndexFunc(p.Contract, func(c Clause) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return &p.Contract[i]
}

// Passed reports whether no check failed. A check that was not judged is another one's failure.
func (r *Report) Passed() bool {
	return !slices.ContainsFunc(r.Results, func(res Result) bool { return res.Verdict != Passed })
}

// run has one check's conversation. It returns no failure if all went as it must.
func run(ctx context.Context, c Check, server sockets.Address, known map[string]string, o Options, notes *[]language.Both[string]) (failure *Failure, lacks Means) {
	x := &Exchange{ctx: ctx, server: server, known: known, replies: cmp.Or(o.Replies, os.TempDir()),
		operator: o.Operator, stop: o.Stop, wire: o.Wire, notes: notes}
	defer x.close()
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Failure:
			r.Events = x.events
			failure = r
		case lacking:
			lacks = r.means
		default:
			panic(r)
		}
	}()
	c.Run(x)
	return nil, ""
}

// Protocols are those that the referee knows.
var Protocols = []*Protocol{Hello, Room, Turns, Temp}
