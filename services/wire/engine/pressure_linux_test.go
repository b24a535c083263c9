package engine

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap"

	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/record"
	"netlab.example/services/wire/kernel"
)

// cgroup is a container with these numbers.
func cgroup(t *testing.T, files map[string]string) kernel.Cgroup {
	t.Helper()
	c := kernel.Cgroup{Root: t.TempDir()}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(c.Root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// TestRelieve: when memory is short in the container, the older half of the records goes, and only then.
func TestRelieve(t *testing.T) {
	e := New(Options{Memory: record.NewLog(1<<20, 64<<20), Log: zap.NewNop()})
	for range 3000 {
		e.Log.Append(&wire.Record{Raw: make([]byte, 1000)})
	}
	before := e.Log.Memory()
	for _, tc := range []struct {
		used, cache string
		forgets     bool
	}{
		{"840", "0", false}, {"900", "100", false}, {"860", "0", true},
	} {
		e.relieve(cgroup(t, map[string]string{"memory.current": tc.used, "memory.max": "1000", "memory.stat": "inactive_file " + tc.cache + "\n"}))
		if m := e.Log.Memory(); (m.Bytes <= before.Bytes/2) != tc.forgets || m.Last != before.Last {
			t.Errorf("%s of 1000 in use, %s of it cache: %+v, before %+v", tc.used, tc.cache, m, before)
		}
	}
}

// TestRoom: a program is refused while wire still has threads for itself.
func TestRoom(t *testing.T) {
	for now, full := range map[string]bool{"7": false, "84": false, "85": true, "100": true} {
		if err := room(cgroup(t, map[string]string{"pids.current": now, "pids.max": "100"})); (err != nil) != full {
			t.Errorf("%s of 100: %v", now, err)
		}
	}
	if err := room(cgroup(t, map[string]string{"pids.current": "5000", "pids.max": "max"})); err != nil {
		t.Errorf("no limit: %v", err)
	}
}
