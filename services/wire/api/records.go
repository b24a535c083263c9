package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/capture"
	"netlab.example/pkg/wire/packet"
)

const (
	maxLimit = 1000
	maxBytes = 1 << 20 // of packets in one answer
	batch    = 256     // records that a follower gets at a time
	beat     = 15 * time.Second
)

// question is what can be asked about the list.
type question struct{ since, limit, conn int }

// ask reads since, limit and conn. A negative since counts from the end: -50 asks for the last 50.
func (s *Server) ask(r *http.Request) (q question, err error) {
	q.limit = maxLimit
	for _, p := range []struct {
		name string
		to   *int
		min  int
	}{{"since", &q.since, -1 << 30}, {"limit", &q.limit, 1}, {"conn", &q.conn, 1}} {
		text := r.URL.Query().Get(p.name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < p.min {
			return q, fmt.Errorf("%s: want a whole number", p.name)
		}
		*p.to = n
	}
	if id := r.Header.Get("Last-Event-ID"); id != "" { // a browser that comes back
		if n, err := strconv.Atoi(id); err == nil && n >= 0 {
			q.since = n
		}
	}
	q.limit = min(q.limit, maxLimit)
	last := s.Log.Memory().Last
	if q.since < 0 {
		q.since = max(last+q.since, 0)
	}
	q.since = min(q.since, last) // a number from before wire was started anew
	return q, nil
}

func (q question) wants(r *wire.Record) bool { return q.conn == 0 || r.Conn == q.conn }

// records answers with a page: at most limit records, and as many as fit into maxBytes, but at least one.
func (s *Server) records(w http.ResponseWriter, r *http.Request) {
	q, err := s.ask(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	page := wire.Page{Records: []*wire.Record{}, Changes: []wire.Change{}, Next: q.since}
	place := s.Log.After(q.since)
	for bytes := 0; len(page.Records) < q.limit && bytes < maxBytes; {
		var events []wire.Event
		if events, place = s.Log.Events(place, batch); len(events) == 0 {
			break
		}
		for _, e := range events {
			if len(page.Records) == q.limit || bytes >= maxBytes {
				break
			}
			page.Missed += e.Missed
			if e.Change != nil {
				page.Changes = append(page.Changes, *e.Change)
			}
			if rec := e.Record; rec != nil {
				page.Next = rec.ID
				if q.wants(rec) {
					page.Records = append(page.Records, rec)
					bytes += len(rec.Raw)
				}
			}
		}
	}
	answer(w, page)
}

func (s *Server) record(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || id < 1 {
		refuse(w, http.StatusBadRequest, errors.New("a packet has a number, from 1"))
		return
	}
	some, missed := s.Log.Since(id-1, 1)
	switch {
	case missed > 0:
		refuse(w, http.StatusNotFound, fmt.Errorf("packet #%d is forgotten; the oldest is #%d", id, s.Log.Memory().First))
	case len(some) == 0:
		refuse(w, http.StatusNotFound, fmt.Errorf("there is no packet #%d yet", id))
	default:
		answer(w, wire.Opened{Record: some[0], Fields: append([]wire.Field{}, packet.Fields(some[0].Packet, some[0].Raw)...)})
	}
}

func (s *Server) connections(w http.ResponseWriter, _ *http.Request) {
	answer(w, wire.Connections{Connections: s.Tracker.Connections()})
}

// stream is an answer that goes on until its reader has enough.
type stream struct {
	http.ResponseWriter
	control *http.ResponseController
}

var errFull = fmt.Errorf("%d programs follow already, such as wire watch: end one of them", maxFollowers)

// stream begins one. done must be called at its end.
func (d *door) stream(w http.ResponseWriter, contentType string) (st *stream, done func(), err error) {
	select {
	case d.followers <- struct{}{}:
	default:
		w.Header().Set("Retry-After", "5")
		refuse(w, http.StatusServiceUnavailable, errFull)
		return nil, nil, errFull
	}
	st = &stream{w, http.NewResponseController(w)}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(http.StatusOK)
	return st, func() { <-d.followers }, nil
}

// Write is bounded in time: a reader that takes nothing for long is let go. What it takes slowly costs
// nothing, for the records wait in the log, or are forgotten there and counted.
func (st *stream) Write(p []byte) (int, error) {
	st.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	return st.ResponseWriter.Write(p)
}

func (st *stream) flush() error {
	st.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	return st.control.Flush()
}

// follow tells the records as they come. Each line of NDJSON is a record, or {"missed":N} where the
// reader was too slow; as server-sent events these are called record and missed.
func (d *door) follow(w http.ResponseWriter, r *http.Request) {
	q, err := d.ask(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	events := strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	contentType := "application/x-ndjson"
	if events {
		contentType = "text/event-stream"
	}
	st, done, err := d.stream(w, contentType)
	if err != nil {
		return
	}
	defer done()
	tell := func(event string, id int, v any) error {
		line, err := json.Marshal(v)
		switch {
		case err != nil:
			return err
		case !events:
			_, err = st.Write(append(line, '\n'))
		case id > 0:
			_, err = fmt.Fprintf(st, "id: %d\nevent: %s\ndata: %s\n\n", id, event, line)
		default:
			_, err = fmt.Fprintf(st, "event: %s\ndata: %s\n\n", event, line)
		}
		return err
	}
	d.each(r.Context(), q, true, st, func(e wire.Event) error {
		switch {
		case e.Record != nil:
			return tell("record", e.Record.ID, e.Record)
		case e.Change != nil && events:
			return tell("change", 0, e.Change)
		case e.Change != nil:
			return tell("change", 0, map[string]any{"change": e.Change})
		case e.Missed > 0:
			return tell("missed", 0, map[string]int{"missed": e.Missed})
		}
		if !events {
			return nil
		}
		_, err := fmt.Fprint(st, ":\n\n") // a comment: so that proxies keep the connection
		return err
	})
}

// each tells of all events since q.since, and of those to come if it is to follow, until the reader or the server
// ends; an empty event says that nothing has come for a while. A reader's end is noticed when tell or a flush
// fails; there is nobody left to tell.
func (s *Server) each(ctx context.Context, q question, follow bool, st *stream, tell func(wire.Event) error) {
	for place := s.Log.After(q.since); ; {
		if st.flush() != nil {
			return
		}
		events, next := s.Log.Events(place, batch)
		if len(events) == 0 {
			if !follow {
				return
			}
			wait, cancel := context.WithTimeout(ctx, beat)
			var err error
			events, next, err = s.Log.Follow(wait, place, batch)
			cancel()
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				events = []wire.Event{{}}
			}
		}
		place = next
		for _, e := range events {
			if (e.Record == nil || q.wants(e.Record)) && tell(e) != nil {
				return
			}
		}
	}
}

// capture writes pcapng: what there is, or with follow=true what comes, too.
func (d *door) capture(w http.ResponseWriter, r *http.Request) {
	q, err := d.ask(r)
	follow := r.URL.Query().Get("follow")
	if err == nil && follow != "" && follow != "true" && follow != "false" {
		err = errors.New("follow: want true or false")
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="lab.pcapng"`)
	st, done, err := d.stream(w, "application/x-pcapng")
	if err != nil {
		return
	}
	defer done()
	file, err := capture.NewWriter(st)
	if err != nil {
		return
	}
	d.each(r.Context(), q, follow == "true", st, func(e wire.Event) error {
		if e.Record == nil {
			file.Missed(e.Missed)
			return nil
		}
		if err := file.Write(e.Record); err != nil {
			return err
		}
		return st.flush()
	})
}
