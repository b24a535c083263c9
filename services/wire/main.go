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
		app.Command("serve", "WIRE", "", serve).Help(manuals.serve.short, manuals.serve.long),
		app.Command("healthcheck", "WIRE", "[WAIT]", healthcheck).Help(manuals.healthcheck.short, manuals.healthcheck.long),
		ask("watch", "[--conn N] [--since N] [--once] [--plain] [--json] …", manuals.watch, watch),
		ask("read", "FILE | -  [--service tcp://:80] [--conn N] [--json] …", manuals.read, read),
		ask("link", "SETTING=VALUE... | PRESET | blackhole | clear  [on cN] [from ADDRESS] [after TIME] [for TIME]", manuals.link, linkCommand),
		ask("do", "'drop data #1 to client' | - | FILE | clear", manuals.do, do),
		ask("open", "PACKET [FILE | -]", manuals.open, open),
		ask("sockets", "[--follow] [--json]", manuals.sockets, socketsCommand),
		ask("counters", "[--all] [--json]", manuals.counters, counters),
		ask("capture", "[--follow] [--conn N] [--since N] > FILE", manuals.capture, captureCommand),
		ask("picture", "[--last] [--conn N] [--light] … [FILE | -] > FILE.svg", manuals.picture, picture),
		ask("status", "[--changed] [--json]", manuals.status, status),
		ask("reset", "", manuals.reset, reset),
	)
}

func healthcheck(ctx context.Context, cfg Config, env app.Env) error {
	return ops.Check(ctx, cfg.Ops, env.Args...)
}
