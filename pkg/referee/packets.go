package referee

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/ladder"
)

// lacking ends a check that cannot be made here: the judgement leaves it out.
type lacking struct{ means Means }

const (
	seenWithin = 3 * time.Second // for a wire to tell of the packets
	seenPause  = 20 * time.Millisecond
	maxPages   = 50
)

// A fault is what is wrong with a connection's packets: the record that shows it, and what it is.
type fault struct {
	at   *wire.Record
	from *wire.Record // an earlier one that belongs to it, or nil
	due  language.Both[string]
}

// Packets returns what a wire saw of a peer's connection, once done holds for it or a while has passed: only that of this
// connection, which the referee made itself.
func (p *Peer) Packets(done func([]*wire.Record) bool) []*wire.Record {
	x := p.x
	client, err := netip.ParseAddrPort(p.conn.LocalAddr().String())
	if err != nil {
		panic(lacking{WireSees})
	}
	for until := x.deadline(seenWithin); ; x.Pause(seenPause) {
		records := x.recordsOf(client)
		late := time.Now().After(until)
		switch {
		case len(records) > 0 && (late || done(records)):
			return records
		case late: // it watches another server, or an address is translated on the way
			panic(lacking{WireSees})
		}
	}
}

// recordsOf are the records of the newest connection from this client.
func (x *Exchange) recordsOf(client netip.AddrPort) (all []*wire.Record) {
	client = netip.AddrPortFrom(client.Addr().Unmap().WithZone(""), client.Port())
	known, err := x.wire.Connections(x.ctx)
	if err != nil {
		panic(lacking{Wire})
	}
	conn := 0
	for _, c := range known.Connections {
		if c.Client == client {
			conn = max(conn, c.Ordinal)
		}
	}
	if conn == 0 {
		return nil
	}
	q := wire.Query{Conn: conn}
	for range maxPages {
		page, err := x.wire.Records(x.ctx, q)
		if err != nil {
			panic(lacking{Wire})
		}
		all = append(all, page.Records...)
		if len(page.Records) == 0 || page.Next == q.Since {
			break
		}
		q.Since = page.Next
	}
	return all
}

// mustBe fails if the packets have a fault.
func mustBe(records []*wire.Record, faultOf func([]*wire.Record) *fault) {
	f := faultOf(records)
	if f == nil {
		return
	}
	panic(&Failure{Cause: WrongPackets, Due: f.due, Packets: around(records, f)})
}

const shownPackets = 4

// around is the few packets that show a fault: those before it, and the one that belongs to it, without bare ACKs.
func around(records []*wire.Record, f *fault) []*wire.Record {
	records = slices.DeleteFunc(slices.Clone(records), func(r *wire.Record) bool { return r != f.at && ladder.Bare(r) })
	var few []*wire.Record
	for i, r := range records {
		if r.ID != f.at.ID {
			continue
		}
		few = records[max(0, i-shownPackets+1) : i+1]
		if f.from != nil && f.from.ID < few[0].ID {
			few = append([]*wire.Record{f.from}, few...)
		}
	}
	return few
}

func isData(r *wire.Record) bool { return r.Packet.TCP != nil && r.Packet.Data.Len > 0 }
func carries(r *wire.Record, f wire.Flags) bool {
	return r.Packet.TCP != nil && r.Packet.TCP.Flags.Has(f)
}

// closed reports whether both sides have ended, or one has reset.
func closed(records []*wire.Record) bool {
	var fins [2]bool
	for _, r := range records {
		if carries(r, wire.RST) {
			return true
		}
		if carries(r, wire.FIN) {
			fins[way(r)] = true
		}
	}
	return fins[0] && fins[1]
}

func way(r *wire.Record) int {
	if r.Dir == wire.In {
		return 0
	}
	return 1
}

// resetOfAnswered is a reset from the server on a connection on which it has answered.
func resetOfAnswered(records []*wire.Record) *fault {
	var answer, unread *wire.Record
	for _, r := range records {
		switch {
		case r.Dir == wire.Out && isData(r):
			answer = r
		case r.Dir == wire.In && isData(r):
			unread = r
		case r.Dir == wire.Out && carries(r, wire.RST) && answer != nil:
			f := &fault{at: r, from: answer, due: due("回答之后没有重置", "no reset after the answer")}
			switch r.Label.Why {
			case wire.WhyUnread, wire.WhyAfterClose, wire.WhyAbort: // a kernel's reset for unread bytes looks like one asked for
				if unread != nil {
					f.from, f.due = unread, unreadWords(unread)
				}
			}
			return f
		}
	}
	return nil
}

func unreadWords(r *wire.Record) language.Both[string] {
	from, to := r.Seq, r.Seq+uint32(r.Packet.Data.Len)-1
	return due(fmt.Sprintf("回答之后没有重置: 服务器关闭之前先读完字节 %d 到 %d (数据包 #%d)", from, to, r.ID),
		fmt.Sprintf("no reset after the answer: the server reads bytes %d to %d (packet #%d) before it closes", from, to, r.ID))
}

// notClosedInOrder is the first thing that is no orderly close: a reset, or the server's FIN that does not come.
func notClosedInOrder(records []*wire.Record) *fault {
	words := due("双方各以一个 FIN 结束, 没有 RST", "each side ends with a FIN, and no RST comes")
	fins := [2]bool{}
	for _, r := range records {
		switch {
		case carries(r, wire.RST):
			return &fault{at: r, due: words}
		case carries(r, wire.FIN):
			fins[way(r)] = true
		}
	}
	if !fins[0] || !fins[1] {
		return &fault{at: records[len(records)-1], due: words}
	}
	return nil
}

// dataAfterFIN is data from the server beyond its own FIN. Data that it sends once more lies before it.
func dataAfterFIN(records []*wire.Record) *fault {
	var fin *wire.Record
	for _, r := range records {
		if r.Dir != wire.Out {
			continue
		}
		end := r.Seq + uint32(r.Packet.Data.Len)
		if fin != nil && isData(r) && int32(end-(fin.Seq+uint32(fin.Packet.Data.Len))) > 0 {
			return &fault{at: r, from: fin, due: due("FIN 之后服务器不再发送数据", "the server sends no data after its FIN")}
		}
		if carries(r, wire.FIN) && fin == nil {
			fin = r
		}
	}
	return nil
}

// offered says what the server offered in its SYN ACK, or "".
func offered(records []*wire.Record) (words language.Both[string]) {
	for _, r := range records {
		if r.Dir != wire.Out || !carries(r, wire.SYN|wire.ACK) {
			continue
		}
		t := r.Packet.TCP
		scale, sack := "-", "-"
		if t.WindowScale != nil {
			scale = fmt.Sprint(*t.WindowScale)
		}
		if t.SACKPermitted {
			sack = "+"
		}
		text := fmt.Sprintf("MSS %d, SACK %s, window scale %s", t.MSS, sack, scale)
		return due("握手: 服务器提出 "+text, "handshake: the server offers "+text)
	}
	return
}

// Impaired breaks the link of the referee's own address while f has its conversation. The wire ends that by itself, if
// nobody else does: after a time, however the referee ends.
func (x *Exchange) Impaired(line string, from net.Addr, f func()) {
	status, err := x.wire.Status(x.ctx)
	if err != nil {
		panic(lacking{Wire})
	}
	if !status.Impairs {
		panic(lacking{WireImpairs})
	}
	scope := "from " + addrOf(from)
	before, err := x.wire.Link(x.ctx)
	if err == nil {
		_, err = x.wire.ChangeLink(x.ctx, line+" "+scope+" for "+longest.String())
	}
	if err != nil {
		panic(lacking{WireImpairs})
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), patience)
		defer cancel()
		x.wire.ChangeLink(ctx, "clear "+scope)
		for _, s := range before.Scoped {
			if s.Scope.String() == scope {
				x.wire.ChangeLink(ctx, s.Settings.String()+" "+scope)
			}
		}
	}()
	f()
}

func addrOf(a net.Addr) string {
	p, err := netip.ParseAddrPort(a.String())
	if err != nil {
		panic(lacking{WireSees})
	}
	return p.Addr().Unmap().WithZone("").String()
}

const badLink = "loss=30% reorder=25% corrupt=10%"

// lossTime is for what is due over a bad link: a retransmission waits twice as long each time.
const lossTime = 15 * time.Second

// note keeps something that was seen, and that no clause is about.
func (x *Exchange) note(words language.Both[string]) {
	if words.En != "" {
		*x.notes = append(*x.notes, words)
	}
}
