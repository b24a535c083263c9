package api

import (
	"net/http"

	"netlab.example/pkg/wire"
)

// route is one thing that can be asked. What is said of it here is what /openapi.json says.
type route struct {
	method, path, name string
	summary            string
	params             []param
	body               any // an example of what is sent; a string: lines of text
	answer             any // of what is answered; nil: not JSON
	statuses           []int
	handle             func(http.ResponseWriter, *http.Request)
}

// param is a parameter of a query, or of a path.
type param struct {
	name, about string
	min, max    int // max 0: none
	values      []string
}

var (
	since    = param{name: "since", about: "Only what came after this record. Negative: counted from the end.", min: -1 << 30}
	limit    = param{name: "limit", about: "At most so many records.", min: 1, max: maxLimit}
	conn     = param{name: "conn", about: "Only this connection.", min: 1}
	followed = param{name: "follow", about: "Go on with what comes.", values: []string{"true", "false"}}
)

const changes = " A change: it needs the header " + wire.Header + ", which says who asks."

func (d *door) routes() []route {
	const bad, forbidden, missing, watching, long, none, full = 400, 403, 404, 409, 413, 501, 503
	return []route{
		{"GET", "/status", "status", "What wire does here, and what it cannot do and why.", nil, nil, wire.Status{}, nil, d.status},
		{"GET", "/records", "records", "A page of the list. Ask again with since set to next.", []param{since, limit, conn}, nil, wire.Page{}, []int{bad}, d.records},
		{"GET", "/records/follow", "follow", "The list as it grows, one JSON object a line: a record, {\"change\": …}, or {\"missed\": N} if the reader was too slow. " +
			"With Accept: text/event-stream the events record, change and missed; Last-Event-ID goes on after a connection that was lost.",
			[]param{since, conn}, nil, nil, []int{bad, full}, d.follow},
		{"GET", "/records/{id}", "packet", "One packet, taken apart.", []param{{name: "id", min: 1}}, nil, wire.Opened{}, []int{bad, missing}, d.record},
		{"GET", "/connections", "connections", "The connections that wire remembers.", nil, nil, wire.Connections{}, nil, d.connections},
		{"GET", "/names", "names", "What Docker's DNS calls the containers at the connections' ends.", nil, nil, wire.Names{}, nil, d.showNames},
		{"GET", "/link", "link", "The link's settings.", nil, nil, wire.Link{}, nil, d.showLink},
		{"PUT", "/link", "setLink", "Replaces the settings; what is not named is off." + changes, nil, wire.Settings{}, wire.Link{}, []int{bad, watching, long}, d.setLink},
		{"PATCH", "/link", "changeLink", "Changes what a line names: out.loss=30% delay=50ms on c12 for 10s." + changes, nil, "", wire.Link{}, []int{bad, watching, long}, d.changeLink},
		{"DELETE", "/link", "clearLink", "Sets everything back; what waits goes on at once." + changes, nil, nil, wire.Link{}, []int{watching}, d.clearLink},
		{"GET", "/faults", "faults", "The exact faults, done ones included.", nil, nil, wire.Faults{}, nil, d.showFaults},
		{"DELETE", "/faults", "clearFaults", "Forgets them." + changes, nil, nil, wire.Faults{}, nil, d.clearFaults},
		{"POST", "/scenario", "do", "Does what its lines say, all or nothing: faults, and settings with the word link before them. Answers with the faults." + changes,
			nil, "", wire.Faults{}, []int{bad, watching, long}, d.doScenario},
		{"POST", "/reset", "reset", "Link and faults as they were at the start, and the records forgotten." + changes, nil, nil, wire.Status{}, nil, d.reset},
		{"GET", "/sockets", "sockets", "The service's sockets, as the kernel has them.", nil, nil, wire.Sockets{}, []int{none}, d.sockets},
		{"GET", "/counters", "counters", "The kernel's counters that moved since wire began.", nil, nil, wire.Counters{}, []int{none}, d.counters},
		{"GET", "/capture", "capture", "pcapng; each packet's comment has its fate.", []param{since, conn, followed}, nil, nil, []int{bad, full}, d.capture},
		{"GET", "/openapi.json", "openapi", "This description.", nil, nil, nil, nil, d.describe},
	}
}

func (d *door) handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range d.routes() {
		mux.HandleFunc(r.method+" "+r.path, r.handle)
	}
	return d.guard(mux)
}
