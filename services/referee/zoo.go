package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/referee"
	"netlab.example/pkg/referee/zoo"
)

// zooCommand judges every wrong server of the zoo, and prints a table: each must fail the checks named for it. With a
// name it serves that one, until it is stopped, for whoever wants to meet it.
func zooCommand(ctx context.Context, _ Config, env app.Env) error {
	if len(env.Args) > 0 {
		return exhibit(ctx, env)
	}
	l := env.Lang.People
	say := zooWords.In(l)
	all := zoo.Specimens()
	verdicts := make([]verdict, len(all))
	places := make(chan struct{}, atOnce)
	var judging sync.WaitGroup
	for i, s := range all {
		places <- struct{}{}
		judging.Go(func() {
			defer func() { <-places }()
			verdicts[i] = judge(ctx, s, l)
		})
	}
	judging.Wait()
	escaped := 0
	for _, p := range referee.Protocols {
		fmt.Fprintf(env.Stdout, "\n## %s\n\n| %s |\n|---|---|---|---|\n", p.Name, strings.Join(say.head[:], " | "))
		for i, v := range verdicts {
			if all[i].Protocol != p.Name {
				continue
			}
			if v.err != nil {
				return v.err
			}
			if !v.deserved {
				escaped++
			}
			fmt.Fprintf(env.Stdout, "| %s |\n", strings.Join(v.row, " | "))
		}
	}
	if escaped > 0 {
		return language.Errorf("%d 个没有得到应有的判定", "%d did not get the verdict that they deserve", escaped)
	}
	return nil
}

const atOnce = 32 // specimens that are judged at once: most of the time the referee waits

// A verdict is a row of the table, and whether the specimen deserves it.
type verdict struct {
	row      []string
	deserved bool
	err      error
}

func judge(ctx context.Context, s zoo.Specimen, l language.Lang) verdict {
	p, err := protocol(s.Protocol)
	if err != nil {
		return verdict{err: err}
	}
	report, err := s.Judge(ctx, p)
	if err = cmp.Or(err, ctx.Err()); err != nil {
		return verdict{err: err}
	}
	say := zooWords.In(l)
	found := true
	var failed, not []string
	for _, r := range report.Results {
		switch r.Verdict {
		case referee.Failed:
			failed = append(failed, fmt.Sprintf("%s (%s)", r.Check, r.Failure.Cause.In(l)))
			found = found && (slices.Contains(s.Fails, r.Check) || slices.Contains(s.MayFail, r.Check))
		case referee.NotJudged:
			not = append(not, r.Check)
			found = found && (slices.Contains(s.Fails, r.Because) || slices.Contains(s.MayFail, r.Because))
		}
	}
	for _, name := range s.Fails {
		found = found && slices.ContainsFunc(failed, func(f string) bool { return strings.HasPrefix(f, name+" ") })
	}
	notJudged := "-"
	if len(not) > 0 {
		notJudged = fmt.Sprint(len(not))
	}
	if len(failed) == 0 {
		failed = []string{say.none}
	}
	return verdict{row: []string{s.Name, s.Wrong.In(l), strings.Join(failed, ", "), notJudged}, deserved: found}
}

var zooWords = language.Both[struct {
	head          [4]string
	none, listens string
}]{
	Zh: struct {
		head          [4]string
		none, listens string
	}{[4]string{"服务器", "错在哪里", "没有通过的检查", "未判定"}, "无", "%s 监听 %s; Ctrl-C 结束\n"},
	En: struct {
		head          [4]string
		none, listens string
	}{[4]string{"server", "what is wrong with it", "checks that it fails", "not judged"}, "none", "%s listens on %s; Ctrl-C ends it\n"},
}

func exhibit(ctx context.Context, env app.Env) error {
	all := zoo.Specimens()
	i := slices.IndexFunc(all, func(s zoo.Specimen) bool { return s.Name == env.Args[0] })
	if i < 0 || len(env.Args) > 2 {
		return failure.Usage(language.Errorf("没有叫 %q 的; referee zoo 列出所有", "none is called %q; referee zoo lists them", env.Args[0]))
	}
	addr := "127.0.0.1:0"
	if len(env.Args) == 2 {
		addr = env.Args[1]
	}
	addr, err := all[i].Serve(ctx, addr, terminal{env.Stdin, env.Stdout})
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, zooWords.In(env.Lang.People).listens, all[i].Name, addr)
	<-ctx.Done()
	return nil
}

// terminal is where the operator of a specimen that takes turns sits: at the one where it was started.
type terminal struct {
	io.Reader
	io.Writer
}
