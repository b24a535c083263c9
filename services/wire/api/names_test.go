package api

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// TestNames: each address is asked about once in a while, none for ever, and none of the internet's.
func TestNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := map[string]int{}
		answers := make(chan string, 10)
		n := names{lookup: func(ctx context.Context, addr netip.Addr) (string, error) {
			answers <- addr.String()
			if addr.String() == "172.18.0.9" { // never answers
				<-ctx.Done()
				return "", ctx.Err()
			}
			return "client-" + addr.String(), nil
		}}
		ask := func(addrs ...string) map[string]string {
			var all []netip.Addr
			for _, a := range addrs {
				all = append(all, netip.MustParseAddr(a))
			}
			began := time.Now()
			got := n.of(t.Context(), all)
			if took := time.Since(began); took > nameTime {
				t.Errorf("it took %v", took)
			}
			for len(answers) > 0 {
				asked[<-answers]++
			}
			return got
		}
		want := map[string]string{"172.18.0.5": "client-172.18.0.5", "fd6e::5": "client-fd6e::5"}
		for range 3 {
			if got := ask("172.18.0.5", "fd6e::5", "172.18.0.9", "8.8.8.8"); !maps.Equal(got, want) {
				t.Errorf("%v", got)
			}
		}
		if fmt.Sprint(asked) != "map[172.18.0.5:1 172.18.0.9:1 fd6e::5:1]" {
			t.Errorf("asked %v", asked)
		}
		time.Sleep(nameLasts + time.Second)
		ask("172.18.0.5")
		if asked["172.18.0.5"] != 2 {
			t.Errorf("asked %v", asked)
		}
		for i := range 2 * maxNames {
			ask(fmt.Sprintf("10.0.%d.%d", i/250, i%250))
		}
		if len(n.known) > maxNames+1 {
			t.Errorf("%d are remembered", len(n.known))
		}
	})
}
