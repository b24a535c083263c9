package wire

import "testing"

func TestDamage(t *testing.T) {
	raw := []byte{0, 0, 0}
	r := Record{Raw: raw, Fate: Fate{Damage: &Damage{Offset: 1, Mask: 4}}}
	if got := r.Sent(); got[1] != 4 || raw[1] != 0 {
		t.Errorf("sent %v, raw %v", got, raw)
	}
	r.Fate.Damage.Offset = 3 // beyond what was kept
	if got := r.Sent(); &got[0] != &raw[0] {
		t.Errorf("sent %v", got)
	}
}

func TestWord(t *testing.T) {
	for _, tc := range []struct {
		fate Fate
		want What
	}{
		{Fate{}, Delivered},
		{Fate{Delay: 1}, Delayed},
		{Fate{Delay: 1, Copies: 1}, Duplicated},
		{Fate{What: Reordered, Delay: 1, Copies: 1}, Reordered},
		{Fate{What: Held, Copies: 1}, Held},
		{Fate{What: Reordered, Damage: &Damage{}}, Corrupted},
		{Fate{What: Dropped, Delay: 1}, Dropped},
		{Fate{What: Seen}, Seen},
	} {
		if got := tc.fate.Word(); got != tc.want {
			t.Errorf("%+v is %s, want %s", tc.fate, got, tc.want)
		}
	}
}
