package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/referee"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/wire"
)

// Config is what the environment may set: REFEREE_REPLIES.
type Config struct {
	Replies string `split_words:"true" desc:"folder for the sockets at which a unixgram server answers; empty: the system's for temporary files" zh:"unixgram 服务器回答所用套接字的目录; 空: 系统的临时目录"`
}

func check(ctx context.Context, cfg Config, env app.Env) error {
	flags := app.Flags()
	only := flags.String("only", "", "")
	mode := flags.String("mode", "room", "")
	operator := flags.String("operator", "", "")
	stop := flags.String("stop", "", "")
	wireURL := flags.String("wire", "", "")
	asJSON := flags.Bool("json", false, "")
	junit := flags.String("junit", "", "")
	args, err := app.ParseFlags(flags, env.Args)
	if err != nil {
		return err
	}
	if len(args) != 2 {
		return failure.Usage(language.Errorf("要一个协议和一个 URL", "want a protocol and a URL"))
	}
	p, err := protocol(args[0])
	if err == nil {
		p, err = inMode(p, *mode)
	}
	if err != nil {
		return err
	}
	server, err := sockets.ParseOn(args[1], p.Networks...)
	if err != nil {
		return err
	}
	names, err := checks(p, *only)
	if err != nil {
		return err
	}

	l := env.Lang.People
	progress := func(r referee.Result) { p.PrintResult(env.Stdout, r, l) }
	if *asJSON {
		progress = nil
	}
	o := referee.Options{Only: names, Progress: progress, Replies: cfg.Replies}
	if *stop != "" {
		o.Stop = referee.StopCommand(*stop)
	}
	if o.Wire, err = wireFor(ctx, p, *wireURL); err != nil {
		return err
	}
	if o.Wire != nil {
		defer o.Wire.Close()
	}
	switch {
	case p == referee.Turns && *operator != "":
		program, err := referee.RunProgram(*operator)
		if err != nil {
			return failure.Undecided(err)
		}
		defer program.Close()
		o.Operator = program
	case p == referee.Turns:
		o.Operator, o.Longest = referee.Learner{Out: env.Stderr, Lang: l}, learnersTime
	case *operator != "":
		return failure.Usage(language.Errorf("-operator 只用于 -mode turns", "-operator is for -mode turns alone"))
	}
	report, err := p.Judge(ctx, server, o)
	if u, ok := errors.AsType[*referee.UnreachableError](err); ok {
		err := language.Errorf("无法判定: %s", "no verdict: %s", u.Tell(l))
		return failure.Undecided(failure.Hint(err, language.Errorf("先启动服务器, 或检查地址", "start the server first, or look at the address")))
	}
	if err != nil {
		return err
	}
	if *junit != "" {
		if err := writeJUnit(*junit, report, p); err != nil {
			return err
		}
	}
	if *asJSON {
		if err := report.WriteJSON(env.Stdout); err != nil {
			return err
		}
	} else {
		report.PrintTotal(env.Stdout, l)
	}
	if ctx.Err() != nil {
		return failure.Undecided(language.Errorf("中断了", "interrupted"))
	}
	if _, failed, notJudged := report.Count(); failed+notJudged > 0 {
		hint := language.Errorf("referee explain %[1]s CHECK 说明一项检查", "referee explain %[1]s CHECK says what a check is about", p.Name)
		return failure.Hint(language.Errorf("没有通过: %d 项检查失败", "not passed; checks that failed: %d", failed), hint)
	}
	return nil
}

// control is where the lab's wires have their sockets, if this is one of its containers.
const control = "/run/control"

var controlSockets = map[*referee.Protocol]string{referee.Hello: "hello.sock", referee.Room: "chat.sock", referee.Temp: "temp.sock"}

// wireFor is the wire at an address, or the one beside the lab's server of this protocol, or nil.
func wireFor(ctx context.Context, p *referee.Protocol, address string) (*wire.Client, error) {
	if address == "" {
		name := path.Join(control, controlSockets[p])
		if info, err := os.Stat(name); err != nil || info.Mode()&os.ModeSocket == 0 {
			return nil, nil
		}
		address = "unix://" + name
	}
	c, err := wire.NewClient(address, "referee")
	if err != nil {
		return nil, failure.Usage(err)
	}
	if _, err := c.Status(ctx); err != nil {
		return nil, failure.Undecided(language.Errorf("%s: wire 没有回答: %v", "%s: no wire answers: %v", address, err))
	}
	return c, nil
}

const learnersTime = 20 * time.Minute // for a whole judgement, if a person types

// inMode is the protocol in one of chat-server's two modes.
func inMode(p *referee.Protocol, mode string) (*referee.Protocol, error) {
	switch {
	case mode == "room", mode == "turns" && p == referee.Turns:
		return p, nil
	case mode == "turns" && p == referee.Room:
		return referee.Turns, nil
	}
	return nil, failure.Usage(language.Errorf("-mode %s: 只有 chat-server 有两种模式, room 和 turns", "-mode %s: chat-server alone has two modes, room and turns", mode))
}

func protocol(name string) (*referee.Protocol, error) {
	var names []string
	for _, p := range referee.Protocols {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return nil, failure.Usage(language.Errorf("协议 %q: 应为 %s", "protocol %q: want one of %s", name, strings.Join(names, ", ")))
}

// checks reads the names of checks that commas separate; none: all.
func checks(p *referee.Protocol, list string) ([]string, error) {
	if list == "" {
		return nil, nil
	}
	names := strings.Split(list, ",")
	i := slices.IndexFunc(names, func(name string) bool { return p.Check(name) == nil })
	if i >= 0 {
		return nil, failure.Usage(language.Errorf("没有检查 %q; referee list %s 列出所有检查", "no check is called %q; referee list %s lists them", names[i], p.Name))
	}
	return names, nil
}

func writeJUnit(name string, report *referee.Report, p *referee.Protocol) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(report.WriteJUnit(file, p), file.Close())
}

func list(_ context.Context, _ Config, env app.Env) error {
	if len(env.Args) != 1 {
		return failure.Usage(language.Errorf("要一个协议", "want a protocol"))
	}
	p, err := protocol(env.Args[0])
	if err != nil {
		return err
	}
	for _, c := range p.Checks {
		fmt.Fprintf(env.Stdout, "%-24s %s  %s\n", c.Name, c.Clause, c.Title.In(env.Lang.People))
	}
	return nil
}

func explain(_ context.Context, _ Config, env app.Env) error {
	if len(env.Args) < 1 || len(env.Args) > 2 {
		return failure.Usage(language.Errorf("要一个协议, 后面可以有一项检查", "want a protocol, and perhaps a check"))
	}
	p, err := protocol(env.Args[0])
	if err != nil {
		return err
	}
	if len(env.Args) == 1 {
		p.PrintContract(env.Stdout, env.Lang.People)
		return nil
	}
	names, err := checks(p, env.Args[1])
	if err != nil {
		return err
	}
	for _, name := range names {
		p.Explain(env.Stdout, p.Check(name), env.Lang.People)
	}
	return nil
}
