package main

import (
	"os"
	"strconv"
	"syscall"
)

// yield lets wire go first, and all that serves its packets: a niceness belongs to a thread, and a new one has that of
// the thread which begins it.
func yield() {
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, task := range tasks {
		if id, err := strconv.Atoi(task.Name()); err == nil {
			syscall.Setpriority(syscall.PRIO_PROCESS, id, niceness)
		}
	}
}
