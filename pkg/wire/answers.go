package wire

import "time"

// Page is a part of the list.
type Page struct {
	Records []*Record `json:"records"`
	Changes []Change  `json:"changes"` // those between these records, and at the list's end those after the last
	Missed  int       `json:"missed"`  // how many records before these are forgotten
	Next    int       `json:"next"`    // ask for what came since this one to go on
}

// Events returns the page's records with the changes between them.
func (p Page) Events() []Event {
	var all []Event
	changes := p.Changes
	for _, r := range p.Records {
		for ; len(changes) > 0 && changes[0].After < r.ID; changes = changes[1:] {
			all = append(all, Event{Change: &changes[0]})
		}
		all = append(all, Event{Record: r})
	}
	for i := range changes {
		all = append(all, Event{Change: &changes[i]})
	}
	return all
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

// Names are what Docker calls the containers at the connections' ends, by address.
type Names struct {
	Names map[string]string `json:"names"`
}

// Link is the state of the link.
type Link struct {
	Settings Settings `json:"settings"` // for all that none of Scoped is about
	Scoped   []Scoped `json:"scoped"`
	Line     string   `json:"line"` // all of it as one line, as wire do takes it; empty for a link that leaves packets alone
	Next     []Due    `json:"next"` // what will be set by itself, soonest first
}

// Scoped is the link of one connection, or of some clients.
type Scoped struct {
	Scope
	Settings Settings `json:"settings"`
}

// Due is a change that is to come.
type Due struct {
	Time time.Time `json:"time"`
	Line string    `json:"line"`
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
