// Wire is a packet microscope with a link that can be broken on purpose. It runs beside a service, in the
// same network namespace, takes every packet of the service's port from the kernel, records it, and
// decides what becomes of it.
//
//	client  ----------  wire  ----------  server
//	        SYN      -->      -->
//	                 <--      <--  SYN ACK
//	        ACK      -->      -->
//	        hello    -->      -->
//	                   x      <--  HTTP/1.1 200 OK…       dropped here: drop data #1 to client
//	                 <--      <--  HTTP/1.1 200 OK…       retransmission
//
// The service needs no change and no restart, and goes on if wire is killed. README.md says how it is built.
package main

import (
	"context"

	"netlab.example/pkg/app"
	"netlab.example/pkg/ops"
)

func main() {
	app.Main("wire",
		app.Command("serve", "WIRE", "", serve),
		app.Command("healthcheck", "WIRE", "[WAIT]", healthcheck),
		ask("watch", "[--conn N] [--since N] [--once] [--plain] [--width N] [--json]", watch),
		ask("link", "[in.|out.]loss|delay|jitter|reorder|duplicate|corrupt|rate=VALUE... [seed=N] | clear", linkCommand),
		ask("do", "'drop data #1 to client' | FILE | - | clear", do),
		ask("open", "PACKET", open),
		ask("sockets", "[--follow] [--json]", socketsCommand),
		ask("counters", "[--all] [--json]", counters),
		ask("capture", "[--follow] [--conn N] [--since N] > FILE", captureCommand),
		ask("picture", "[--last] [--conn N] [--since N] [--width N] [FILE | -] > FILE.svg", picture),
		ask("status", "[--json]", status),
	)
}

func healthcheck(ctx context.Context, cfg Config, env app.Env) error {
	return ops.Check(ctx, cfg.Ops, env.Args...)
}
