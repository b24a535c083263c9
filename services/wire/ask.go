package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/charmbracelet/x/term"
	"github.com/rivo/uniseg"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/sockets"
	"netlab.example/pkg/text"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/ladder"
)

// AskConfig is what the environment may set for the commands that ask a running wire. They read the same
// variable as serve, so inside wire's container there is nothing to set.
type AskConfig struct {
	API string `split_words:"true" default:"tcp://127.0.0.1:9101" desc:"where wire's API is" zh:"wire 的 API 地址"`
}

// asker is what such a command works with.
type asker struct {
	app.Env
	wire  *wire.Client
	words phrases
}

// ask makes a subcommand of a function that asks wire.
func ask(name, args string, m manual, run func(context.Context, *asker) error) app.Subcommand {
	return app.Command(name, "WIRE", args, func(ctx context.Context, cfg AskConfig, env app.Env) error {
		small()
		client, err := wire.NewClient(cfg.API, "wire "+name)
		if err != nil {
			return failure.Usage(fmt.Errorf("WIRE_API: %w", err))
		}
		defer client.Close()
		return explain(ctx, run(ctx, &asker{env, client, words.In(env.Lang.People)}), cfg.API, env)
	}).Help(m.short, m.long)
}

// small keeps a command modest: it shares its container's memory, processor time and number of threads with the wire
// that it asks, and with the other commands.
func small() {
	runtime.GOMAXPROCS(1)
	debug.SetMemoryLimit(24 << 20)
	yield()
}

// niceness is a command's: twenty of them together take less processor time than wire, if there is not enough.
const niceness = 15

// explain turns an error into a line that says what to do. The end that the learner asked for is none.
func explain(ctx context.Context, err error, address string, env app.Env) error {
	w := words.In(env.Lang.People)
	refused, isRefused := errors.AsType[*wire.Error](err)
	switch {
	case err == nil, ctx.Err() != nil:
		return nil
	case errors.Is(err, syscall.EPIPE): // wire watch | head
		return nil
	case isRefused && refused.Status == http.StatusConflict:
		return failure.Hint(language.Errorf("wire 在这里只能观察", "wire can only watch here"), errors.New(w.WhyWatching))
	case isRefused && refused.Status == http.StatusServiceUnavailable:
		return language.Errorf("同时向 wire 提问的程序太多, 先结束一个: %s", "%s", text.Escape(refused.Message))
	case isRefused && refused.Status == 400:
		return failure.Usage(err)
	case isRefused:
		return err
	case errors.Is(err, wire.ErrEnded):
		return failure.Hint(errors.New(w.Ended), errors.New(w.StartAgain))
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrDeadlineExceeded):
		return failure.Hint(fmt.Errorf(w.NoWire, address, sockets.Why(err, env.Lang.People)), errors.New(w.StartWire))
	}
	return err
}

// given reports whether a flag stands on the command line.
func given(f *flag.FlagSet, name string) (is bool) {
	f.Visit(func(g *flag.Flag) { is = is || g.Name == name })
	return is
}

// parseNone is parse for a command that takes flags only.
func parseNone(f *flag.FlagSet, args []string) error {
	words, err := app.ParseFlags(f, args)
	if err == nil && len(words) > 0 {
		return failure.Usage(language.Errorf("%q 是什么?", "what is %q?", words[0]))
	}
	return err
}

// onTTY reports whether a file is a terminal.
func onTTY(f *os.File) bool { return term.IsTerminal(f.Fd()) }

// view is how a ladder looks on standard output: in colour and as wide as the terminal, or plain and 80 cells.
func (a *asker) view(width int) ladder.View {
	v := ladder.View{Width: 80, Lang: a.Lang.People, Colour: onTTY(a.Stdout)}
	if w, _, err := term.GetSize(a.Stdout.Fd()); err == nil && w > 0 {
		v.Width = w
	}
	if width > 0 {
		v.Width = width
	}
	return v
}

// print writes lines in one go.
func (a *asker) print(lines ...string) error {
	_, err := io.WriteString(a.Stdout, strings.Join(lines, "\n")+"\n")
	return err
}

func (a *asker) printJSON(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return a.print(string(text))
}

// table lays out rows in columns, by the cells that text takes on a screen.
func table(rows [][]string) []string {
	var widths []int
	for _, row := range rows {
		for i, text := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], uniseg.StringWidth(text))
		}
	}
	lines := make([]string, len(rows))
	for i, row := range rows {
		var b strings.Builder
		for j, text := range row {
			b.WriteString(text)
			if j < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[j]-uniseg.StringWidth(text)+2))
			}
		}
		lines[i] = strings.TrimRight(b.String(), " ")
	}
	return lines
}

// readAll reads a file, or standard input for "-", within a bound.
func (a *asker) readAll(name string, most int64) ([]byte, error) {
	in := a.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	var text bytes.Buffer
	if _, err := io.Copy(&text, io.LimitReader(in, most+1)); err != nil {
		return nil, err
	}
	if int64(text.Len()) > most {
		return nil, fmt.Errorf("%s: more than %d KiB", name, most>>10)
	}
	return text.Bytes(), nil
}

// only reports whether words is that one word.
func only(words []string, word string) bool { return slices.Equal(words, []string{word}) }
