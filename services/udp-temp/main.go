// Udp-temp is datagrams: a question is one packet, its answer another, and nothing connects the two.
//
// # Wire format
//
// A datagram that holds a temperature in degrees Celsius is answered with the same in Fahrenheit:
//
//	client                server
//	36.6             -->                                          4 bytes, no newline needed
//	                 <--  转换后的温度(华氏温度):97.88               NETLAB_LANG=en: Temperature in Fahrenheit: 97.88
//	hot              -->
//	                 <--  无法转换:不是数字, 请发送例如 36.6         Cannot convert: send a number such as 36.6
//	\x00\xff         -->                                          no answer: junk deserves no packet
//
// A number is [+-]digits[.digits], at most 32 bytes, from -273.15 to 1000000000, with ASCII white space
// around it or none. The arithmetic is exact.
//
// # What it teaches
//
// A datagram arrives whole or not at all, perhaps twice, perhaps late. Who asks must therefore
// wait, ask again and know an old answer when it comes: ask.go. Who answers cannot know who asked,
// since the sender's address may be forged, and must not become a weapon or an echo: server.go.
package main

import (
	"context"

	"netlab.example/pkg/app"
	"netlab.example/pkg/ops"
	"netlab.example/pkg/sockets"
)

func main() {
	app.Main("udp-temp",
		app.Command("serve", "UDP_TEMP", "", serve),
		app.Command("client", "TEMP_CLIENT", "[URL] [CELSIUS]", client),
		app.Command("healthcheck", "UDP_TEMP", "[WAIT]", healthcheck),
	)
}

func healthcheck(ctx context.Context, cfg Config, env app.Env) error {
	if err := ops.Check(ctx, cfg.Ops, env.Args...); err != nil {
		return err
	}
	return sockets.Present(cfg.Listen)
}
