package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/wire"
)

// open takes a packet apart.
func open(ctx context.Context, a *asker) error {
	f := flags()
	asJSON := f.Bool("json", false, "")
	width := f.Int("width", 0, "")
	words, err := parse(f, a.Args)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return failure.Usage(language.Errorf("哪个数据包? 编号在梯形图里: wire open 4", "which packet? the ladder has its number: wire open 4"))
	}
	id, err := strconv.Atoi(strings.TrimPrefix(words[0], "#"))
	if err != nil || id < 1 {
		return failure.Usage(language.Errorf("%q 不是数据包的编号", "%q is no packet's number", words[0]))
	}
	p, err := a.wire.Packet(ctx, id)
	refused, isRefused := errors.AsType[*wire.Error](err)
	switch {
	case isRefused && refused.Status == http.StatusNotFound:
		return language.Errorf("没有数据包 #%d: 还没有, 或已经忘记", "there is no packet #%d: not yet, or it is forgotten", id)
	case err != nil:
		return err
	case *asJSON:
		return a.printJSON(p)
	}
	return a.print(a.view(*width).Open(p.Record)...)
}
