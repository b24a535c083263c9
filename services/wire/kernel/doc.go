// Package kernel is the part of wire that only Linux has: a packet queue (NFQUEUE), the nftables rules
// that fill it, raw sockets that send copies, and a packet socket for kernels without a queue.
package kernel
