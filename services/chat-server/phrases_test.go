package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"netlab.example/pkg/labtest"
	"netlab.example/pkg/language"
)

func TestPhrases(t *testing.T) {
	for _, p := range []any{words.Zh, words.En, wire.Zh, wire.En} {
		labtest.Complete(t, p)
	}
	for got, want := range map[string]string{ // the textbook's, byte for byte
		words.Zh.Connected: "建立连接: %s",
		words.Zh.Received:  "收到信息: %s",
		words.Zh.Ask:       "请输入发送的信息:",
		words.Zh.Reached:   "已经连接到服务器",
		words.Zh.AskData:   "请输入要发送的数据:",
		words.Zh.Answer:    "收到服务器的数据: %s",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if !strings.HasPrefix(words.Zh.Joined, words.Zh.Connected) || !strings.HasPrefix(words.Zh.Said, "收到信息: ") {
		t.Errorf("in a room: %q and %q", words.Zh.Joined, words.Zh.Said)
	}
}

// Each notice means the same in the other language, with the same names and numbers in it.
func TestMeaning(t *testing.T) {
	fill := func(format string) string {
		var args []any
		for i, verb := range strings.Split(format, "%")[1:] {
			if verb[0] == 'd' {
				args = append(args, 41+i)
			} else {
				args = append(args, fmt.Sprint("小明", i))
			}
		}
		return fmt.Sprintf(format, args...)
	}
	zh, en := reflect.ValueOf(wire.Zh), reflect.ValueOf(wire.En)
	for i := range zh.NumField() {
		z, e := fill(zh.Field(i).String()), fill(en.Field(i).String())
		if !strings.HasPrefix(z, "* ") || !strings.HasPrefix(e, "* ") {
			t.Errorf("%q and %q: a notice begins with *", z, e)
		}
		if got := meaning(z, language.English); got != e {
			t.Errorf("%q means %q, want %q", z, got, e)
		}
		if got := meaning(e, language.Chinese); got != z {
			t.Errorf("%q means %q, want %q", e, got, z)
		}
		if got := meaning(z, language.Chinese) + meaning(e, language.English); got != "" {
			t.Errorf("what is understood already has the meaning %q", got)
		}
	}
	for _, line := range []string{"Ann: hi", "", "*", "* what nobody says", "Ann: * Ben joined"} {
		if got := meaning(line, language.Chinese) + meaning(line, language.English); got != "" {
			t.Errorf("%q means %q", line, got)
		}
	}
}
