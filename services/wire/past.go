package main

import (
	"context"
	"errors"
	"fmt"

	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
)

// once tells what there is, and what of it is left out.
func (a *asker) once(ctx context.Context, q wire.Query, t *teller) error {
	shown := 0
	err := a.past(ctx, q, func(from, before int) {
		if q.Conn == 0 && before > 0 {
			t.note(fmt.Sprintf(a.words.LeftOut, before))
		}
	}, func(e wire.Event) error {
		if e.Record != nil {
			shown++
		}
		return t.tell(e)
	})
	if err == nil && shown == 0 && q.Conn != 0 {
		return a.noConn(ctx, q.Conn) // and of what was changed meanwhile nothing
	}
	for _, line := range t.drawer.rest(&a.words) {
		t.note(line)
	}
	return errors.Join(t.out.Flush(), err)
}

// noConn says why a connection has no packets to show.
func (a *asker) noConn(ctx context.Context, conn int) error {
	all, err := a.wire.Connections(ctx)
	if err != nil {
		return err
	}
	latest := 0
	for _, c := range all.Connections {
		latest = max(latest, c.Ordinal)
	}
	switch {
	case latest == 0:
		return language.Errorf("还没有连接", "there has been no connection yet")
	case conn > latest:
		return language.Errorf("还没有连接 %d; 最近的是 %d", "there has been no connection %d yet; the latest is %d", conn, latest)
	}
	return language.Errorf("连接 %d 的数据包已被忘记", "the packets of connection %d are forgotten", conn)
}

// start is where a reader begins that counts from the end: what was forgotten long ago is no gap in what it reads.
func start(n int, s wire.Status) int {
	if n >= 0 {
		return n
	}
	return max(s.Memory.Last+n, s.Memory.Forgotten)
}

// past calls each as Client.Follow does, with the records up to the newest that there is now. What comes in the
// meantime is left out: on a busy link that never ends. Before that it calls begin with the place where it begins,
// and how many packets there are before.
func (a *asker) past(ctx context.Context, q wire.Query, begin func(from, before int), each each) error {
	status, err := a.wire.Status(ctx)
	if err != nil {
		return err
	}
	newest := status.Memory.Last
	q.Since = start(q.Since, status)
	begin(q.Since, max(min(q.Since, newest)-status.Memory.Forgotten, 0))
	for q.Since < newest {
		page, err := a.wire.Records(ctx, q)
		if err != nil {
			return err
		}
		if page.Missed > 0 {
			if err := each(wire.Event{Missed: page.Missed}); err != nil {
				return err
			}
		}
		for _, e := range page.Events() {
			if e.Record != nil && e.Record.ID > newest {
				return nil
			}
			if err := each(e); err != nil {
				return err
			}
		}
		if page.Next <= q.Since { // wire was started anew, and counts from 1
			return nil
		}
		q.Since = page.Next
	}
	return nil
}
