package language

import (
	"errors"
	"fmt"
	"testing"
)

func TestFromEnv(t *testing.T) {
	for _, tc := range []struct {
		env          map[string]string
		wire, people Lang
	}{
		{nil, Chinese, Chinese},
		{map[string]string{"NETLAB_LANG": "en"}, English, English},
		{map[string]string{"NETLAB_LANG": "zh", "LANG": "en_US.UTF-8"}, Chinese, Chinese},
		{map[string]string{"LANG": "en_US.UTF-8"}, Chinese, English},
		{map[string]string{"LANG": "zh_TW.UTF-8"}, Chinese, Chinese},
		{map[string]string{"LANG": "ZH_cn"}, Chinese, Chinese},
		{map[string]string{"LANG": "C"}, Chinese, Chinese},
		{map[string]string{"LANG": "C.UTF-8"}, Chinese, Chinese},
		{map[string]string{"LANG": "POSIX"}, Chinese, Chinese},
		{map[string]string{"LANG": "de_DE"}, Chinese, English},
		{map[string]string{"LC_ALL": "", "LC_MESSAGES": "en_GB", "LANG": "zh_CN"}, Chinese, English},
		{map[string]string{"LC_ALL": "zh_CN", "LC_MESSAGES": "en_GB"}, Chinese, Chinese},
		{map[string]string{"NETLAB_LANG": "", "LC_ALL": "en_GB"}, Chinese, English},
	} {
		got := FromEnv(func(k string) string { return tc.env[k] })
		if got.Wire != tc.wire || got.People != tc.people {
			t.Errorf("%v: wire %v, people %v; want %v, %v", tc.env, got.Wire, got.People, tc.wire, tc.people)
		}
	}
}

func TestBoth(t *testing.T) {
	b := Both[string]{Zh: "你好", En: "hello"}
	if b.In(Chinese) != "你好" || b.In(English) != "hello" {
		t.Errorf("got %q and %q", b.In(Chinese), b.In(English))
	}
}

// TestErrorIn: an error in an error is told in the same language, and is still there to be asked for.
func TestErrorIn(t *testing.T) {
	cause := Errorf("太长", "too long")
	err := fmt.Errorf("scenario: %w", Errorf("第 %d 行: %v", "line %d: %v", 3, cause))
	if zh, en := Tell(err, Chinese), Tell(err, English); zh != "scenario: 第 3 行: 太长" || en != "scenario: line 3: too long" {
		t.Errorf("%q, %q", zh, en)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
}
