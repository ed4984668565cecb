package orderfile

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Purchases are written as units@amount, oldest first; each return takes units and gives its parts, newest purchase first.
func TestReturnsFindTheirPurchases(t *testing.T) {
	for _, c := range []struct {
		name    string
		bought  []bought
		returns []int64
		want    string
	}{
		{"whole purchase", []bought{{quantity: 6, net: 750}}, []int64{6}, "1:6=750"},
		{"part, proportional", []bought{{quantity: 3, net: 100}}, []int64{1}, "1:1=33"},
		{"three parts sum to the whole", []bought{{quantity: 3, net: 100}}, []int64{1, 1, 1}, "1:1=33 | 1:1=34 | 1:1=33"},
		{"newest first", []bought{{quantity: 6, net: 600}, {quantity: 5, net: 505}}, []int64{4}, "2:4=404"},
		{"split over several", []bought{{quantity: 6, net: 600}, {quantity: 5, net: 505}, {quantity: 1, net: 99}}, []int64{8}, "3:1=99 2:5=505 1:2=200"},
		{"more than was bought", []bought{{quantity: 2, net: 50}, {quantity: 2, net: 60}}, []int64{7}, "2:2=60 1:2=50 left 3"},
		{"nothing was bought", nil, []int64{7}, "left 7"},
		{"nothing is left", []bought{{quantity: 2, net: 50}}, []int64{2, 1}, "1:2=50 | left 1"},
		{"a purchase that cost nothing", []bought{{quantity: 2}}, []int64{1}, "1:1=0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShelf()
			for i, b := range c.bought {
				b.line = int32(i) + 1
				s.add(key{1, 1}, b)
			}
			s.add(key{2, 1}, bought{quantity: 100, net: 1, line: 99}) // somebody else's
			s.add(key{1, 2}, bought{quantity: 100, net: 1, line: 98}) // another product
			var got []string
			for _, units := range c.returns {
				parts, left := s.take(key{1, 1}, units, nil)
				var words []string
				for _, p := range parts {
					words = append(words, fmt.Sprintf("%d:%d=%d", p.line, p.quantity, p.amount))
				}
				if left > 0 {
					words = append(words, fmt.Sprintf("left %d", left))
				}
				got = append(got, strings.Join(words, " "))
			}
			if text := strings.Join(got, " | "); text != c.want {
				t.Errorf("%q, want %q", text, c.want)
			}
		})
	}
}

// Whatever is bought and sent back: a purchase never comes back more than whole, its parts sum to its amount when it does,
// what is matched and what is left sum to what was asked for, and nothing is left while a unit is still out.
func TestReturnsNeverExceedPurchases(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type line struct{ quantity, net, back, amount int64 }
		s := newShelf()
		lines := map[int32]*line{}
		owner := map[int32]key{}
		for n := range rapid.IntRange(1, 60).Draw(t, "steps") {
			k := key{rapid.Int32Range(0, 2).Draw(t, "customer"), rapid.Int32Range(0, 2).Draw(t, "product")}
			units := rapid.Int64Range(1, 12).Draw(t, "units")
			if rapid.Bool().Draw(t, "buys") {
				net := rapid.Int64Range(0, 5000).Draw(t, "net")
				id := int32(n) + 1
				s.add(k, bought{quantity: int32(units), net: net, line: id})
				lines[id], owner[id] = &line{quantity: units, net: net}, k
				continue
			}
			out := int64(0)
			for id, l := range lines {
				if owner[id] == k {
					out += l.quantity - l.back
				}
			}
			parts, left := s.take(k, units, nil)
			matched := int64(0)
			for i, p := range parts {
				l := lines[p.line]
				l.back, l.amount, matched = l.back+p.quantity, l.amount+p.amount, matched+p.quantity
				switch {
				case owner[p.line] != k:
					t.Fatalf("line %d belongs to %v, not to %v", p.line, owner[p.line], k)
				case p.quantity < 1 || l.back > l.quantity || l.amount > l.net:
					t.Fatalf("line %d: %+v after %+v", p.line, *l, p)
				case l.back == l.quantity && l.amount != l.net:
					t.Fatalf("line %d is back whole, for %d of %d", p.line, l.amount, l.net)
				case i > 0 && parts[i-1].line < p.line:
					t.Fatalf("older before newer: %+v", parts)
				}
			}
			if matched+left != units || left != max(units-out, 0) {
				t.Fatalf("%d units asked for, %d out: %d matched, %d left", units, out, matched, left)
			}
		}
		open := 0
		for _, l := range lines {
			if l.back < l.quantity {
				open++
			}
		}
		if kept := len(s.lines) - len(s.free); kept != open {
			t.Fatalf("%d purchases are kept, %d could still come back", kept, open)
		}
	})
}
