package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/record"
	"netlab.example/pkg/wire/trace"
	"netlab.example/services/wire/link"
)

// TestDoors: a crowd at one door, silent or following, keeps nobody out at the other, and nobody out who only asks.
func TestDoors(t *testing.T) {
	b := &bench{Link: &link.Link{}}
	s := &Server{Wire: b, Link: b.Link, Log: record.NewLog(10, 1<<20), Tracker: trace.New()}
	control := filepath.Join(t.TempDir(), "hello.sock")
	lns, err := s.Start(t.Context(), "tcp://127.0.0.1:0", "unix://"+control)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if info, err := os.Stat(control); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("the control socket: %v, %v", info, err)
	}
	inside, outside := "tcp://"+lns[0].Addr().String(), "unix://"+control
	client := func(url string) *wire.Client {
		c, err := wire.NewClient(url, "a test")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	for _, crowded := range []string{inside, outside} {
		for range 2 * maxConns { // they say nothing
			conn, err := net.Dial(map[bool][2]string{true: {"tcp", lns[0].Addr().String()}, false: {"unix", control}}[crowded == inside][0],
				map[bool]string{true: lns[0].Addr().String(), false: control}[crowded == inside])
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, maxFollowers)
		s.Log.Append(&wire.Record{})
		for range maxFollowers {
			there := make(chan bool, 1)
			go func() {
				gone <- client(crowded).Follow(ctx, wire.Query{Since: -1}, func(wire.Event) error { there <- true; return nil })
			}()
			<-there
		}
		for _, url := range []string{inside, outside} {
			if _, err := client(url).Status(t.Context()); err != nil {
				t.Errorf("%s is crowded: %s says %v", crowded, url, err)
			}
		}
		err := client(crowded).Follow(t.Context(), wire.Query{}, nil)
		if e, ok := errors.AsType[*wire.Error](err); !ok || e.Status != 503 || !strings.Contains(e.Message, "24 programs follow already, such as wire watch") {
			t.Errorf("one follower too many: %v", err)
		}
		cancel()
		for range maxFollowers {
			<-gone
		}
	}
}

// TestNoRoom: a program too many in the container hears why; the other door knows nothing of it.
func TestNoRoom(t *testing.T) {
	var full error
	b := &bench{Link: &link.Link{}}
	s := &Server{Wire: b, Link: b.Link, Log: record.NewLog(10, 1<<20), Tracker: trace.New(), Room: func() error { return full }}
	control := "unix://" + filepath.Join(t.TempDir(), "hello.sock")
	lns, err := s.Start(t.Context(), "tcp://127.0.0.1:0", control)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, full = range []error{nil, errors.New("too many"), nil} {
		inside, _ := wire.NewClient("tcp://"+lns[0].Addr().String(), "a test")
		outside, _ := wire.NewClient(control, "a test")
		_, err := inside.Status(t.Context())
		if e, ok := errors.AsType[*wire.Error](err); ok != (full != nil) || ok && (e.Status != 503 || e.Message != "too many") {
			t.Errorf("room: %v, and it says %v", full, err)
		}
		if _, err := outside.Status(t.Context()); err != nil {
			t.Errorf("outside: %v", err)
		}
		inside.Close()
		outside.Close()
	}
}

// TestCheckAddress: nobody beyond the namespace reaches the API.
func TestCheckAddress(t *testing.T) {
	for list, ok := range map[string]bool{
		"tcp://127.0.0.1:9101": true, "tcp://[::1]:9101": true, "tcp://localhost:9101, unix:///run/wire.sock": true, "unix:///run/wire.sock": true,
		"tcp://:9101": false, "tcp://0.0.0.0:9101": false, "tcp://[::]:9101": false, "tcp://hello-tcp:9101": false, "tcp://127.0.0.1:9101,tcp://172.18.0.2:9101": false,
		"udp://127.0.0.1:9101": false,
	} {
		if err := CheckAddress(list); (err == nil) != ok {
			t.Errorf("%s: %v", list, err)
		}
	}
}

// TestChangesAreTold: between the records, on a page and live, with who asked.
func TestChangesAreTold(t *testing.T) {
	l := start(t, 100)
	l.wire.Tell = l.Log.Tell
	ctx := t.Context()
	l.add(1, 20)
	l.ChangeLink(ctx, "out.loss=30%")
	l.add(1, 20)
	l.Do(ctx, "drop SYN")
	l.ClearFaults(ctx)
	want := []string{"#1", "link out.loss=30% (a test)", "#2", "drop SYN #1 to server (a test)", "do clear (a test)"}
	tell := func(e wire.Event) string {
		if e.Record != nil {
			return fmt.Sprintf("#%d", e.Record.ID)
		}
		return fmt.Sprintf("%s (%s)", e.Change.Line, e.Change.By)
	}
	page, err := l.Records(ctx, wire.Query{})
	var got []string
	for _, e := range page.Events() {
		got = append(got, tell(e))
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("a page: %q, %v", got, err)
	}
	got = nil
	l.Client.Follow(ctx, wire.Query{Conn: 99}, func(e wire.Event) error { // what is changed concerns every connection
		if got = append(got, tell(e)); len(got) == 3 {
			return io.EOF
		}
		return nil
	})
	if !slices.Equal(got, []string{want[1], want[3], want[4]}) {
		t.Errorf("live: %q", got)
	}
}

// TestDescription: what is described is what is answered. Each route is asked, and its answer held against the
// description: no field that it does not have, and none missing that it promises.
func TestDescription(t *testing.T) {
	l := start(t, 100)
	l.add(3, 20)
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters  []struct{ Name, In string }
			RequestBody *struct{ Content map[string]any }
			Responses   map[string]struct {
				Content map[string]struct{ Schema schema }
			}
		}
		Components struct{ Schemas map[string]schema }
	}
	ask := func(method, path, body string) (status int, contentType string, answer []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), labtest.Patience)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, method, "http://"+l.addr+path, strings.NewReader(body))
		req.Header.Set(wire.Header, "a test")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(method, path, err)
		}
		defer resp.Body.Close()
		if strings.HasSuffix(path, "follow") {
			return resp.StatusCode, resp.Header.Get("Content-Type"), nil
		}
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, resp.Header.Get("Content-Type"), text
	}
	_, _, text := ask("GET", "/openapi.json", "")
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	described := 0
	for _, r := range (&door{Server: l.Server}).routes() {
		operation, ok := doc.Paths[r.path][strings.ToLower(r.method)]
		if !ok {
			t.Errorf("%s %s is not described", r.method, r.path)
			continue
		}
		described++
		body := map[string]string{"setLink": "{}", "changeLink": "out.loss=3% on c1", "do": "drop SYN"}[r.name]
		if (operation.RequestBody != nil) != (body != "") {
			t.Errorf("%s %s: body %v", r.method, r.path, operation.RequestBody)
		}
		status, contentType, answer := ask(r.method, strings.ReplaceAll(r.path, "{id}", "2"), body)
		content, ok := operation.Responses["200"].Content[contentType]
		if status != 200 || !ok {
			t.Errorf("%s %s: %d, %s is not described", r.method, r.path, status, contentType)
			continue
		}
		if content.Schema.Ref != "" {
			var v any
			if err := json.Unmarshal(answer, &v); err != nil {
				t.Fatal(err)
			}
			fits(t, r.method+" "+r.path, doc.Components.Schemas, content.Schema, v)
		}
	}
	for path, methods := range doc.Paths {
		for range methods {
			described--
			_ = path
		}
	}
	if described != 0 {
		t.Errorf("%d more are described than served", -described)
	}
	for _, v := range []any{wire.Record{}, wire.Fate{}, wire.Label{}, wire.Packet{}, wire.Change{}, wire.Fault{}, wire.Scoped{}, wire.Way{}, wire.Socket{}, wire.Gaps{}} {
		if name := reflect.TypeOf(v).Name(); doc.Components.Schemas[name].Properties == nil {
			t.Errorf("there is no schema %s", name)
		}
	}
}

type schema struct {
	Ref        string `json:"$ref"`
	Type       string
	Properties map[string]schema
	Required   []string
	Items      *schema
}

// fits holds a JSON value against a schema.
func fits(t *testing.T, where string, all map[string]schema, s schema, v any) {
	t.Helper()
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s, ok = all[name]
		if !ok {
			t.Errorf("%s: there is no schema %s", where, name)
			return
		}
	}
	kind := map[string]bool{}
	switch v := v.(type) {
	case map[string]any:
		kind["object"] = true
		for name, value := range v {
			p, ok := s.Properties[name]
			if !ok {
				t.Errorf("%s.%s is answered and not described", where, name)
				continue
			}
			fits(t, where+"."+name, all, p, value)
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				t.Errorf("%s.%s is promised and not answered", where, name)
			}
		}
	case []any:
		kind["array"] = true
		for _, value := range v {
			if s.Items != nil {
				fits(t, where+"[]", all, *s.Items, value)
			}
		}
	case string:
		kind["string"] = true
	case bool:
		kind["boolean"] = true
	case float64:
		kind["number"], kind["integer"] = true, v == float64(int64(v))
	case nil:
		t.Errorf("%s is null", where)
		return
	}
	if !kind[s.Type] {
		t.Errorf("%s: %v is no %s", where, v, s.Type)
	}
}
