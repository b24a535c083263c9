package screen

import (
	"bytes"
	"sync"

	"netlab.example/pkg/wire"
)

// maxWaiting is how many records may wait for the next picture. In a flood the oldest are left out, and
// counted: nobody reads a hundred thousand packets a second.
const maxWaiting = 1000

// maxRaw is how many bytes of a packet are kept: an opened one shows 4 KiB of data, and its headers.
const maxRaw = 4096 + 256

// Feed takes records from one goroutine and hands them to the screen in batches. Adding never waits.
type Feed struct {
	mu     sync.Mutex
	events []wire.Event
	missed int
	title  string
	notice string
	names  map[string]string
	ended  error
}

// Add adds what is told: a record, of a long packet its beginning alone, a change, or how many are missing.
func (f *Feed) Add(e wire.Event) {
	if e.Record != nil {
		e.Record = short(e.Record)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.missed += e.Missed
	if e.Record == nil && e.Change == nil {
		return
	}
	if len(f.events) >= maxWaiting {
		for _, e := range f.events {
			if e.Record != nil {
				f.missed++
			}
		}
		f.events = nil
	}
	f.events = append(f.events, e)
}

// short is a record with the beginning of a long packet alone.
func short(r *wire.Record) *wire.Record {
	if len(r.Raw) <= maxRaw {
		return r
	}
	s := *r // the record itself is its giver's
	s.Raw = bytes.Clone(r.Raw[:maxRaw])
	return &s
}

// Say sets the line above the ladder, and a second one if something is wrong, or "".
func (f *Feed) Say(title, notice string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.title, f.notice = title, notice
}

// Call says what containers are called, by address.
func (f *Feed) Call(names map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.names = names
}

// End says that nothing more will come, and why.
func (f *Feed) End(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = err
}

// news is what has come since the last picture.
type news struct {
	events        []wire.Event
	missed        int
	title, notice string
	names         map[string]string
	ended         error
}

func (f *Feed) take() news {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := news{f.events, f.missed, f.title, f.notice, f.names, f.ended}
	f.events, f.missed = nil, 0
	return n
}
