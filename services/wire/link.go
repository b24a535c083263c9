package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"netlab.example/pkg/app"
	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
	"netlab.example/pkg/text"
	"netlab.example/pkg/wire"
)

// linkCommand shows or changes the link's settings.
func linkCommand(ctx context.Context, a *asker) error {
	f := app.Flags()
	asJSON := f.Bool("json", false, "")
	words, err := app.ParseFlags(f, a.Args)
	if err != nil {
		return err
	}
	line := strings.Join(words, " ")
	if _, err := wire.ParseStep(line); err != nil {
		return failure.Usage(err)
	}
	var l wire.Link
	if line == "" {
		l, err = a.wire.Link(ctx)
	} else {
		l, err = a.wire.ChangeLink(ctx, line)
	}
	switch {
	case err != nil:
		return err
	case *asJSON:
		return a.printJSON(l)
	}
	lines := []string{a.words.LinkClear}
	if l.Line != "" {
		lines[0] = "link " + text.Escape(l.Line)
	}
	for _, d := range l.Next {
		lines = append(lines, d.Time.Local().Format("15:04:05 MST")+"  "+text.Escape(d.Line))
	}
	return a.print(lines...)
}

// do arms exact faults: a line, a file of lines, or standard input. Without arguments it lists them, and
// "clear" forgets them.
func do(ctx context.Context, a *asker) error {
	f := app.Flags()
	asJSON := f.Bool("json", false, "")
	words, err := app.ParseFlags(f, a.Args)
	if err != nil {
		return err
	}
	var faults wire.Faults
	switch {
	case len(words) == 0:
		faults, err = a.wire.Faults(ctx)
	case only(words, "clear"):
		faults, err = a.wire.ClearFaults(ctx)
	default:
		scenario := strings.Join(words, " ")
		if len(words) == 1 && !strings.Contains(scenario, " ") { // a fault has two words at least
			file, err := a.readAll(words[0], 64<<10)
			if err != nil {
				return failure.Hint(language.Errorf("%q 不是故障, 也不是能读的文件", "%q is neither a fault nor a file that can be read", words[0]), errors.New(a.words.DoExample))
			}
			scenario = string(file)
		}
		if _, err := wire.ParseScenario(scenario); err != nil {
			return failure.Usage(err)
		}
		faults, err = a.wire.Do(ctx, scenario)
	}
	switch {
	case err != nil:
		return err
	case *asJSON:
		return a.printJSON(faults)
	case len(faults.Faults) == 0:
		return a.print(a.words.NoFaults)
	}
	var rows [][]string
	for _, x := range faults.Faults {
		rows = append(rows, []string{fmt.Sprint(x.Number), text.Escape(x.Line), a.words.faultState(x)})
	}
	return a.print(table(rows)...)
}
