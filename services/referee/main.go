// Referee judges a server: ours, or the one that you wrote, in any language.
//
//	referee check hello-tcp tcp://127.0.0.1:8080
//	referee check chat-server tcp://127.0.0.1:12345
//	referee check udp-temp udp://127.0.0.1:1314
//
// It is a client of the server, says of each check whether the server keeps the contract of its protocol, and of a failed
// one what was sent, what came back, what was due and why it matters. The contracts and the checks are package
// pkg/referee; here is the command.
//
// Exit codes: 0, all checks passed; 1, some failed; 2, there is no verdict, because nobody could be asked.
package main

import "netlab.example/pkg/app"

func main() {
	app.Main("referee",
		app.Command("check", "REFEREE", "[-mode room|turns] [-operator COMMAND] [-stop COMMAND] [-wire URL] [-only CHECK,...] [-json] [-junit FILE] PROTOCOL URL", check),
		app.Command("list", "REFEREE", "PROTOCOL", list),
		app.Command("explain", "REFEREE", "PROTOCOL [CHECK]", explain),
		app.Command("zoo", "REFEREE", "[NAME [HOST:PORT]]", zooCommand),
		app.Command("relay", "REFEREE", "inside URL SOCKET | outside tcp|udp PORT SOCKET | wait [-for DURATION] tcp|udp PORT [HOST]", relayCommand),
	)
}
