package httpserver

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// start serves at most most connections on a unix socket. A request for /wait is answered when the test ends.
func start(t *testing.T, most int) (dial func() net.Conn, waiting chan struct{}) {
	waiting = make(chan struct{}, most)
	over := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	mux.HandleFunc("/wait", func(http.ResponseWriter, *http.Request) { waiting <- struct{}{}; <-over })
	srv := &http.Server{Handler: mux}
	places := Limit(srv, most)
	sock := t.TempDir() + "/http.sock"
	ln, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- srv.Serve(places.On(ln)) }()
	t.Cleanup(func() { close(over); srv.Close(); <-done })
	return func() net.Conn {
		c, err := net.Dial("unix", sock)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}, waiting
}

func ask(t *testing.T, c net.Conn, request string) string {
	t.Helper()
	io.WriteString(c, request)
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

const request = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"

// However many connections are silent, or send a head or a body byte by byte, a request is answered.
func TestACrowdLocksNobodyOut(t *testing.T) {
	const most = 16
	for _, said := range []string{"", "G", "GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel"} {
		dial, _ := start(t, most)
		var crowd []net.Conn
		for range 3 * most {
			c := dial()
			io.WriteString(c, said)
			crowd = append(crowd, c)
		}
		if answer := ask(t, dial(), request); !strings.HasSuffix(answer, "\r\n\r\nhello") {
			t.Errorf("beside a crowd that has said %q: %q", said, answer)
		}
		if _, err := crowd[0].Read(make([]byte, 1)); err == nil {
			t.Errorf("the first of a crowd that has said %q is still there", said)
		}
	}
}

// Who is being answered does not make room: the newcomer is told what is full.
func TestAllAreBusy(t *testing.T) {
	const most = 4
	dial, waiting := start(t, most)
	for range most {
		io.WriteString(dial(), "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
		<-waiting
	}
	answer := ask(t, dial(), request)
	if !strings.HasPrefix(answer, "HTTP/1.1 503 ") || !strings.HasSuffix(answer, "all 4 connections of this listener are in use\n") {
		t.Errorf("got %q", answer)
	}
}

// A place is free again when its connection is closed, from either side.
func TestPlacesAreGivenBack(t *testing.T) {
	dial, _ := start(t, 2)
	for range 20 {
		if answer := ask(t, dial(), request); !strings.HasSuffix(answer, "hello") {
			t.Fatalf("got %q", answer)
		}
		dial().Close()
	}
}

// A body that is longer than one place's share is the handler's to judge.
func TestLongBody(t *testing.T) {
	dial, _ := start(t, 2)
	c := dial()
	long := strings.Repeat("x", 3*maxBody)
	go io.WriteString(c, strings.Replace(request, "5\r\n\r\nhello", "196608\r\n\r\n"+long, 1))
	answer, err := io.ReadAll(c)
	if err != nil || strings.Count(string(answer), "x") < len(long) {
		t.Errorf("%d bytes, %v", len(answer), err)
	}
}
