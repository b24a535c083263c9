package referee

import (
	"net/netip"
	"strings"
	"testing"

	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
)

var (
	testClient = netip.MustParseAddrPort("172.18.0.5:51234")
	testServer = netip.MustParseAddrPort("172.18.0.2:8080")
)

// seg is one packet: its direction, flags, sequence number and data.
func seg(dir wire.Direction, flags wire.Flags, seq uint32, data string) *wire.Record {
	r := &wire.Record{Dir: dir, Conn: 1, Client: testClient, Server: testServer, Seq: seq, Raw: []byte(data)}
	r.Packet = wire.Packet{Version: 4, Proto: wire.ProtoTCP, Src: testClient, Dst: testServer,
		Data: wire.Span{Len: len(data)}, TCP: &wire.TCP{Flags: flags}}
	if dir == wire.Out {
		r.Packet.Src, r.Packet.Dst = testServer, testClient
	}
	return r
}

func numbered(records ...*wire.Record) []*wire.Record {
	for i, r := range records {
		r.ID = i + 1
	}
	return records
}

// conversation is one request, one answer, and an orderly close; each fault is one deviation from it.
func conversation() []*wire.Record {
	scale := uint8(7)
	synAck := seg(wire.Out, wire.SYN|wire.ACK, 0, "")
	synAck.Packet.TCP.MSS, synAck.Packet.TCP.WindowScale = 1460, &scale
	return numbered(
		seg(wire.In, wire.SYN, 0, ""), synAck, seg(wire.In, wire.ACK, 1, ""),
		seg(wire.In, wire.PSH|wire.ACK, 1, "hello"), seg(wire.Out, wire.PSH|wire.ACK, 1, "answer"),
		seg(wire.Out, wire.FIN|wire.ACK, 7, ""), seg(wire.In, wire.FIN|wire.ACK, 6, ""), seg(wire.Out, wire.ACK, 8, ""),
	)
}

func TestPackets(t *testing.T) {
	reset := func() *wire.Record { return seg(wire.Out, wire.RST|wire.ACK, 7, "") }
	fromClient := seg(wire.In, wire.RST|wire.ACK, 6, "")
	type check struct {
		name string
		find func([]*wire.Record) *fault
	}
	unanswered, order, after := check{"reset", resetOfAnswered}, check{"order", notClosedInOrder}, check{"after", dataAfterFIN}
	for _, tc := range []struct {
		name    string
		records []*wire.Record
		faults  string // which checks find one, and at which record
	}{
		{"an orderly close", conversation(), ""},
		{"a reset after the answer", numbered(append(conversation()[:5], reset())...), "reset:6 order:6"},
		{"a reset without an answer", numbered(append(conversation()[:4], reset())...), "order:5"},
		{"a reset from the client", numbered(append(conversation()[:6], fromClient)...), "order:7"},
		{"no FIN from the server", numbered(append(conversation()[:5], conversation()[6])...), "order:6"},
		{"data after FIN", numbered(append(conversation()[:6], seg(wire.Out, wire.PSH|wire.ACK, 8, "more"), conversation()[6])...), "after:7"},
		{"the answer once more after FIN", numbered(append(conversation(), seg(wire.Out, wire.PSH|wire.ACK, 1, "answer"))...), ""},
	} {
		var found []string
		for _, c := range []check{unanswered, order, after} {
			if f := c.find(tc.records); f != nil {
				found = append(found, c.name+":"+string(rune('0'+f.at.ID)))
			}
		}
		if got := strings.Join(found, " "); got != tc.faults {
			t.Errorf("%s: found %q, want %q", tc.name, got, tc.faults)
		}
	}
}

// A failed packet check shows the packet that is wrong and the unread bytes that caused it, as a ladder, in either language.
func TestPacketsArePrinted(t *testing.T) {
	records := numbered(append(conversation()[:5], seg(wire.Out, wire.RST|wire.ACK, 7, ""))...)
	records[5].Label = wire.Label{Kind: wire.KindRST, Why: wire.WhyUnread}
	failure := attempt(func() { mustBe(records, resetOfAnswered) })
	if failure == nil || failure.Cause != WrongPackets {
		t.Fatalf("failure: %+v", failure)
	}
	for l, bytes := range map[language.Lang]string{language.English: "bytes 1 to 5 (packet #4)", language.Chinese: "字节 1 到 5 (数据包 #4)"} {
		var b strings.Builder
		Hello.PrintResult(&b, Result{Check: "no-reset", Clause: "H5", Verdict: Failed, Failure: failure}, l)
		for _, want := range []string{bytes, "RST", "#6", "wire open 6\n", "H5 "} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("no %q in\n%s", want, b.String())
			}
		}
	}
	if got := offered(records).En; got != "handshake: the server offers MSS 1460, SACK -, window scale 7" {
		t.Errorf("offered: %q", got)
	}
}

// Without its means a check is left out, and the report says which and why; it is no failure.
func TestLeftOut(t *testing.T) {
	r := &Report{Protocol: "hello-tcp", Left: map[Means][]string{Wire: {"no-reset"}, Stop: {"stop"}}}
	for l, words := range map[language.Lang]string{
		language.English: "no-reset (packets need a wire: docker compose run --rm referee check hello-tcp URL",
		language.Chinese: "no-reset (数据包要由 wire 看: docker compose run --rm referee check hello-tcp URL",
	} {
		var b strings.Builder
		r.PrintTotal(&b, l)
		if !strings.Contains(b.String(), words) || !strings.Contains(b.String(), "stop (") {
			t.Errorf("got\n%s", b.String())
		}
	}
	if !r.Passed() {
		t.Error("what is left out counts as failed")
	}
}
