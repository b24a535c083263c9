// Package app is the start-up that every program of the lab shares: it picks the subcommand, reads
// its configuration from the environment, builds the logger, turns signals into an ended context,
// and errors into one line, a hint and an exit code. It holds nothing of what a service teaches.
//
//	func main() {
//		app.Main("hello-tcp",
//			app.Command("serve", "HELLO_TCP", "", serve),
//			app.Command("client", "HELLO_CLIENT", "[URL]", client),
//			app.Command("healthcheck", "HELLO_TCP", "", healthcheck),
//		)
//	}
package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"go.uber.org/zap"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
)

// Exit codes, and no others.
const (
	exitWell   = 0
	exitFailed = 1
	exitUsage  = 2

	exitUndecided = 2 // there is no answer: what was asked for could not be found out
)

// An Env is what a subcommand gets from the outside world. Nothing below main reads the environment itself.
type Env struct {
	Args                  []string // what follows the subcommand's name
	Lang                  language.Choice
	Log                   *zap.Logger // on Stderr; a client's logger is silent
	Stdin, Stdout, Stderr *os.File

	log *sink
}

// LogTo sends the log to w from now on: to the line editor of a terminal, so that it does not break
// the line being typed. LogTo(nil) sends it to Stderr again.
func (e Env) LogTo(w io.Writer) { e.log.redirect(w) }

// A Subcommand is one thing that a program does. Command makes it.
type Subcommand struct {
	name, args string
	help       help
	prefix     string
	keys       []string // the variables that it knows
	usage      func(w io.Writer, l language.Lang)
	run        func(ctx context.Context, env Env) error
}

// Command makes a subcommand from a function and the configuration type that the function takes.
// prefix is that of its variables, without the underscore; args describes its arguments for -h.
// A configuration that embeds Common belongs to a server.
func Command[C any](name, prefix, args string, run func(context.Context, C, Env) error) Subcommand {
	return Subcommand{
		name: name, args: args, prefix: prefix, keys: keys(prefix, new(C)),
		usage: func(w io.Writer, l language.Lang) { printTable(w, prefix, new(C), l) },
		run: func(ctx context.Context, env Env) error {
			var cfg C
			if err := load(prefix, &cfg); err != nil {
				return err
			}
			env.Log = zap.NewNop()
			if c, ok := any(cfg).(interface{ common() Common }); ok {
				// A closed standard output is no reason for a server to die: write(2) then returns EPIPE.
				signal.Ignore(syscall.SIGPIPE)
				env.log = newSink(env.Stderr)
				defer env.log.std.Close()
				env.Log = newLogger(c.common(), env.log)
			}
			return run(ctx, cfg, env)
		},
	}
}

// help is what -h says of a subcommand beside its arguments and its variables.
type help struct{ short, long language.Both[string] }

// Help adds to a subcommand what it is for, in a few words, and what its own -h says: how it is used, line by line.
func (c Subcommand) Help(short, long language.Both[string]) Subcommand {
	c.help = help{short, long}
	return c
}

// Main runs the subcommand that os.Args names and exits. SIGINT and SIGTERM end its context;
// a second signal ends the process at once.
func Main(name string, cmds ...Subcommand) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	env := Env{
		Args: os.Args[1:], Lang: language.FromEnv(os.Getenv),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}
	os.Exit(run(ctx, name, cmds, env))
}

// run is Main without the process around it.
func run(ctx context.Context, name string, cmds []Subcommand, env Env) int {
	if len(env.Args) == 0 {
		printUsage(env.Stderr, name, cmds, env.Lang.People)
		return exitUsage
	}
	if isHelp(env.Args[0]) {
		printUsage(env.Stdout, name, cmds, env.Lang.People)
		return exitWell
	}
	i := slices.IndexFunc(cmds, func(c Subcommand) bool { return c.name == env.Args[0] })
	if i < 0 {
		return fail(env, name, failure.Usage(language.Errorf("没有子命令 %q", "unknown subcommand %q", env.Args[0])), name+" -h")
	}
	cmd := cmds[i]
	env.Args = env.Args[1:]
	if slices.ContainsFunc(env.Args, isHelp) {
		printUsage(env.Stdout, name, []Subcommand{cmd}, env.Lang.People)
		return exitWell
	}
	if cmd.args == "" && len(env.Args) > 0 {
		err := language.Errorf("%s 不带参数, 却有 %q", "%s takes no arguments, got %q", cmd.name, env.Args[0])
		return fail(env, name, failure.Usage(err), name+" "+cmd.name+" -h")
	}
	for _, name := range unknown(cmd, cmds) {
		fmt.Fprintf(env.Stderr, unknownWords.In(env.Lang.People)+"\n", name)
	}
	if err := cmd.run(ctx, env); err != nil {
		return fail(env, name, err, name+" "+cmd.name+" -h")
	}
	return exitWell
}

// HintWord begins a line that says what to do.
var HintWord = language.Both[string]{Zh: "提示:", En: "hint:"}

// fail prints one line that says why, hints that say what to do, and returns the exit code.
func fail(env Env, name string, err error, help string) int {
	fmt.Fprintf(env.Stderr, "%s: %s\n", name, language.Tell(err, env.Lang.People))
	if hint := failure.HintOf(err); hint != nil {
		fmt.Fprintln(env.Stderr, HintWord.In(env.Lang.People), language.Tell(hint, env.Lang.People))
	}
	if failure.IsUsage(err) {
		fmt.Fprintln(env.Stderr, HintWord.In(env.Lang.People), help)
		return exitUsage
	}
	if failure.IsUndecided(err) {
		return exitUndecided
	}
	return exitFailed
}

func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }
