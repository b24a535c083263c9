package kernel

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCgroup(t *testing.T) {
	for _, tc := range []struct {
		name       string
		files      map[string]string
		used, most int64
		memory     bool
		now, pids  int64
		processes  bool
	}{
		{"version 2", map[string]string{"memory.current": "1000\n", "memory.max": "4000\n", "memory.stat": "anon 1\ninactive_file 300\nactive_file 5\n",
			"pids.current": "7\n", "pids.max": "100\n"}, 700, 4000, true, 7, 100, true},
		{"version 1", map[string]string{"memory/memory.usage_in_bytes": "1000\n", "memory/memory.limit_in_bytes": "4000\n",
			"memory/memory.stat": "inactive_file 1\ntotal_inactive_file 300\n", "pids/pids.current": "7\n", "pids/pids.max": "100\n"}, 700, 4000, true, 7, 100, true},
		{"no limit", map[string]string{"memory.current": "1000\n", "memory.max": "max\n", "pids.current": "7\n", "pids.max": "max\n"}, 0, 0, false, 0, 0, false},
		{"no limit, version 1", map[string]string{"memory/memory.usage_in_bytes": "1000\n", "memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0, 0, false, 0, 0, false},
		{"none", nil, 0, 0, false, 0, 0, false},
	} {
		c := Cgroup{t.TempDir()}
		for name, text := range tc.files {
			os.MkdirAll(filepath.Dir(filepath.Join(c.Root, name)), 0o700)
			if err := os.WriteFile(filepath.Join(c.Root, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if used, most, ok := c.Memory(); used != tc.used || most != tc.most || ok != tc.memory {
			t.Errorf("%s: memory %d of %d, %v", tc.name, used, most, ok)
		}
		if now, most, ok := c.Processes(); now != tc.now || most != tc.pids || ok != tc.processes {
			t.Errorf("%s: processes %d of %d, %v", tc.name, now, most, ok)
		}
	}
}
