package referee

import (
	"encoding/json"
	"fmt"

	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
)

// A Cause is how a conversation went wrong.
type Cause int

const (
	Refused     Cause = iota // nobody listens
	Unreachable              // no way there, or no answer to the connection
	NoSuchHost
	Reset        // the connection was reset
	ClosedEarly  // the server closed before it had sent what was due
	Silent       // nothing came until the deadline
	WrongByte    // the byte at Offset differs
	Surplus      // more came than was due
	TooEarly     // something came before it could be due
	NotClosed    // the server did not close
	Unexpected   // a line that is none of those that were due
	WrongAddress // the answer came from another address than was asked
	NotRead      // the server reads no more
	WrongPackets // the conversation went well, its packets did not
	Ended        // nobody listens any more: the server has answered before
)

func (c Cause) unreachable() bool { return c <= NoSuchHost }

var causes = [...]struct {
	name  string
	words language.Both[string]
}{
	Refused:      {"refused", language.Both[string]{Zh: "连接被拒绝: 那里没有程序在监听", En: "refused: nobody listens there"}},
	Unreachable:  {"unreachable", language.Both[string]{Zh: "连不上", En: "unreachable"}},
	NoSuchHost:   {"no_such_host", language.Both[string]{Zh: "没有这个主机名", En: "no such host"}},
	Reset:        {"reset", language.Both[string]{Zh: "连接被重置 (RST)", En: "the connection was reset (RST)"}},
	ClosedEarly:  {"closed_early", language.Both[string]{Zh: "服务器过早关闭了连接", En: "the server closed too early"}},
	Silent:       {"silent", language.Both[string]{Zh: "直到时限什么也没有来", En: "silent until the deadline"}},
	WrongByte:    {"wrong_byte", language.Both[string]{Zh: "字节不同", En: "a byte differs"}},
	Surplus:      {"surplus", language.Both[string]{Zh: "多发了字节", En: "bytes that are not due"}},
	TooEarly:     {"too_early", language.Both[string]{Zh: "回答得太早", En: "an answer before it was due"}},
	NotClosed:    {"not_closed", language.Both[string]{Zh: "服务器没有关闭连接", En: "the server did not close"}},
	Unexpected:   {"unexpected", language.Both[string]{Zh: "来的不是应有的内容", En: "not what was due"}},
	WrongAddress: {"wrong_address", language.Both[string]{Zh: "回答来自别的地址, 或到了别的客户端", En: "the answer came from, or went to, another address"}},
	NotRead:      {"not_read", language.Both[string]{Zh: "服务器不再读取", En: "the server reads no more"}},
	WrongPackets: {"wrong_packets", language.Both[string]{Zh: "对话没有问题, 数据包有问题", En: "the conversation is right, its packets are not"}},
	Ended:        {"ended", language.Both[string]{Zh: "服务器已经结束: 那里不再有程序在监听", En: "the server has ended: nobody listens any more"}},
}

// String is the cause's name in JSON and JUnit.
func (c Cause) String() string { return causes[c].name }

func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// In is the cause in words.
func (c Cause) In(l language.Lang) string { return causes[c].words.In(l) }

// A Failure is a conversation that went wrong.
type Failure struct {
	Cause  Cause                 `json:"cause"`
	Want   []byte                `json:"-"` // the bytes that were due, if they are known
	Got    []byte                `json:"-"` // what came in their place
	Offset int                   `json:"offset"`
	Due    language.Both[string] `json:"-"` // what was due, in words
	Events []Event               `json:"-"` // the conversation until then
	Err    error                 `json:"-"`

	Packets []*wire.Record `json:"-"` // of a packet check: the few that show it
}

// MarshalJSON writes bytes as quoted text: most of them are text, and those that are not must be readable, too.
func (f *Failure) MarshalJSON() ([]byte, error) {
	type event struct {
		Who, Did, Bytes string `json:",omitempty"`
	}
	events := make([]event, len(f.Events))
	for i, e := range f.Events {
		events[i] = event{e.Who, e.Did.String(), quote(e.Bytes)}
	}
	var ids []int
	for _, r := range f.Packets {
		ids = append(ids, r.ID)
	}
	return json.Marshal(struct {
		Cause  Cause   `json:"cause"`
		Due    string  `json:"due"`
		Want   string  `json:"want,omitempty"`
		Got    string  `json:"got"`
		Offset int     `json:"offset"`
		Events []event `json:"conversation"`
		IDs    []int   `json:"packets,omitempty"` // as "wire open" takes them
	}{f.Cause, f.Due.En, quote(f.Want), quote(f.Got), f.Offset, events, ids})
}

func quote(b []byte) string {
	if b == nil {
		return ""
	}
	return fmt.Sprintf("%q", b)
}

// An UnreachableError means that a server could not be asked anything: there is no verdict.
type UnreachableError struct {
	Server string
	Cause  Cause
	Err    error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s: %s", e.Server, e.Cause.In(language.English))
}

// Tell is the error for a person.
func (e *UnreachableError) Tell(l language.Lang) string {
	return fmt.Sprintf("%s: %s", e.Server, e.Cause.In(l))
}
