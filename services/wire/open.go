package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/packet"
)

// open takes a packet apart: one that wire remembers, or one of a file.
func open(ctx context.Context, a *asker) error {
	f := app.Flags()
	asJSON := f.Bool("json", false, "")
	width := f.Int("width", 0, "")
	light := f.Bool("light", false, "")
	service := f.String("service", "", "")
	words, err := app.ParseFlags(f, a.Args)
	if err != nil {
		return err
	}
	if len(words) != 1 && len(words) != 2 {
		return failure.Usage(language.Errorf("哪个数据包? 编号在梯形图里: wire open 4", "which packet? the ladder has its number: wire open 4"))
	}
	id, err := strconv.Atoi(strings.TrimPrefix(words[0], "#"))
	if err != nil || id < 1 {
		return failure.Usage(language.Errorf("%q 不是数据包的编号", "%q is no packet's number", words[0]))
	}
	var p wire.Opened
	if len(words) == 2 {
		p, err = a.inFile(ctx, words[1], *service, id)
	} else {
		p, err = a.wire.Packet(ctx, id)
	}
	refused, isRefused := errors.AsType[*wire.Error](err)
	switch {
	case isRefused && refused.Status == http.StatusNotFound:
		return language.Errorf("没有数据包 #%d: 还没有, 或已经忘记", "there is no packet #%d: not yet, or it is forgotten", id)
	case err != nil:
		return err
	case *asJSON:
		return a.printJSON(p)
	}
	v := a.view(*width)
	v.Light = *light
	return a.print(v.Open(p.Record)...)
}

// inFile finds a packet in a file.
func (a *asker) inFile(ctx context.Context, name, service string, id int) (p wire.Opened, err error) {
	_, err = a.file(ctx, name, service, &drawer{}, func(e wire.Event) error {
		if r := e.Record; r != nil && r.ID >= id {
			if r.ID == id {
				p = wire.Opened{Record: r, Fields: packet.Fields(r.Packet, r.Raw)}
			}
			return errEnough
		}
		return nil
	})
	if err == nil && p.Record == nil {
		err = language.Errorf("%s 里没有数据包 #%d", "%s has no packet #%d", name, id)
	}
	return p, err
}
