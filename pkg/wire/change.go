package wire

import "time"

// Change is something that happened to the link or to wire itself, between the packets.
type Change struct {
	Number int        `json:"number"` // 1, 2, 3 …
	Time   time.Time  `json:"time"`
	After  int        `json:"after"` // the ID of the last record before it; 0 if it came before all of them
	Kind   ChangeKind `json:"kind"`
	Line   string     `json:"line"`         // what was asked for, as one writes it: "link out.loss=30%", "drop data #1 to client"
	By     string     `json:"by,omitempty"` // who asked: "wire link", "WIRE_SCENARIO", "referee"
}

// ChangeKind is the kind of a Change.
type ChangeKind string

const (
	ChangeLink  ChangeKind = "link"  // the link's settings
	ChangeFault ChangeKind = "fault" // an exact fault was armed, or all were cleared
	ChangeReset ChangeKind = "reset" // link and faults are as they were at the start, and the records are forgotten
	ChangeGap   ChangeKind = "gap"   // wire stood still, and packets passed without it; Line says for how long
)

// Event is one thing that is told of the list, in its order: a record, a change, or how many records were
// forgotten before they could be told. One of the three is set.
type Event struct {
	Record *Record
	Change *Change
	Missed int
}
