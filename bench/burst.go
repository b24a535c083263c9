//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

const (
	burstPeople = 100
	burstLines  = 20
	burstBytes  = 1000
	burstWait   = 60 * time.Second
)

// burst: everybody pastes at once, and begins to read when it is done. How many get less than all the others said?
// They are on unix sockets, whose buffers in the kernel are small: as behind a link that is slower than loopback.
func (b *bench) burst() error {
	p := b.ourChat()
	p.env = append(p.env, "CHAT_SERVER_LISTEN=tcp4://127.0.0.1:PORT,unix://DIR/socket", "CHAT_SERVER_RATE=20")
	s, err := p.start(b.ctx, b.work)
	if err != nil {
		return err
	}
	defer s.stop()
	var people []net.Conn
	for range burstPeople {
		conn, err := net.Dial("unix", s.cmd.Dir+"/socket")
		if err != nil {
			return err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(burstWait))
		if _, err := conn.Read(make([]byte, 200)); err != nil { // the welcome: they are in the room
			return err
		}
		people = append(people, conn)
	}
	began, lost := time.Now(), make([]int, len(people))
	paste := strings.Repeat(strings.Repeat("x", burstBytes)+"\n", burstLines)
	var pasting, reading sync.WaitGroup
	for _, conn := range people {
		pasting.Go(func() { io.WriteString(conn, paste) }) // who fails here hears too little below
	}
	pasting.Wait()
	time.Sleep(time.Second)
	for i, conn := range people {
		reading.Go(func() {
			lost[i] = (burstPeople - 1) * burstLines
			for in := bufio.NewScanner(conn); lost[i] > 0 && in.Scan(); {
				if strings.HasSuffix(in.Text(), "xxx") {
					lost[i]--
				}
			}
		})
	}
	reading.Wait()
	took := time.Since(began) - time.Second
	missing, lines := 0, 0
	for _, n := range lost {
		lines += n
		if n > 0 {
			missing++
		}
	}
	t := &table{
		title: fmt.Sprintf("chat-server: %d people paste %d lines of %d bytes at once", burstPeople, burstLines, burstBytes),
		notes: []string{"They read when all have pasted. Somebody is lost who does not get every line of all others. Before talkers waited for readers, all were lost."},
		head:  []string{"people lost", "lines lost", "seconds"},
	}
	t.row(fmt.Sprintf("%d of %d", missing, burstPeople), fmt.Sprint(lines), digits(took.Seconds()))
	b.print(t)
	bad := "none"
	if missing > 0 {
		bad = fmt.Sprintf("%d lost, %d out of order", missing, 0)
	}
	b.faultless(fmt.Sprintf("chat-server, %d people paste at once: people lost", burstPeople), bad)
	return nil
}
