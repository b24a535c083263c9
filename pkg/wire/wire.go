// Package wire is what a wire tells, for other programs: its types, their text forms, and a client of its API.
//
//	record.go    Record: one packet with its name, its label and its fate        label.go    what a packet is
//	packet.go    Packet: what its headers say; Field: the same, taken apart      connection.go
//	settings.go  the link's settings     fault.go, scenario.go  exact faults     service.go  what is watched
//	status.go    what wire does and cannot                                       socket.go   what the kernel says
//	answers.go   what the API answers                                            client.go   who asks it
//
// The packages below it work on these types, and none does I/O of its own: packet reads bytes, record keeps
// the list, trace says what each packet is, ladder draws, capture writes pcapng. The program is services/wire.
package wire
