package wire

import (
	"time"
)

// Mechanism is how wire gets at the packets.
type Mechanism string

const (
	Native  Mechanism = "nfq-native" // NFQUEUE, by nftables' own queue statement
	Compat  Mechanism = "nfq-compat" // NFQUEUE, by the xtables target that nftables can borrow
	Observe Mechanism = "observe"    // AF_PACKET: watching only
)

// Status says what wire is doing here, and what it cannot do and why.
type Status struct {
	Mechanism Mechanism `json:"mechanism"`
	Impairs   bool      `json:"impairs"` // false: it watches only, and the link's settings do nothing
	Limits    []Limit   `json:"limits"`
	Service   string    `json:"service"` // the URL of what is watched: tcp://:8080
	Interface string    `json:"interface"`
	MTU       int       `json:"mtu"`
	Started   time.Time `json:"started"`
	Unseen    uint64    `json:"unseen"`  // packets that passed or were lost because wire was too slow for them
	Waiting   int       `json:"waiting"` // packets that are kept back; one that a swap has let go counts until its time limit is over
	Refused   uint64    `json:"refused"` // what the kernel would not take: copies to send, and verdicts on packets that were held
	Gaps      Gaps      `json:"gaps"`    // in which wire stood still, and packets passed without it
	Link      string    `json:"link"`    // the link's settings as a line; empty if it leaves packets alone
	Faults    int       `json:"faults"`  // exact faults that wait for their packet
	Changed   []string  `json:"changed"` // what is not as it was at the start, as lines for wire do; wire reset ends it
	Memory    Memory    `json:"memory"`
}

// Gaps is how often wire stood still, and for how long in all.
type Gaps struct {
	Times int           `json:"times"`
	Time  time.Duration `json:"time_ns"`
}

// Limit is one thing that wire cannot do or show here. The code is for programs and translations.
type Limit struct {
	Code LimitCode `json:"code"`
	Why  string    `json:"why"`
}

// LimitCode names a limit.
type LimitCode string

const (
	NoLinkLayer  LimitCode = "no-link-layer"       // always: ARP and MAC addresses are not seen at the IP layer
	NoImpairment LimitCode = "no-impairment"       // observe
	NoFragments  LimitCode = "no-egress-fragments" // NFQUEUE: a long datagram is cut after wire has seen it
	FirstPiece   LimitCode = "ipv6-first-piece"    // NFQUEUE: of a long IPv6 datagram only its pieces are seen
	BigFrames    LimitCode = "big-frames"          // observe: TCP in frames that are cut up later, checksums not yet written
	NoOwner      LimitCode = "no-table-owner"      // a kernel before 5.12: rules outlive a killed wire, and let all packets pass until its next start
)

// Memory says what the log holds and what it has forgotten.
type Memory struct {
	First     int `json:"first"` // ID of the oldest record kept; 0 while there is none
	Last      int `json:"last"`  // ID of the newest
	Forgotten int `json:"forgotten"`
	Bytes     int `json:"bytes"` // in memory, all that belongs to them included
	Most      int `json:"most"`  // and how many there may be
}
