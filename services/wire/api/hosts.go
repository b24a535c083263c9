package api

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"netlab.example/pkg/wire"
)

var (
	errHost   = errors.New("this name is not one of the lab's: ask by address, as localhost, or by a name without dots")
	errHeader = errors.New("a change needs the header " + wire.Header + ": 1")
)

// guard lets a request through that nobody but the learner can have meant to send.
//
// Two attacks come from web pages that a learner has open. A page may send a request to us blindly; what
// changes something therefore needs a header that pages cannot add. And a page may have its own name
// point to our address (DNS rebinding), whereupon the browser takes us for a part of that page and lets it
// read all that was said; but then the request still has the page's name as its Host.
func (d *door) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		switch {
		case !known(r.Host):
			refuse(w, http.StatusForbidden, errHost)
		case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Header.Get(wire.Header) == "":
			refuse(w, http.StatusForbidden, errHeader)
		case d.full() != nil:
			refuse(w, http.StatusServiceUnavailable, d.full())
		default:
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			next.ServeHTTP(w, r)
		}
	})
}

// full is why one more program would be too many, or nil. A command that is refused ends, before wire itself is short of threads.
func (d *door) full() error {
	if d.room == nil {
		return nil
	}
	return d.room()
}

// known reports whether a Host can be ours: an address, localhost, or a name without dots, which is how
// containers are called. No page on the internet lives under one of these.
func known(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return true
	}
	return name != "" && !strings.Contains(name, ".") || strings.HasSuffix(name, ".localhost")
}
