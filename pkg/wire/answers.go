package wire

import "time"

// Page is a part of the list.
type Page struct {
	Records []*Record `json:"records"`
	Missed  int       `json:"missed"` // how many records before these are forgotten
	Next    int       `json:"next"`   // ask for what came since this one to go on
}

// Opened is one record, taken apart.
type Opened struct {
	Record *Record `json:"record"`
	Fields []Field `json:"fields"`
}

// Connections is what GET /connections answers.
type Connections struct {
	Connections []Connection `json:"connections"`
}

// Link is the state of the link.
type Link struct {
	Settings Settings `json:"settings"`
	Line     string   `json:"line"` // the same as a line, as wire link takes it; empty for a link that leaves packets alone
}

// Faults is a list of exact faults.
type Faults struct {
	Faults []Fault `json:"faults"`
}

// Sockets are the service's sockets.
type Sockets struct {
	Sockets []Socket `json:"sockets"`
	More    int      `json:"more"` // how many are not listed
}

// Counters are the kernel's counters that moved since wire began.
type Counters struct {
	Since    time.Time `json:"since"`
	Counters []Counter `json:"counters"`
}

// Error is why a request was refused.
type Error struct {
	Status  int    `json:"-"`
	Message string `json:"error"`
}

func (e *Error) Error() string { return e.Message }

// Header has to be there, with any value, in a request that changes something.
const Header = "Netlab-Wire"
