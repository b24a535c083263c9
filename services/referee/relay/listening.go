package relay

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Bound lists where programs of this network namespace wait at a port, as the kernel's tables have it (proc(5)): TCP
// sockets that listen, UDP sockets that are not connected. Nobody notices that it was asked: a program that accepts once
// still has that once.
func Bound(network string, port uint16) (at []netip.Addr) {
	for _, version := range []string{"", "6"} {
		table, err := os.Open("/proc/net/" + network + version)
		if err != nil {
			continue // without IPv6 there is no table for it
		}
		at = append(at, bound(table, port)...)
		table.Close()
	}
	return at
}

const listens, unconnected = "0A", "07" // TCP_LISTEN; TCP_CLOSE, which a UDP socket is in until connect(2)

func bound(table io.Reader, port uint16) (at []netip.Addr) {
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		fields := strings.Fields(lines.Text()) // sl local_address rem_address st ...
		if len(fields) < 4 || fields[3] != listens && fields[3] != unconnected {
			continue
		}
		address, number, _ := strings.Cut(fields[1], ":")
		if n, err := strconv.ParseUint(number, 16, 16); err != nil || uint16(n) != port {
			continue
		}
		raw, err := hex.DecodeString(address)
		if err != nil || len(raw)%4 != 0 {
			continue
		}
		for word := range slices.Chunk(raw, 4) { // each word is printed as this machine's number
			binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
		}
		if addr, ok := netip.AddrFromSlice(raw); ok {
			at = append(at, addr)
		}
	}
	return at
}

// Serves reports whether a socket bound to one of these addresses is reached at host.
func Serves(bound []netip.Addr, host netip.Addr) bool {
	return slices.ContainsFunc(bound, func(b netip.Addr) bool {
		return b.Unmap() == host.Unmap() || b == netip.IPv6Unspecified() || b == netip.IPv4Unspecified() && host.Unmap().Is4()
	})
}
