package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"text/template"
	"time"

	"github.com/kelseyhightower/envconfig"
	"go.uber.org/zap/zapcore"

	"netlab.example/pkg/failure"
	"netlab.example/pkg/language"
)

// Common is the part of the configuration that is alike in every server. Embed it.
type Common struct {
	Ops             string    `split_words:"true" desc:"address for health checks and metrics, such as tcp://127.0.0.1:9100; empty: off" zh:"健康检查与指标的地址, 例如 tcp://127.0.0.1:9100; 空: 关闭"`
	Transcript      Switch    `split_words:"true" default:"on" desc:"tell each event on standard output (on, off)" zh:"在标准输出讲述每个事件 (on, off)"`
	LogLevel        LogLevel  `split_words:"true" default:"info" desc:"least level that is logged (debug, info, warn, error)" zh:"日志的最低级别 (debug, info, warn, error)"`
	LogFormat       LogFormat `split_words:"true" default:"console" desc:"form of the log (console, json)" zh:"日志格式 (console, json)"`
	ShutdownTimeout Duration  `split_words:"true" default:"2s" desc:"longest time to end conversations at a stop" zh:"停止时等待对话结束的最长时间"`
}

func (c Common) common() Common { return c }

// A Switch is on or off.
type Switch bool

// Decode reads on or off.
func (s *Switch) Decode(v string) error {
	switch v {
	case "on", "off":
		*s = v == "on"
		return nil
	}
	return language.Errorf("应为 on 或 off", "want on or off")
}

// A LogLevel is debug, info, warn or error.
type LogLevel zapcore.Level

// Decode reads a level.
func (l *LogLevel) Decode(v string) error {
	switch level, err := zapcore.ParseLevel(v); {
	case err != nil, level > zapcore.ErrorLevel:
		return language.Errorf("应为 debug, info, warn 或 error", "want debug, info, warn or error")
	default:
		*l = LogLevel(level)
	}
	return nil
}

// A LogFormat is console or json.
type LogFormat string

// Decode reads console or json.
func (f *LogFormat) Decode(v string) error {
	switch v {
	case "console", "json":
		*f = LogFormat(v)
		return nil
	}
	return language.Errorf("应为 console 或 json", "want console or json")
}

// A Duration is never negative. Its unit is written out: 500ms, 10s, 2m.
type Duration time.Duration

// Decode reads a duration.
func (d *Duration) Decode(v string) error {
	t, err := time.ParseDuration(v)
	if err != nil || t < 0 {
		return language.Errorf("应为一段时间, 例如 500ms, 10s 或 2m", "want a duration such as 500ms, 10s or 2m")
	}
	*d = Duration(t)
	return nil
}

// D is the duration in the type that package time wants.
func (d Duration) D() time.Duration { return time.Duration(d) }

// mostThings is the largest number that a configuration may hold: far more than any machine has of anything.
const mostThings = 1_000_000_000

// A Count is a number of things, at least 1.
type Count int

// Decode reads a count.
func (c *Count) Decode(v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > mostThings {
		return language.Errorf("应为 1 到 %d 的整数", "want a whole number from 1 to %d", mostThings)
	}
	*c = Count(n)
	return nil
}

// A Limit is a number of things, or 0: then something else decides, or nothing.
type Limit int

// Decode reads a limit.
func (l *Limit) Decode(v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > mostThings {
		return language.Errorf("应为 0 到 %d 的整数", "want a whole number from 0 to %d", mostThings)
	}
	*l = Limit(n)
	return nil
}

// load fills cfg, a pointer to a struct, from the variables that begin with prefix_. An empty one counts as unset.
func load(prefix string, cfg any) error {
	for _, kv := range os.Environ() {
		if name, v, _ := strings.Cut(kv, "="); v == "" && strings.HasPrefix(name, prefix+"_") {
			os.Unsetenv(name)
		}
	}
	err := envconfig.Process(prefix, cfg)
	if e, ok := err.(*envconfig.ParseError); ok {
		if _, ok := errors.AsType[*strconv.NumError](e.Err); ok {
			e.Err = language.Errorf("应为数字", "want a number")
		}
		return failure.Usage(fmt.Errorf("%s=%q: %w", e.KeyName, e.Value, e.Err))
	}
	return err
}

// keys are the names of all variables of a configuration.
func keys(prefix string, cfg any) []string {
	var b strings.Builder
	envconfig.Usaget(prefix, cfg, &b, template.Must(template.New("").Parse("{{range .}}{{.Key}} {{end}}")))
	return strings.Fields(b.String())
}

// unknown returns the variables that have a prefix of cmd's but that no subcommand of the program knows: misspelt, most
// likely. They are worth a warning and no more, since Kubernetes injects the like of CHAT_SERVER_SERVICE_HOST.
func unknown(cmd Subcommand, cmds []Subcommand) (names []string) {
	var known []string
	for _, c := range cmds {
		known = append(known, c.keys...)
	}
	for _, kv := range os.Environ() {
		if name, v, _ := strings.Cut(kv, "="); v != "" && strings.HasPrefix(name, cmd.prefix+"_") && !slices.Contains(known, name) {
			names = append(names, name)
		}
	}
	return names
}

var (
	usageWords   = language.Both[string]{Zh: "用法:", En: "usage:"}
	unknownWords = language.Both[string]{Zh: "警告: 没有变量 %s", En: "warning: unknown variable %s"}
)

// printUsage says how each of cmds is called, what it is for, and which variables it reads. Of one alone it says all,
// of several what they share is said once.
func printUsage(w io.Writer, name string, cmds []Subcommand, l language.Lang) {
	for i, c := range cmds {
		fmt.Fprintf(w, "%s %s\n", usageWords.In(l), strings.TrimSpace(name+" "+c.name+" "+c.args))
		if short := c.help.short.In(l); short != "" {
			fmt.Fprintf(w, "  %s\n", short)
		}
		if long := c.help.long.In(l); long != "" && len(cmds) == 1 {
			fmt.Fprintf(w, "\n%s\n\n", strings.TrimSpace(long))
		}
		if i == len(cmds)-1 || !slices.Equal(cmds[i+1].keys, c.keys) {
			c.usage(w, l)
		}
	}
}

// printTable prints the variables of a configuration: name, default, meaning.
func printTable(w io.Writer, prefix string, cfg any, l language.Lang) {
	if reflect.TypeOf(cfg).Elem().NumField() == 0 {
		return
	}
	tag := language.Both[string]{Zh: "zh", En: "desc"}.In(l)
	table := template.Must(template.New("").Funcs(template.FuncMap{
		"default": func(t reflect.StructTag) string {
			if d := t.Get("default"); d != "" {
				return d
			}
			return "-"
		},
	}).Parse(`{{range .}}  {{.Key}}	{{default .Tags}}	{{.Tags.Get "` + tag + `"}}
{{end}}`))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	envconfig.Usaget(prefix, cfg, tw, table) // its only errors are ours: a template or a type that tests would have shown
	tw.Flush()
}
