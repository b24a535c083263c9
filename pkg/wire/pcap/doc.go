// Package pcap reads captures that other programs have made, pcap and pcapng, plain or packed with gzip, and
// makes of them what wire makes of live packets: records with connections, numbers and labels.
//
//	file --> frames --> IP packets --> which end serves? --> records
//	file.go  ng.go      frame.go       side.go               read.go
//
// A capture is whatever somebody sent, so nothing here trusts it. However long a file is, and whatever lengths it
// names, the memory that reading takes is bounded: one packet, and what is remembered of the latest connections.
//
// The package opens no files and no sockets.
package pcap
