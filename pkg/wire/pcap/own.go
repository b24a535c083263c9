package pcap

import (
	"strconv"
	"strings"
	"time"

	"netlab.example/pkg/wire"
)

// A capture that wire has written knows more than others: which interface a packet stands on says whether it was
// dropped, and its comment what was done to it, and why. capture.Comment writes it:
//
//	wire #6: DROPPED by drop data #1 to client, data #1 to client

// own reads the number and the fate of a packet in a wire's own capture; ok is false for any other, and skip is
// true for a copy that wire made, which the packet before has in its fate.
func own(f *Frame) (number int, fate wire.Fate, skip, ok bool) {
	kind, isWire := strings.CutPrefix(f.Interface, "wire:")
	text, isComment := strings.CutPrefix(f.Comment, "wire #")
	digits, text, isNumber := strings.Cut(text, ": ")
	number, err := strconv.Atoi(digits)
	if !isWire || !isComment || !isNumber || err != nil {
		return 0, fate, false, false
	}
	fate.What = wire.Seen
	if kind != "seen" {
		fate.What = wire.Delivered
	}
	if by := strings.Index(text, " by "); by >= 0 && (text[:1] >= "A" && text[:1] <= "Z") {
		cause := text[by+len(" by "):]
		cause = strings.TrimSuffix(cause, ", half-close")
		if end := strings.LastIndex(cause, ", with data #"); end >= 0 {
			cause = cause[:end]
		}
		if end := strings.LastIndex(cause, ", "); end >= 0 {
			fate.Cause = cause[:end]
		}
		text = text[:by]
	}
	for word := range strings.FieldsSeq(text) {
		switch word {
		case "COPY":
			return number, fate, true, true
		case "DUPLICATED":
			fate.Copies = 1
		case "CORRUPTED":
			fate.Damage = &wire.Damage{Offset: -1}
		case "MADE":
			fate.What = wire.Made
		case "HELD":
			fate.What = wire.Held
		case "REORDERED":
			fate.What = wire.Reordered
		default:
			if d, err := time.ParseDuration(word); err == nil && d > 0 && fate.Delay == 0 {
				fate.Delay = d
			}
		}
	}
	if kind == "dropped" {
		fate.What = wire.Dropped
	}
	fate.What = fate.Word()
	return number, fate, false, true
}
