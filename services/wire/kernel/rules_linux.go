package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Mark is on everything that wire itself sends, and the rules let it pass: "wire" in ASCII.
const Mark = 0x77697265

const (
	tableName = "wire"
	aliveSet  = "alive"
)

// answerTime is more than the kernel takes to answer a batch.
const answerTime = time.Second

// Lasts is for how long wire counts as alive after Renew. The rules match only while it does, so that packets
// bypass a wire that stands still: paused, stopped, or short of memory.
const Lasts = time.Second

// Rules is the nftables table that puts packets into the queue. The socket owns it: when wire dies, no
// matter how, the kernel removes the table and traffic flows as if wire had never been there.
type Rules struct {
	conn  *netlink.Conn
	Owned bool // false on a kernel before 5.12: the table then stays behind a killed wire, and lets packets pass (bypass)
}

// Match says which packets to queue.
type Match struct {
	Proto uint8 // unix.IPPROTO_TCP or _UDP
	Port  uint16
	Queue uint16
}

// InstallNative uses nftables' own queue statement (module nft_queue).
func InstallNative(m Match) (*Rules, error) {
	return install(m, &expr.Queue{Num: m.Queue, Total: 1, Flag: expr.QueueFlagBypass})
}

// InstallCompat borrows the target of iptables (modules nft_compat and xt_NFQUEUE), which is there on
// kernels that have no nft_queue.
func InstallCompat(m Match) (*Rules, error) {
	info := xt.Unknown(make([]byte, 8)) // struct xt_NFQ_info_v3: number, how many, flags; padded
	binary.NativeEndian.PutUint16(info[0:], m.Queue)
	binary.NativeEndian.PutUint16(info[2:], 1)
	binary.NativeEndian.PutUint16(info[4:], 1) // bypass: accept while nobody listens
	return install(m, &expr.Target{Name: "NFQUEUE", Rev: 3, Info: &info})
}

// install tries an owned table first. One that is left behind by a killed wire on an old kernel is
// removed; the caller has made sure that no other wire lives here.
func install(m Match, target expr.Any) (*Rules, error) {
	const ownerFlag = 2 // NFT_TABLE_F_OWNER
	r, err := send(batchFor(m, target, ownerFlag))
	if errors.Is(err, unix.EEXIST) {
		if err := Remove(); err != nil {
			return nil, fmt.Errorf("remove the old table: %w", err)
		}
		r, err = send(batchFor(m, target, ownerFlag))
	}
	if err == nil {
		r.Owned = true
		return r, nil
	}
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EINVAL) {
		return nil, err
	}
	return send(batchFor(m, target, 0))
}

// Renew says that wire is alive. An element's time cannot be set anew on most kernels, so a new one takes the old
// one's place, in one transaction; when the old one is gone already, there is only the new one.
func (r *Rules) Renew() error {
	again := func(messages ...uint16) error {
		var b batch
		b.begin()
		for _, m := range messages {
			b.alive(m)
		}
		b.end()
		return commit(r.conn, b)
	}
	err := again(unix.NFT_MSG_DELSETELEM, unix.NFT_MSG_NEWSETELEM)
	if errors.Is(err, unix.ENOENT) {
		err = again(unix.NFT_MSG_NEWSETELEM)
	}
	return err
}

// Empty takes the rules out of the table, so that no more packets are queued. The table itself has to
// stay until all packets that are queued have their verdict: with it the kernel drops them.
func (r *Rules) Empty() error {
	var b batch
	b.begin()
	b.add(unix.NFT_MSG_DELRULE, 0, text(unix.NFTA_RULE_TABLE, tableName))
	b.end()
	return commit(r.conn, b)
}

// Close removes the table.
func (r *Rules) Close() error {
	var err error
	if !r.Owned {
		err = Remove()
	}
	return errors.Join(err, r.conn.Close())
}

// Remove deletes wire's table, if there is one that nobody owns.
func Remove() error {
	var b batch
	b.begin()
	b.add(unix.NFT_MSG_DELTABLE, 0, text(unix.NFTA_TABLE_NAME, tableName))
	b.end()
	r, err := send(b)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	return r.conn.Close()
}

// batchFor is the whole table, in one transaction: all of it or nothing.
//
//	table inet wire {
//	  set alive      { flags timeout; elements = { 1 timeout 1s } }       all rules below end in: 1 in @alive queue
//	  chain in       { type filter hook input      priority mangle; … }   to the port, and ICMP errors
//	  chain out      { type filter hook output     priority mangle; … }   from the port, and ICMP errors
//	  chain pieces   { type filter hook prerouting priority -450; … }     fragments, before they are put together
//	}
//
// Each rule leaves out lo (Docker's DNS and the health checks live there) and what wire has sent itself.
// Of ICMP only errors are taken: they quote the packet that they are about. The rest of ICMPv6 is what
// IPv6 needs to find its neighbours, and must never wait.
func batchFor(m Match, target expr.Any, flags uint32) batch {
	const mangle, beforeDefrag = -150, -450
	var b batch
	b.begin()
	b.add(unix.NFT_MSG_NEWTABLE, netlink.Excl, text(unix.NFTA_TABLE_NAME, tableName), number(unix.NFTA_TABLE_FLAGS, flags))
	b.add(unix.NFT_MSG_NEWSET, 0,
		text(unix.NFTA_SET_TABLE, tableName), text(unix.NFTA_SET_NAME, aliveSet), number(unix.NFTA_SET_ID, 1), number(unix.NFTA_SET_FLAGS, unix.NFT_SET_TIMEOUT),
		number(unix.NFTA_SET_KEY_TYPE, 0), number(unix.NFTA_SET_KEY_LEN, 4), milliseconds(unix.NFTA_SET_TIMEOUT, Lasts))
	b.alive(unix.NFT_MSG_NEWSETELEM)
	for _, c := range []struct {
		name string
		hook Hook
		port uint32 // its offset in the header: the destination's on the way in, the source's on the way out
		lo   expr.MetaKey
	}{{"in", LocalIn, 2, expr.MetaKeyIIFNAME}, {"out", LocalOut, 0, expr.MetaKeyOIFNAME}} {
		b.chain(c.name, c.hook, mangle)
		b.rule(c.name, c.lo, target, protocol(m.Proto), field(expr.PayloadBaseTransportHeader, c.port, binary.BigEndian.AppendUint16(nil, m.Port), expr.CmpOpEq))
		for _, typ := range []byte{3, 11, 12} { // destination unreachable, time exceeded, parameter problem
			b.rule(c.name, c.lo, target, protocol(unix.IPPROTO_ICMP), field(expr.PayloadBaseTransportHeader, 0, []byte{typ}, expr.CmpOpEq))
		}
		b.rule(c.name, c.lo, target, protocol(unix.IPPROTO_ICMPV6), field(expr.PayloadBaseTransportHeader, 0, []byte{4}, expr.CmpOpLte))
	}
	b.chain("pieces", PreRouting, beforeDefrag)
	b.rule("pieces", expr.MetaKeyIIFNAME, target, family(unix.NFPROTO_IPV4), protocol(m.Proto), []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 6, Len: 2},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 2, Mask: []byte{0x3f, 0xff}, Xor: []byte{0, 0}}, // more fragments, and the offset
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{0, 0}},
	})
	b.rule("pieces", expr.MetaKeyIIFNAME, target, family(unix.NFPROTO_IPV6), protocol(m.Proto), []expr.Any{
		// An atomic fragment, which is a whole datagram with such a header (RFC 6946), is no piece: chain in has it.
		&expr.Exthdr{DestRegister: 1, Type: unix.IPPROTO_FRAGMENT, Offset: 2, Len: 2, Op: expr.ExthdrOpIpv6},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 2, Mask: []byte{0xff, 0xf9}, Xor: []byte{0, 0}}, // the offset, and more fragments
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{0, 0}},
	})
	b.end()
	return b
}

// meta compares something that the kernel knows about the packet.
func meta(key expr.MetaKey, op expr.CmpOp, data []byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: op, Register: 1, Data: data}}
}

func protocol(p byte) []expr.Any { return meta(expr.MetaKeyL4PROTO, expr.CmpOpEq, []byte{p}) }
func family(f byte) []expr.Any   { return meta(expr.MetaKeyNFPROTO, expr.CmpOpEq, []byte{f}) }

// field compares bytes of the packet.
func field(base expr.PayloadBase, offset uint32, data []byte, op expr.CmpOp) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: base, Offset: offset, Len: uint32(len(data))},
		&expr.Cmp{Op: op, Register: 1, Data: data},
	}
}

// batch is a transaction of nftables. google/nftables has one too, but its tables cannot have an owner;
// only its expressions are used here.
type batch struct {
	messages []netlink.Message
	err      error
}

func (b *batch) put(typ uint16, flags netlink.HeaderFlags, data []byte) {
	b.messages = append(b.messages, netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(typ), Flags: netlink.Request | flags},
		Data:   data,
	})
}

func (b *batch) begin() {
	b.put(unix.NFNL_MSG_BATCH_BEGIN, 0, []byte{0, 0, 0, unix.NFNL_SUBSYS_NFTABLES})
}
func (b *batch) end() { b.put(unix.NFNL_MSG_BATCH_END, 0, []byte{0, 0, 0, unix.NFNL_SUBSYS_NFTABLES}) }

// add appends a message that the kernel will acknowledge.
func (b *batch) add(typ uint16, flags netlink.HeaderFlags, attrs ...netlink.Attribute) {
	if typ != unix.NFT_MSG_DELTABLE && typ != unix.NFT_MSG_DELRULE && typ != unix.NFT_MSG_DELSETELEM {
		flags |= netlink.Create
	}
	data := append([]byte{unix.NFPROTO_INET, unix.NFNETLINK_V0, 0, 0}, b.marshal(attrs)...)
	b.put(unix.NFNL_SUBSYS_NFTABLES<<8|typ, flags|netlink.Acknowledge, data)
}

func (b *batch) chain(name string, hook Hook, priority int32) {
	b.add(unix.NFT_MSG_NEWCHAIN, 0,
		text(unix.NFTA_CHAIN_TABLE, tableName), text(unix.NFTA_CHAIN_NAME, name), text(unix.NFTA_CHAIN_TYPE, "filter"),
		b.nest(unix.NFTA_CHAIN_HOOK, number(unix.NFTA_HOOK_HOOKNUM, uint32(hook)), number(unix.NFTA_HOOK_PRIORITY, uint32(priority))))
}

func (b *batch) rule(chain string, ifname expr.MetaKey, target expr.Any, conditions ...[]expr.Any) {
	all := meta(ifname, expr.CmpOpNeq, append([]byte("lo"), make([]byte, 14)...))
	all = append(all, meta(expr.MetaKeyMARK, expr.CmpOpNeq, binaryutil.NativeEndian.PutUint32(Mark))...)
	for _, c := range conditions {
		all = append(all, c...)
	}
	all = append(all, &expr.Immediate{Register: 1, Data: aliveKey}, &expr.Lookup{SourceRegister: 1, SetName: aliveSet, SetID: 1})
	var list []netlink.Attribute
	for _, e := range append(all, target) {
		data, err := expr.Marshal(unix.NFPROTO_INET, e)
		b.err = errors.Join(b.err, err)
		list = append(list, netlink.Attribute{Type: unix.NLA_F_NESTED | unix.NFTA_LIST_ELEM, Data: data})
	}
	b.add(unix.NFT_MSG_NEWRULE, netlink.Append,
		text(unix.NFTA_RULE_TABLE, tableName), text(unix.NFTA_RULE_CHAIN, chain), b.nest(unix.NFTA_RULE_EXPRESSIONS, list...))
}

var aliveKey = []byte{0, 0, 0, 1}

// alive puts the element into the set, or takes it out.
func (b *batch) alive(typ uint16) {
	key := b.nest(unix.NFTA_SET_ELEM_KEY, netlink.Attribute{Type: unix.NFTA_DATA_VALUE, Data: aliveKey})
	elem := b.nest(unix.NFTA_LIST_ELEM, key, milliseconds(unix.NFTA_SET_ELEM_TIMEOUT, Lasts))
	if typ == unix.NFT_MSG_DELSETELEM {
		elem = b.nest(unix.NFTA_LIST_ELEM, key)
	}
	b.add(typ, 0, text(unix.NFTA_SET_ELEM_LIST_TABLE, tableName), text(unix.NFTA_SET_ELEM_LIST_SET, aliveSet), number(unix.NFTA_SET_ELEM_LIST_SET_ID, 1), b.nest(unix.NFTA_SET_ELEM_LIST_ELEMENTS, elem))
}

func (b *batch) marshal(attrs []netlink.Attribute) []byte {
	data, err := netlink.MarshalAttributes(attrs)
	b.err = errors.Join(b.err, err)
	return data
}

func (b *batch) nest(typ uint16, attrs ...netlink.Attribute) netlink.Attribute {
	return netlink.Attribute{Type: unix.NLA_F_NESTED | typ, Data: b.marshal(attrs)}
}

func number(typ uint16, v uint32) netlink.Attribute {
	return netlink.Attribute{Type: typ, Data: binary.BigEndian.AppendUint32(nil, v)}
}

func milliseconds(typ uint16, d time.Duration) netlink.Attribute {
	return netlink.Attribute{Type: typ, Data: binary.BigEndian.AppendUint64(nil, uint64(d.Milliseconds()))}
}

func text(typ uint16, s string) netlink.Attribute {
	return netlink.Attribute{Type: typ, Data: append([]byte(s), 0)}
}

// send commits a batch on a socket of its own, which then owns what the batch has made.
func send(b batch) (*Rules, error) {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	if err := commit(conn, b); err != nil {
		conn.Close()
		return nil, err
	}
	return &Rules{conn: conn}, nil
}

func commit(conn *netlink.Conn, b batch) error {
	if b.err != nil {
		return fmt.Errorf("make rules: %w", b.err)
	}
	if _, err := conn.SendMessages(b.messages); err != nil {
		return err
	}
	conn.SetReadDeadline(time.Now().Add(answerTime))
	var err error
	for range len(b.messages) - 2 { // an answer for each but the first and the last, or one for a batch that is refused as a whole
		_, answer := conn.Receive()
		if err != nil && errors.Is(answer, os.ErrDeadlineExceeded) {
			break
		}
		err = errors.Join(err, answer)
	}
	return err
}
