package kernel

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Cgroup is the container that wire runs in, with all that others have started there: version 2 of cgroups, or 1.
type Cgroup struct{ Root string }

// ThisCgroup is where a container sees its own.
var ThisCgroup = Cgroup{"/sys/fs/cgroup"}

// Memory is how much is in use, without the file cache that the kernel can give back, and how much there may be;
// ok is false if there is no limit.
func (c Cgroup) Memory() (used, most int64, ok bool) {
	used, most, ok = c.pair("memory.current", "memory.max")
	cache, dir := "inactive_file ", ""
	if !ok {
		used, most, ok = c.pair("memory/memory.usage_in_bytes", "memory/memory.limit_in_bytes")
		cache, dir = "total_inactive_file ", "memory"
	}
	const unlimited = 1 << 60 // version 1 writes a number for none
	if !ok || most >= unlimited {
		return 0, 0, false
	}
	stat, _ := os.ReadFile(filepath.Join(c.Root, dir, "memory.stat"))
	for line := range bytes.Lines(stat) {
		if number, found := strings.CutPrefix(string(line), cache); found {
			n, _ := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
			used -= n
		}
	}
	return used, most, true
}

// Processes is how many there are, threads counted, and how many there may be.
func (c Cgroup) Processes() (now, most int64, ok bool) {
	if now, most, ok = c.pair("pids.current", "pids.max"); ok {
		return now, most, ok
	}
	return c.pair("pids/pids.current", "pids/pids.max")
}

// pair reads two files with a number in each; "max" is none.
func (c Cgroup) pair(now, most string) (a, b int64, ok bool) {
	read := func(name string) (int64, bool) {
		text, err := os.ReadFile(filepath.Join(c.Root, name))
		if err != nil {
			return 0, false
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		return n, err == nil
	}
	a, ok = read(now)
	if !ok {
		return 0, 0, false
	}
	b, ok = read(most)
	return a, b, ok
}
