package main

import "time"

// Joining and leaving is told to everyone, so with n people it costs n deliveries, and ten thousand
// who come one by one would cost fifty million. So there is a budget in deliveries: no room that fits
// a classroom ever spends it. Past it people are counted, and once a second a line says how many.
const (
	newsBurst     = 1_000_000 // deliveries at once ...
	newsPerSecond = 100_000   // ... and each second after that
	newsPause     = time.Second
)

type newsBudget struct {
	spent        float64
	last         time.Time
	joined, left int              // counted instead of told
	due          <-chan time.Time // when the count is to be told; nil: there is none
}

// spend says whether something may be told to n people now.
func (b *newsBudget) spend(n int) bool {
	now := time.Now()
	b.spent = max(0, b.spent-now.Sub(b.last).Seconds()*newsPerSecond)
	b.last = now
	if b.spent+float64(n) > newsBurst || b.due != nil { // while some are counted, all are: in order
		if b.due == nil {
			b.due = time.After(newsPause)
		}
		return false
	}
	b.spent += float64(n)
	return true
}

func (r *room) tellJoined(p *person) {
	if r.news.spend(len(r.people)) {
		r.notice(p, r.say.Joined, p.name.shown)
	} else {
		r.news.joined++
	}
}

func (r *room) tellLeft(p *person, format string) {
	if r.news.spend(len(r.people)) {
		r.notice(p, format, p.name.shown)
	} else {
		r.news.left++
	}
}

func (r *room) tellCrowd() {
	r.notice(nil, r.say.Crowd, r.news.joined, r.news.left)
	r.news.joined, r.news.left, r.news.due = 0, 0, nil
	r.news.spent += float64(len(r.people))
}
