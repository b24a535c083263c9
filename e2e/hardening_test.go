package e2e

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/client"
)

// What each container has mounted. A client cannot write where its server's socket is.
var mounted = map[string]string{
	"hello-tcp": "hello:/run/netlab:rw", "hello-client": "hello:/run/netlab:ro",
	"chat-server": "chat:/run/netlab:rw", "chat-client": "chat:/run/netlab:ro",
	"udp-temp": "replies:/run/replies:rw temp:/run/netlab:rw", "temp-client": "replies:/run/replies:rw temp:/run/netlab:ro",
	"wire-hello": "control:/run/control:rw", "wire-chat": "control:/run/control:rw", "wire-temp": "control:/run/control:rw",
}

// checkHardening looks at every container of a running stack: what was asked for, and, if the engine's
// processes can be seen from here, what the kernel made of it.
func (s *stack) checkHardening() {
	t := s.t
	t.Helper()
	ids := strings.Fields(s.run(0, "ps", "-q"))
	if len(ids) != 9 {
		t.Errorf("%d containers are up, want 9", len(ids))
	}
	for _, id := range ids {
		c, err := suite.docker.ContainerInspect(t.Context(), id, client.ContainerInspectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		is, host := c.Container, c.Container.HostConfig
		check := func(ok bool, what string, got any) {
			t.Helper()
			if !ok {
				t.Errorf("%s: %s: %v", is.Name, what, got)
			}
		}
		// A wire is root in its container, for two capabilities. Nobody else has one.
		user, caps, bits := "65532", "[]", 0
		if strings.HasPrefix(is.Config.Labels["com.docker.compose.service"], "wire-") {
			user, caps, bits = "0", "[NET_ADMIN NET_RAW]", 1<<12|1<<13
		}
		check(is.Config.User == user+":"+user, "user", is.Config.User)
		check(host.ReadonlyRootfs, "read-only", host.ReadonlyRootfs)
		added := strings.ReplaceAll(fmt.Sprint(host.CapAdd), "CAP_", "") // newer engines write it so
		check(fmt.Sprint(host.CapDrop) == "[ALL]" && added == caps, "capabilities", host.CapAdd)
		check(fmt.Sprint(host.SecurityOpt) == "[no-new-privileges:true]", "security options", host.SecurityOpt)
		check(!host.Privileged && !host.NetworkMode.IsHost() && !host.PidMode.IsHost() && !host.IpcMode.IsHost(), "namespaces", host)
		check(host.Memory > 0 && host.Memory <= 1<<30, "memory", host.Memory)
		check(host.PidsLimit != nil && *host.PidsLimit > 0, "processes", host.PidsLimit)
		check(len(host.Ulimits) == 1 && host.Ulimits[0].Name == "nofile" && 0 < host.Ulimits[0].Hard && host.Ulimits[0].Hard <= 8192, "descriptors", host.Ulimits)
		var mounts []string
		for _, m := range is.Mounts {
			mode := "ro"
			if m.RW {
				mode = "rw"
			}
			mounts = append(mounts, strings.TrimPrefix(m.Name, s.project+"_")+":"+m.Destination+":"+mode)
		}
		slices.Sort(mounts)
		service := is.Config.Labels["com.docker.compose.service"]
		check(strings.Join(mounts, " ") == mounted[service], "mounts", mounts)
		for port, bindings := range host.PortBindings {
			for _, b := range bindings {
				check(b.HostIP.IsLoopback(), "published "+port.String(), b.HostIP)
			}
		}

		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", is.State.Pid))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the engine runs in a machine of its own
		}
		set := fmt.Sprintf(":\t%016x\n", bits)
		for _, line := range []string{"Uid:" + strings.Repeat("\t"+user, 4) + "\n", "Gid:\t" + user + "\t", "CapPrm" + set,
			"CapEff" + set, "CapBnd" + set, "NoNewPrivs:\t1\n"} {
			check(strings.Contains(string(status), line), "no "+strings.TrimSpace(line)+" in its status", "\n"+string(status))
		}
	}
}

// An image is one program, small, and not root's to run.
func TestImages(t *testing.T) {
	t.Parallel()
	for service, most := range map[string]int64{"hello-tcp": 12e6, "chat-server": 12e6, "udp-temp": 12e6, "wire": 17e6} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			inspected, err := suite.docker.ImageInspect(t.Context(), image(service))
			if err != nil {
				t.Fatal(err)
			}
			if user := inspected.Config.User; user != "65532:65532" {
				t.Errorf("user %q", user)
			}
			if inspected.Size > most {
				t.Errorf("%d bytes, want at most %d", inspected.Size, most)
			}
			saved, err := suite.docker.ImageSave(t.Context(), []string{image(service)})
			if err != nil {
				t.Fatal(err)
			}
			defer saved.Close()
			var files []string
			each(t, saved, func(h *tar.Header, content []byte) {
				if !isTar(content) { // what describes the image, not what is in it
					return
				}
				each(t, bytes.NewReader(content), func(h *tar.Header, _ []byte) {
					if h.Typeflag != tar.TypeDir {
						files = append(files, strings.TrimPrefix(h.Name, "/"))
					}
				})
			})
			if len(files) != 1 || files[0] != service {
				t.Errorf("the image holds %q, want the one program", files)
			}
		})
	}
}

func each(t *testing.T, r io.Reader, do func(*tar.Header, []byte)) {
	t.Helper()
	in := tar.NewReader(r)
	for {
		h, err := in.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		do(h, content)
	}
}

// isTar tells a layer by what every tar has in its first block.
func isTar(b []byte) bool { return len(b) > 262 && string(b[257:262]) == "ustar" }
