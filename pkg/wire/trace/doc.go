// Package trace knows TCP, and does no I/O: fed with packets in the order in which they passed, it says
// which connection each belongs to, which piece of data it carries, and what it is.
//
//	tracker.Identify(r)      connection, relative numbers, class and ordinals   (identify.go)
//	r.Fate = …               the link decides, by those names
//	tracker.Label(r)         what the packet is, knowing what became of it      (label*.go)
//
// The split in two is what lets a fault say "data #2 to the client" and a label say "retransmission of
// #7, which was dropped here". To be read in this order, with RFC 9293 beside it:
//
//	trace.go        what is remembered of a connection
//	identify.go     which connection, which class, which ordinal
//	numbers.go      what is known of the sequence numbers, and who said so; windows
//	accept.go       what a receiver throws away (3.10.7)
//	segments.go     which piece of data, and how often it was sent
//	label.go        what a packet is: SYN, data, FIN          label_ack.go    ACKs and probes
//	label_again.go  why it was sent again; copies             label_heard.go  what each side has heard by then
//	label_reset.go  why a reset                               label_udp.go    datagrams and ICMP
//
// # Labels
//
// Of is the ID of an earlier record of the same connection (a challenge ACK may answer the SYN of the next one);
// 0 if there is none, or it is forgotten. Each label is shown in a conversation in testdata/*.trace.
//
//	Kind                   what it is                                                     Of
//	syn, syn-ack           the handshake (RFC 9293, 3.5)                                  the SYN that it answers
//	handshake-ack          its third packet; again, if the SYN ACK comes again            the SYN ACK
//	data                   bytes that were never seen before
//	fin                    the sender's data ends; Half while the other side's has not    (RFC 9293, 3.6)
//	ack                    acknowledges what is new, or nothing                           what brought the last new byte; else what came again
//	dup-ack                the Nth duplicate ACK in a row (RFC 5681, 2)                   what it asks for: the missing packet
//	d-sack                 says what has come twice (RFC 2883)                            its latest transmission
//	window-update          the same ACK, another window (RFC 9293, 3.8.6)
//	zero-window            the receiver's buffer is full; alone, or with an ACK           what it acknowledges, or the probe
//	zero-window-probe      is there still no room? (RFC 9293, 3.8.6.1)                    what said that there is none
//	keep-alive, …-ack      is anybody there? (RFC 9293, 3.8.4)                            the ACK: the question
//	retransmission         the Nth time that the sender sends this again, and By what     its first transmission
//	duplicate              the same packet twice: the network's doing, not the sender's   the packet
//	out-of-order           new data that was overtaken on its way to wire
//	not-accepted           its receiver throws it away, and Why (RFC 9293, 3.10.7)
//	challenge-ack          says what is expected instead (RFC 5961)                       what was not accepted
//	rst                    a reset, and Why (RFC 9293, 3.5.2)                             what it answers
//	datagram               UDP                                                            the datagram that it answers
//	icmp-port-unreachable  nobody listens there (RFC 792, RFC 4443)                       the datagram or segment
//
// New is the number of the data that a SYN brings (Fast Open, RFC 7413), or that a retransmission goes on with.
//
// A duplicate ACK is one that carries no data, acknowledges no more and offers the same window as the one
// before, while data is on its way that it could ask for; or that names new data beyond a gap (SACK, RFC 2018). One that
// only reports what came twice (D-SACK) asks for nothing.
//
// The single byte with which some systems try a closed window is no data before it is taken.
//
// # What is not accepted
//
//	outside-window  its numbers lie beyond what the receiver offers to take, or before all that was ever sent
//	not-exact       a reset in the window, but not at the number that comes next (RFC 5961, 3.2)
//	wrong-ack       it acknowledges what was never sent (RFC 9293, 3.10.7.4, fifth; RFC 5961, 5)
//	no-ack          it has no ACK flag, and is neither SYN nor reset
//	not-open        its receiver has sent a SYN and still waits for one (RFC 9293, 3.10.7.3)
//	old-timestamp   something new with an older clock: a leftover (PAWS, RFC 7323, 5)
//
// It changes nothing here, because it changes nothing there: no number, no state, no ordinal. What only one side says
// of numbers that wire does not know is used until the other side says otherwise; what both say is believed. A capture
// may have gaps (ExpectGaps): there an ACK of what was not seen is believed, if there was room to send it.
//
// # What made a sender send again
//
//	timer     nothing was heard for a timeout (RTO, RFC 6298), twice as long each time; also a SYN, at first
//	          after a second. Keep-alives and window probes go by timers as well.
//	dup-acks  three duplicate ACKs were heard (fast retransmit, RFC 5681, 3.2), and the next holes of that
//	          loss (RFC 6582, 3.2)
//	sack      fewer, but it was heard that something sent later has arrived (SACK, RFC 2018; RACK, RFC 8985, 6)
//	icmp      a router said that the packet is too long for its link (RFC 1191, RFC 8201)
//	tlp       the last segment again, two round trips after the last sign of life (tail-loss probe, RFC 8985, 7)
//	""        the other side asked again (a SYN ACK, because the SYN came twice), or the reason cannot be seen
//
// It is what the sender has heard that counts. An ACK that wire drops is not heard, and one that it delays
// is heard later; the ACKs of a distant client, and what it has heard, are known as far as they pass here.
// With a single segment on its way the probe is due when the timer is. The two then look alike and the label
// is timer, but Linux counts the first one as a probe (TCPLossProbes), not as a timeout.
//
// # Why a reset
//
// A reset does not say. See reset for what it is concluded from; abort and unread-data are guesses.
package trace
