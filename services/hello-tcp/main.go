// Hello-tcp is one connection, one request, one answer: the smallest TCP server that is right.
//
// # Wire format
//
// The client sends a request, the server sends its answer and closes:
//
//	client                            server
//	hello                       -->            5 bytes, no newline needed
//	                            <--   HTTP/1.1 200 OK\r\n
//	                                  \r\n
//	                                  Hello World, Michael!
//	                            <--   (end of input)
//
// Any bytes are a request, and all get the same answer. It looks like HTTP so that a browser can be
// the client too; then the request is read to its blank line before it is answered:
//
//	GET / HTTP/1.1\r\n
//	Host: localhost:8080\r\n
//	\r\n
//
// # What it teaches
//
// A connection is two streams of bytes, one each way, that end one at a time. TCP does not say where
// a request ends: request.go does. How a connection ends decides whether the answer arrives: server.go.
package main

import (
	"context"

	"netlab.example/pkg/app"
	"netlab.example/pkg/ops"
	"netlab.example/pkg/sockets"
)

func main() {
	app.Main("hello-tcp",
		app.Command("serve", "HELLO_TCP", "", serve),
		app.Command("client", "HELLO_CLIENT", "[URL]", client),
		app.Command("healthcheck", "HELLO_TCP", "[WAIT]", healthcheck),
	)
}

func healthcheck(ctx context.Context, cfg Config, env app.Env) error {
	if err := ops.Check(ctx, cfg.Ops, env.Args...); err != nil {
		return err
	}
	return sockets.Present(cfg.Listen)
}
