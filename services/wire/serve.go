package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/ops"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/record"
	"netlab.example/services/wire/api"
	"netlab.example/services/wire/engine"
)

func serve(ctx context.Context, cfg Config, env app.Env) error {
	service, err := wire.ParseService(cfg.Service)
	if err != nil {
		return failure.Usage(fmt.Errorf("WIRE_SERVICE: %w", err))
	}
	if cfg.Memory > 1<<20 { // a TiB; and the bytes fit an int
		return failure.Usage(fmt.Errorf("WIRE_MEMORY: %d MiB is more than any machine has", cfg.Memory))
	}
	if err := api.CheckAddress(cfg.API); err != nil {
		return failure.Usage(fmt.Errorf("WIRE_API: %w", err))
	}
	start, err := cfg.start()
	if err != nil {
		return failure.Usage(err)
	}
	limitMemory(int64(cfg.Memory) << 20)
	e := engine.New(engine.Options{
		Service:   service,
		Interface: cfg.Interface,
		Queue:     uint16(cfg.Queue),
		Keep:      int(cfg.Keep),
		Memory:    record.NewLog(int(cfg.Records), int(cfg.Memory)<<20),
		Start:     start,
		Log:       env.Log,
	})
	lock, err := engine.Alone() // before any port is taken: of two wires in one place, the second is to hear that
	if err != nil {
		return advise(err)
	}
	defer lock.Close()
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	health, err := ops.Start(ctx, cfg.Ops, env.Log)
	if err != nil {
		return err
	}
	defer health.Close()
	views := api.Server{Wire: e, Log: e.Log, Tracker: e.Tracker, Link: e.Link, Service: service, Room: engine.Room}
	var apiErr error
	running.Go(func() {
		select {
		case <-ctx.Done():
		case <-e.Ready(): // not before: it answers for a wire that takes packets
			if _, apiErr = views.Start(ctx, cfg.API, cfg.Control); apiErr != nil {
				stop()
				return
			}
			health.Ready()
		}
	})
	err = e.Run(ctx)
	stop()
	running.Wait()
	views.Close()
	if apiErr != nil {
		return failure.Hint(fmt.Errorf("API: %w", apiErr), language.Errorf("用 WIRE_API 或 WIRE_CONTROL 另选地址", "choose another address with WIRE_API or WIRE_CONTROL"))
	}
	return advise(err)
}

// start is what WIRE_LINK and WIRE_SCENARIO ask for.
func (cfg Config) start() (wire.Scenario, error) {
	link, err := wire.ParseStep(cfg.Link)
	if err != nil {
		return wire.Scenario{}, fmt.Errorf("WIRE_LINK: %w", err)
	}
	s, err := wire.ParseScenario(cfg.Scenario)
	if err != nil {
		return wire.Scenario{}, fmt.Errorf("WIRE_SCENARIO: %w", err)
	}
	if link.Line != "" {
		s.Link = append([]wire.Step{link}, s.Link...)
	}
	return s, nil
}

// besides is what wire needs beside the records it remembers: 4096 connections and their segments, answers to many who
// ask at once, and room to spare. Without that Go would collect garbage without end, and packets would wait for it.
const besides = 64 << 20

// limitMemory has garbage collected in time, so that wire takes no more than the records' share and what it needs
// besides. Left alone, Go would let the heap grow to twice what is in use.
func limitMemory(records int64) {
	if most := records + besides; most < debug.SetMemoryLimit(-1) {
		debug.SetMemoryLimit(most)
	}
}

// advise adds to the engine's errors what to do about them.
func advise(err error) error {
	switch {
	case errors.Is(err, engine.ErrSecondWire):
		return failure.Hint(err, language.Errorf("每个网络命名空间只有一个 wire: 先停止另一个", "one wire for each network namespace: stop the other one first"))
	case errors.Is(err, engine.ErrQueueTaken):
		return failure.Hint(err, language.Errorf("别的程序占用了它: 用 WIRE_QUEUE 另选编号", "another program has it: choose another number with WIRE_QUEUE"))
	case errors.Is(err, engine.ErrNoInterface):
		return failure.Hint(err, language.Errorf("服务在运行吗? docker compose up -d; 另一个接口: WIRE_INTERFACE", "is the service running? docker compose up -d; another interface: WIRE_INTERFACE"))
	case errors.Is(err, engine.ErrInterfaceLost):
		return failure.Hint(err, language.Errorf("服务重启或停止了: docker compose up -d 让两者一起回来", "the service was restarted or stopped: docker compose up -d brings both back together"))
	case errors.Is(err, engine.ErrNoAccess):
		return failure.Hint(err, language.Errorf("在容器里以 root 运行 wire, 并 cap_add NET_ADMIN 和 NET_RAW", "run wire as root in its container, with cap_add NET_ADMIN and NET_RAW"))
	}
	return err
}
