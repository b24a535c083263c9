// Chat-server is many connections that share state: a room for any number of people, and the
// textbook's chat of two who take turns.
//
// # Wire format
//
// In a room a message is a line of UTF-8, at most 1,024 bytes and a newline. Everyone else gets it
// behind the name of whoever said it, in one order that is the same for all. What begins with "* "
// was said by the server:
//
//	Ann                               server                              Ben
//	/nick Ann\n                  -->
//	* guest-1 is now Ann\n       <--         -->  * guest-1 is now Ann\n
//	你好\n                        -->         -->  Ann: 你好\n
//	Ben: hello\n                 <--         <--  hello\n
//	byebye\n                     -->
//	byebye\n                     <--         -->  * Ann left\n
//	(end of input)               <--
//
// The textbook's programs send text with no newline after it. While a connection has never sent one,
// a pause of 200 ms ends its message, and from then on it gets its lines without newlines too. Its
// first newline makes it a peer of lines for good. A pause is a guess, a newline is a fact: TCP is a
// stream, one send is not one read.
//
// In turns there is no delimiter at all. One read of at most 1,024 bytes is one message, the two
// sides alternate, and "byebye" from either side ends it.
//
// # What it teaches
//
// A visit from beginning to end: server.go. How a stream is cut into messages: line.go. How one
// goroutine owns what many share, and never waits for any of them: room.go. What becomes of what is
// said while somebody does not read: outbox.go, page.go, backlog.go. What is left of all that when two people simply take turns: turns.go.
package main

import (
	"context"

	"netlab.example/pkg/app"
	"netlab.example/pkg/ops"
	"netlab.example/pkg/sockets"
)

func main() {
	app.Main("chat-server",
		app.Command("serve", "CHAT_SERVER", "", serve),
		app.Command("client", "CHAT_CLIENT", "[-name NAME] [URL]", client),
		app.Command("healthcheck", "CHAT_SERVER", "[WAIT]", healthcheck),
	)
}

func healthcheck(ctx context.Context, cfg Config, env app.Env) error {
	if err := ops.Check(ctx, cfg.Ops, env.Args...); err != nil {
		return err
	}
	return sockets.Present(cfg.Listen)
}
