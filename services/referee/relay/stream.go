package relay

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// patience is how long a write waits for a peer that does not read. Silence is no fault: TCP keep-alive finds the dead.
const patience = 5 * time.Minute

// join carries a connection over a link, in both directions, until both have ended or one side is reset. What is the
// end of input here is the end of input there, and what is a reset here is a reset there. It closes both.
func join(conn *net.TCPConn, link net.Conn) {
	var ended atomic.Int32 // directions that have ended in order; counted before the other side can know it
	broken := func() {
		conn.SetLinger(0) // close(2) then sends RST, not FIN
		conn.Close()
		link.Close()
	}
	var sending sync.WaitGroup
	sending.Go(func() {
		err := send(conn, link, func() {
			if ended.Add(1) == 2 {
				link.SetReadDeadline(time.Unix(1, 0)) // receive waits for nothing now
			}
		})
		if err != nil {
			broken()
		}
	})
	err := receive(link, conn, func() bool { return ended.Add(1) == 2 })
	if err != nil && ended.Load() < 2 {
		broken()
	}
	sending.Wait()
	conn.Close()
	link.Close()
}

// send reads from a connection and writes frames.
func send(conn *net.TCPConn, link net.Conn, ending func()) error {
	buf, frame := make([]byte, maxData), make([]byte, 0, header+maxData)
	for {
		n, err := conn.Read(buf)
		if n > 0 {
			if err := writeFrame(link, frame, data, buf[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			ending()
			return writeFrame(link, frame, end, nil)
		}
		if err != nil {
			writeFrame(link, frame, reset, nil)
			return err
		}
	}
}

var errReset = errors.New("reset")

// receive reads frames and writes to a connection. After the end it reads on: a reset may follow.
func receive(link net.Conn, conn *net.TCPConn, ending func() (last bool)) error {
	buf := make([]byte, header+maxData)
	for {
		k, payload, err := readFrame(link, buf)
		if err != nil {
			return err
		}
		switch k {
		case data:
			conn.SetWriteDeadline(time.Now().Add(patience))
			_, err = conn.Write(payload)
		case end:
			err = conn.CloseWrite()
			if err == nil && ending() {
				return nil
			}
		default:
			err = errReset
		}
		if err != nil {
			return err
		}
	}
}

// writeFrame writes a frame in one write: two goroutines' frames never mix. scratch is used if it has room.
func writeFrame(link net.Conn, scratch []byte, k kind, payload []byte) error {
	link.SetWriteDeadline(time.Now().Add(patience))
	_, err := link.Write(appendFrame(scratch[:0], k, payload))
	return err
}
