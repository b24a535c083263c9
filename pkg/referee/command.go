package referee

import (
	"os/exec"
	"strings"
)

// command is a command line as its writer means it: the shell reads it. Where there is no shell, as in the referee's
// image, its words are the program and its arguments.
func command(line string) *exec.Cmd {
	if shell, err := exec.LookPath("sh"); err == nil {
		return exec.Command(shell, "-c", line)
	}
	words := strings.Fields(line)
	if len(words) == 0 {
		words = []string{""}
	}
	return exec.Command(words[0], words[1:]...)
}
