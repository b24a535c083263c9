package referee

import (
	"context"
	"os/exec"
	"strings"
	"time"

	"netlab.example/pkg/language"
)

const stopTime = 10 * time.Second // for a server to stop, and for the command that stops it

// StopCommand is how the referee stops a server: by a command line.
func StopCommand(line string) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, stopTime)
		defer cancel()
		c := command(line)
		cmd := exec.CommandContext(ctx, c.Path, c.Args[1:]...)
		cmd.WaitDelay = time.Second
		out, err := cmd.CombinedOutput()
		if err != nil {
			return language.Errorf("-stop: %v: %s", "-stop: %v: %s", err, strings.TrimSpace(string(out[:min(len(out), 200)])))
		}
		return nil
	}
}

// stops stops the server.
func (x *Exchange) stops() {
	if err := x.stop(x.ctx); err != nil {
		panic(&Failure{Cause: Unexpected, Got: []byte(err.Error()), Due: due("停止服务器的命令成功", "the command that stops the server succeeds"), Err: err})
	}
}

// stopped waits until nobody listens any more.
func (x *Exchange) stopped() {
	for until := x.deadline(stopTime); ; x.Pause(settleTime) {
		if failure := attempt(func() { x.Dial().conn.Close() }); failure != nil && failure.Cause == Refused {
			return
		}
		if time.Now().After(until) {
			x.Fail(NotClosed, "", due("服务器停止", "the server stops"))
		}
	}
}
