package wire

// Label says what a packet is, in the terms of a networking course. Codes are English and stable;
// each view says them in its reader's language.
type Label struct {
	Kind Kind `json:"kind"`
	Of   int  `json:"of,omitempty"`   // the ID of the record that this one repeats, or answers
	By   By   `json:"by,omitempty"`   // what made the sender send again
	Why  Why  `json:"why,omitempty"`  // the reason for a reset, or for not accepting a packet
	Half bool `json:"half,omitempty"` // a FIN that leaves the other direction open
	Nth  int  `json:"nth,omitempty"`  // the 3rd duplicate ACK, the 2nd retransmission
	New  int  `json:"new,omitempty"`  // the number of the data that a SYN brings, or that a retransmission goes on with
}

// Kind is what a packet is.
type Kind string

const (
	KindSYN             Kind = "syn"
	KindSYNACK          Kind = "syn-ack"
	KindHandshakeACK    Kind = "handshake-ack" // the third packet of the handshake
	KindData            Kind = "data"
	KindACK             Kind = "ack"
	KindDupACK          Kind = "dup-ack"
	KindWindowUpdate    Kind = "window-update"
	KindZeroWindow      Kind = "zero-window"
	KindZeroWindowProbe Kind = "zero-window-probe"
	KindRetransmission  Kind = "retransmission" // of a SYN, of data, of a FIN: Of says of which
	KindDuplicate       Kind = "duplicate"      // the network's doing, not the sender's
	KindOutOfOrder      Kind = "out-of-order"
	KindKeepAlive       Kind = "keep-alive"
	KindKeepAliveACK    Kind = "keep-alive-ack"
	KindDSACK           Kind = "d-sack"        // says what has come twice
	KindNotAccepted     Kind = "not-accepted"  // its receiver throws it away: Why says why
	KindChallengeACK    Kind = "challenge-ack" // the answer to what was not accepted
	KindFIN             Kind = "fin"
	KindRST             Kind = "rst"
	KindDatagram        Kind = "datagram"
	KindFragment        Kind = "fragment"
	KindPortUnreachable Kind = "icmp-port-unreachable"
	KindICMP            Kind = "icmp"
	KindOther           Kind = "other" // what could not be read, or belongs to nothing
)

// By is what made a sender retransmit.
type By string

const (
	ByTimer   By = "timer"
	ByDupACKs By = "dup-acks"
	BySACK    By = "sack" // SACK and RACK: the receiver named what it has, and the rest is overdue
	ByICMP    By = "icmp" // a router said that the packet is too long for its link
	ByTLP     By = "tlp"  // a tail-loss probe: no answer for two round trips, so the last segment goes out again
)

// Why is what drew a reset, or what is wrong with a packet that is not accepted.
type Why string

const (
	WhyRefused    Why = "refused"     // nobody listens at this port
	WhyUnread     Why = "unread-data" // closed with bytes that the program never read
	WhyAfterClose Why = "after-close" // data for a socket that is closed already
	WhyAbort      Why = "abort"       // the program asked for it (SO_LINGER 0), or was killed in a way that does
	WhyUnknown    Why = "unknown"     // a packet of a connection that the host knows nothing of

	WhyOutsideWindow Why = "outside-window" // its numbers lie outside of the receiver's window
	WhyNotExact      Why = "not-exact"      // a reset in the window, but not at the number that comes next
	WhyWrongACK      Why = "wrong-ack"      // it acknowledges what was not sent
	WhyNoACK         Why = "no-ack"         // it has no ACK flag
	WhyNotOpen       Why = "not-open"       // its receiver still waits for a SYN
	WhyOldTimestamp  Why = "old-timestamp"  // its sender's clock says that it is a leftover

	WhyOtherBytes Why = "other-bytes" // a retransmission whose bytes are not those that were sent first
)
