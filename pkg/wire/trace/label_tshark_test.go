package trace_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/wire"
	"netlab.example/pkg/wire/trace"
)

// verdicts are what tshark may say of a packet; each is a field tcp.analysis.NAME.
var verdicts = []string{"retransmission", "fast_retransmission", "spurious_retransmission", "rto", "out_of_order", "duplicate_ack", "keep_alive",
	"keep_alive_ack", "zero_window", "zero_window_probe", "zero_window_probe_ack", "window_update", "window_full", "lost_segment", "ack_lost_segment", "reused_ports"}

// tshark reads the records as a capture and returns what it says of each. Dropped packets are in the
// capture as well, as they are in wire's.
func tshark(t *testing.T, records []*wire.Record) []string {
	t.Helper()
	path, err := exec.LookPath("tshark")
	if err != nil {
		labtest.Lacks(t, "NETLAB_REQUIRE_TSHARK", "no tshark: apt-get install tshark")
	}
	args := []string{"-n", "-r", "-", "-T", "fields", "-E", "separator=|", "-e", "frame.number"}
	for _, v := range verdicts {
		args = append(args, "-e", "tcp.analysis."+v)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	var errors bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(writePcap(records)), &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, errors.String())
	}
	var said []string
	for l := range strings.Lines(string(out)) {
		columns := strings.Split(strings.TrimRight(l, "\n"), "|")
		if len(columns) != 1+len(verdicts) {
			t.Fatalf("tshark: %q", l)
		}
		var names []string
		for i, v := range columns[1:] {
			if v != "" && verdicts[i] != "rto" {
				names = append(names, verdicts[i])
			}
		}
		said = append(said, strings.Join(names, " "))
	}
	if len(said) != len(records) {
		t.Fatalf("tshark saw %d packets of %d: %s", len(said), len(records), errors.String())
	}
	return said
}

// writePcap writes records as a capture file: raw IP packets, times in nanoseconds.
func writePcap(records []*wire.Record) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b23c4d)
	b = le.AppendUint32(b, 2|4<<16) // version 2.4
	b = append(b, make([]byte, 8)...)
	b = le.AppendUint32(b, 1<<18) // longest packet
	b = le.AppendUint32(b, 101)   // LINKTYPE_RAW
	for _, r := range records {
		b = le.AppendUint32(b, uint32(r.Time.Unix()))
		b = le.AppendUint32(b, uint32(r.Time.Nanosecond()))
		b = le.AppendUint32(b, uint32(len(r.Raw)))
		b = le.AppendUint32(b, uint32(r.Packet.Length))
		b = append(b, r.Raw...)
	}
	return b
}

// agrees reports whether tshark says what a label says, in its own words. What it adds to an answer to
// a probe counts as the same.
func agrees(l wire.Label, said string) bool {
	want := map[wire.Kind]string{
		wire.KindRetransmission:  "retransmission",
		wire.KindOutOfOrder:      "out_of_order",
		wire.KindDupACK:          "duplicate_ack",
		wire.KindKeepAlive:       "keep_alive",
		wire.KindKeepAliveACK:    "keep_alive_ack",
		wire.KindZeroWindow:      "zero_window",
		wire.KindZeroWindowProbe: "zero_window_probe",
		wire.KindWindowUpdate:    "window_update",
	}[l.Kind]
	if l.By == wire.ByDupACKs {
		want += " fast_retransmission"
	}
	if l.Kind == wire.KindSYN {
		said = strings.TrimSuffix(said, "reused_ports") // another first number: a new connection
	}
	return strings.TrimSuffix(said, " zero_window_probe_ack") == want
}

// why is the key of the table's row that explains why tshark says something else of r; "" if none does.
func why(r *wire.Record, said string) string {
	says := func(verdict string) bool { return slices.Contains(strings.Fields(said), verdict) }
	l := r.Label
	switch {
	case l.Kind == wire.KindNotAccepted:
		return "not-accepted"
	case l.Kind == wire.KindChallengeACK:
		return "challenge"
	case (l.Kind == wire.KindSYN || l.Kind == wire.KindSYNACK) && says("retransmission"):
		return "both"
	case l.Kind == wire.KindSYNACK && says("reused_ports"), l.Kind == wire.KindData && says("retransmission"):
		return "stray"
	case l.Kind == wire.KindACK && says("keep_alive"):
		return "overtaken"
	case l.Kind == wire.KindACK && l.Of == 0 && says("duplicate_ack"):
		return "idle"
	case l.Kind == wire.KindACK && says("zero_window"):
		return "fin"
	case (l.Kind == wire.KindKeepAlive || l.Kind == wire.KindKeepAliveACK) && (says("duplicate_ack") || says("window_update")):
		return "question"
	case l.Kind == wire.KindHandshakeACK && says("window_update"), l.Kind == wire.KindWindowUpdate && says("duplicate_ack"):
		return "scale"
	case l.Kind == wire.KindRetransmission && says("out_of_order"):
		return "soon"
	case l.Kind == wire.KindRetransmission && says("spurious_retransmission"):
		return "needless"
	case l.Kind == wire.KindRetransmission && (says("fast_retransmission") != (l.By == wire.ByDupACKs)):
		return "fast"
	case (l.Kind == wire.KindOutOfOrder || l.Kind == wire.KindFIN) && says("retransmission"):
		return "late"
	case l.Kind == wire.KindDuplicate && (says("retransmission") || says("duplicate_ack")):
		return "copy"
	case l.Kind == wire.KindDSACK && (says("duplicate_ack") || says("window_update")):
		return "d-sack"
	case l.Kind == wire.KindDupACK && says("window_update") && l.Nth == 1:
		return "scale"
	case l.Kind == wire.KindDupACK && says("window_update"):
		return "sack"
	case l.Kind == wire.KindZeroWindowProbe && says("keep_alive"), l.Kind != wire.KindKeepAliveACK && says("keep_alive_ack"):
		return "probe"
	case says("lost_segment"):
		return "gap"
	case says("ack_lost_segment"):
		return "beyond"
	case (l.Kind == wire.KindACK || l.Kind == wire.KindHandshakeACK || l.Kind == wire.KindWindowUpdate) && (says("duplicate_ack") || says("window_update")):
		return "unheard"
	case says("window_full"):
		return "full"
	}
	return ""
}

// differences reads the table in README.md: the keys of its rows.
func differences(t *testing.T) map[string]bool {
	t.Helper()
	keys := rows(t, "README.md")
	if !maps.Equal(keys, rows(t, "README.zh-CN.md")) {
		t.Error("the two READMEs do not have the same rows")
	}
	return keys
}

func rows(t *testing.T, file string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		keys[m[1]] = true
	}
	return keys
}

// TestDifferences: if a trace says that label and tshark differ, the table says why, and the table
// has no row that no trace shows.
func TestDifferences(t *testing.T) {
	table, used := differences(t), map[string]bool{}
	all := scripts(t)
	packets, differing := 0, 0
	for _, s := range all {
		tr := trace.New()
		for i, r := range s.records {
			s.label(tr, r)
			l := s.lines[i]
			if differ := !agrees(r.Label, l.tshark); differ != (l.why != "") || differ && !table[l.why] {
				t.Errorf("%s #%d: %q against %q, why %q", s.name, i+1, l.label, l.tshark, l.why)
			}
			used[l.why] = true
			if packets++; l.why != "" {
				differing++
			}
		}
	}
	row := fmt.Sprintf("| %d | %d | %d | %d | 0 |", len(all), packets, packets-differing, differing)
	for _, file := range []string{"README.md", "README.zh-CN.md"} {
		if text, _ := os.ReadFile(file); !strings.Contains(string(text), row) {
			t.Errorf("%s does not say %s", file, row)
		}
	}
	for key := range table {
		if !used[key] {
			t.Errorf("no trace shows %q", key)
		}
	}
}

// TestTshark: tshark says of each packet of each hand-written trace what is written beside it.
func TestTshark(t *testing.T) {
	all := scripts(t)
	var records []*wire.Record
	for _, s := range all {
		records = append(records, s.records...)
	}
	said := tshark(t, records)
	for _, s := range all {
		for i, l := range s.lines {
			if said[i] != l.tshark {
				t.Errorf("%s #%d %s: is %q, want %q", s.name, i+1, l.packet, said[i], l.tshark)
			}
		}
		said = said[len(s.lines):]
	}
}
