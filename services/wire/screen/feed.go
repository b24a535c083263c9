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
	mu      sync.Mutex
	records []*wire.Record
	missed  int
	title   string
	notice  string
	ended   error
}

// Add adds a record, of a long packet its beginning alone, or says how many are missing.
func (f *Feed) Add(r *wire.Record, missed int) {
	if r != nil {
		r = short(r)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.missed += missed
	if r == nil {
		return
	}
	if len(f.records) >= maxWaiting {
		f.missed += len(f.records)
		f.records = nil
	}
	f.records = append(f.records, r)
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

// Say sets the line above the ladder, and a second one where something is wrong, or "".
func (f *Feed) Say(title, notice string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.title, f.notice = title, notice
}

// End says that nothing more will come, and why.
func (f *Feed) End(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = err
}

// news is what has come since the last picture.
type news struct {
	records       []*wire.Record
	missed        int
	title, notice string
	ended         error
}

func (f *Feed) take() news {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := news{f.records, f.missed, f.title, f.notice, f.ended}
	f.records, f.missed = nil, 0
	return n
}
