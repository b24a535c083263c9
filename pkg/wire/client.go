package wire

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"netlab.example/pkg/sockets"
)

// Client asks a wire. Each of its methods takes a context, which bounds it; those that do not follow
// are bounded anyway.
type Client struct {
	http *http.Client
	host string
	who  string
}

const (
	requestTimeout = 10 * time.Second
	maxAnswer      = 64 << 20 // more than any answer that ends
)

// NewClient makes a client for the first address in a list such as WIRE_API; where it names no host,
// wire is on this machine. who says in whose name it changes things: "wire link". It does not connect yet.
func NewClient(list, who string) (*Client, error) {
	first, _, _ := strings.Cut(list, ",")
	a, err := sockets.Parse(strings.TrimSpace(first))
	if err != nil {
		return nil, err
	}
	host := "wire"
	switch a.Network {
	case "tcp", "tcp4", "tcp6":
		name, port, _ := net.SplitHostPort(a.Addr)
		if ip := net.ParseIP(name); name == "" || ip != nil && ip.IsUnspecified() {
			name = "localhost"
		}
		a.Addr = net.JoinHostPort(name, port)
		host = a.Addr
	case "unix":
	default:
		return nil, fmt.Errorf("address %q: want tcp:// or unix://", a)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return sockets.Dial(ctx, a.String(), "") }
	return &Client{&http.Client{Transport: &http.Transport{DialContext: dial, ResponseHeaderTimeout: requestTimeout, MaxIdleConnsPerHost: 2}}, host, who}, nil
}

// open sends a request and returns the answer's body, which the caller closes.
func (c *Client) open(ctx context.Context, method, path string, query url.Values, body string, accept string) (io.ReadCloser, error) {
	target := url.URL{Scheme: "http", Host: c.host, Path: path, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set(Header, c.who)
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // its text repeats what ours says
		}
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	e := &Error{Status: resp.StatusCode}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if json.Unmarshal(text, e) != nil || e.Message == "" {
		e.Message = cmp.Or(strings.TrimSpace(string(text)), resp.Status)
	}
	return nil, e
}

// ask is for answers that end.
func (c *Client) ask(ctx context.Context, method, path string, query url.Values, body string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 2*requestTimeout)
	defer cancel()
	r, err := c.open(ctx, method, path, query, body, "application/json")
	if err != nil {
		return err
	}
	defer r.Close()
	if err := json.NewDecoder(io.LimitReader(r, maxAnswer)).Decode(answer); err != nil {
		return fmt.Errorf("read wire's answer: %w", err)
	}
	return nil
}

// Status asks what wire does and cannot do.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.ask(ctx, "GET", "/status", nil, "", &s)
}

// Connections lists the connections that wire remembers.
func (c *Client) Connections(ctx context.Context) (a Connections, err error) {
	return a, c.ask(ctx, "GET", "/connections", nil, "", &a)
}

// Names asks what the containers at the connections' ends are called.
func (c *Client) Names(ctx context.Context) (n Names, err error) {
	return n, c.ask(ctx, "GET", "/names", nil, "", &n)
}

// Query chooses records: those after Since (negative: that many from the end), of one connection if Conn is not 0.
type Query struct{ Since, Conn int }

func (q Query) values() url.Values {
	v := url.Values{}
	if q.Since != 0 {
		v.Set("since", strconv.Itoa(q.Since))
	}
	if q.Conn != 0 {
		v.Set("conn", strconv.Itoa(q.Conn))
	}
	return v
}

// Records returns a page of the list; its Next is the Since of the next one.
func (c *Client) Records(ctx context.Context, q Query) (p Page, err error) {
	return p, c.ask(ctx, "GET", "/records", q.values(), "", &p)
}

// Packet returns one record, taken apart.
func (c *Client) Packet(ctx context.Context, id int) (p Opened, err error) {
	return p, c.ask(ctx, "GET", "/records/"+strconv.Itoa(id), nil, "", &p)
}

// ErrEnded means that wire closed a stream that was followed: it was stopped.
var ErrEnded = errors.New("wire has ended")

// Follow calls each with what comes: records, changes, and how many records are missing because wire had to forget
// some before they were told. It returns what each returns, or why it ended.
func (c *Client) Follow(ctx context.Context, q Query, each func(Event) error) error {
	body, err := c.open(ctx, "GET", "/records/follow", q.values(), "", "application/x-ndjson")
	if err != nil {
		return err
	}
	defer body.Close()
	in := bufio.NewReaderSize(body, 64<<10)
	for {
		line, err := readLine(in)
		if err != nil {
			return ended(ctx, err)
		}
		var told struct {
			Record
			Change *Change `json:"change"`
			Missed int     `json:"missed"`
		}
		if err := json.Unmarshal(line, &told); err != nil {
			return fmt.Errorf("read wire's answer: %w", err)
		}
		e := Event{Change: told.Change, Missed: told.Missed}
		if told.ID > 0 {
			e.Record = &told.Record
		}
		if err := each(e); err != nil {
			return err
		}
	}
}

// readLine reads a line of bounded length: a record has at most 64 KiB of bytes, and base64 makes it more.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if err == nil {
			return bytes.TrimSpace(line), nil
		}
		if err != bufio.ErrBufferFull {
			return nil, err
		}
		if len(line) > 1<<20 {
			return nil, errors.New("a line of more than 1 MiB")
		}
	}
}

func ended(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return ErrEnded
	}
	return err
}

// Link returns the link's settings.
func (c *Client) Link(ctx context.Context) (l Link, err error) {
	return l, c.ask(ctx, "GET", "/link", nil, "", &l)
}

// SetLink replaces the link's settings.
func (c *Client) SetLink(ctx context.Context, s Settings) (l Link, err error) {
	body, err := json.Marshal(s)
	if err != nil {
		return l, err
	}
	return l, c.ask(ctx, "PUT", "/link", nil, string(body), &l)
}

// ChangeLink changes what a line names; "clear" sets everything back.
func (c *Client) ChangeLink(ctx context.Context, line string) (l Link, err error) {
	return l, c.ask(ctx, "PATCH", "/link", nil, line, &l)
}

// ClearLink sets everything back.
func (c *Client) ClearLink(ctx context.Context) (l Link, err error) {
	return l, c.ask(ctx, "DELETE", "/link", nil, "", &l)
}

// Do does what a scenario says, and returns the faults that it armed.
func (c *Client) Do(ctx context.Context, scenario string) (f Faults, err error) {
	return f, c.ask(ctx, "POST", "/scenario", nil, scenario, &f)
}

// Reset makes everything as it was at the start: link and faults, and no records.
func (c *Client) Reset(ctx context.Context) (s Status, err error) {
	return s, c.ask(ctx, "POST", "/reset", nil, "", &s)
}

// Faults lists the exact faults.
func (c *Client) Faults(ctx context.Context) (f Faults, err error) {
	return f, c.ask(ctx, "GET", "/faults", nil, "", &f)
}

// ClearFaults forgets them.
func (c *Client) ClearFaults(ctx context.Context) (f Faults, err error) {
	return f, c.ask(ctx, "DELETE", "/faults", nil, "", &f)
}

// Sockets asks for the state of the service's sockets.
func (c *Client) Sockets(ctx context.Context) (s Sockets, err error) {
	return s, c.ask(ctx, "GET", "/sockets", nil, "", &s)
}

// Counters asks what the kernel counted since wire began.
func (c *Client) Counters(ctx context.Context) (n Counters, err error) {
	return n, c.ask(ctx, "GET", "/counters", nil, "", &n)
}

// Capture copies a pcapng file to w; with follow it goes on until ctx ends, which is then no error.
func (c *Client) Capture(ctx context.Context, q Query, follow bool, w io.Writer) error {
	values := q.values()
	if follow {
		values.Set("follow", "true")
	}
	body, err := c.open(ctx, "GET", "/capture", values, "", "application/x-pcapng")
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = io.Copy(w, body)
	switch {
	case follow && ctx.Err() != nil:
		return nil
	case follow && err == nil, err == io.ErrUnexpectedEOF:
		return ErrEnded
	}
	return err
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }
