package market

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tributary/internal/fault"
)

func TestTrademarks(t *testing.T) {
	list := NewTrademarks([]string{"Hearth", "Copper & Co.", "Ærø", "C++", "  ", "7up"})
	for _, c := range []struct {
		text          string
		whole, within bool
	}{
		{"hearth", true, true}, {" HEARTH! ", true, true}, {"ｈｅａｒｔｈ", true, true}, {"hearth kettle", false, true},
		{"buy hearth", false, true}, {"hearth's", false, true}, {"hearthstone", false, false}, {"the-hearth-shop", false, true},
		{"copper co", true, true}, {"copper & co", true, true}, {"Copper and Co", false, false}, {"co copper", false, false},
		{"old copper co kettle", false, true}, {"copper company", false, false},
		{"ÆRØ", true, true}, {"æro", false, false}, {"7UP", true, true}, {"7 up", false, false}, {"c", true, true},
		{"", false, false}, {" ", false, false}, {"\xff\xfe", false, false}, {"kettle", false, false},
	} {
		if whole, within := list.Match(c.text); whole != c.whole || within != c.within {
			t.Errorf("%q: %v, %v; want %v, %v", c.text, whole, within, c.whole, c.within)
		}
	}
	for _, text := range []string{"", " ", "hearth"} {
		if whole, within := NewTrademarks(nil).Match(text); whole || within || !NewTrademarks([]string{"", "&"}).None() {
			t.Errorf("no trademarks, and %q is one", text)
		}
	}
}

func TestTrademarksAreFoundBetweenOtherWords(t *testing.T) {
	word := rapid.StringMatching(`[a-zäøç0-9]{1,8}`)
	rapid.Check(t, func(t *rapid.T) {
		mark := strings.Join(rapid.SliceOfN(word, 1, 3).Draw(t, "mark"), " ")
		before, after := word.Draw(t, "before"), word.Draw(t, "after")
		list := NewTrademarks([]string{mark})
		for _, text := range []string{mark, strings.ToUpper(mark), strings.ReplaceAll(mark, " ", "-")} {
			if whole, within := list.Match(text); !whole || !within {
				t.Fatalf("%q is not %q", text, mark)
			}
			if whole, within := list.Match(before + "+" + text + "." + after); whole || !within {
				t.Fatalf("%q is not within, or is the whole", text)
			}
		}
	})
}

func FuzzTrademarks(f *testing.F) {
	f.Add("Hearth", "buy a hearth")
	f.Add("İ", "i\u0307")
	f.Fuzz(func(t *testing.T, mark, text string) {
		list := NewTrademarks([]string{mark})
		whole, within := list.Match(text)
		if whole && !within || within && list.None() {
			t.Errorf("%q in %q: %v, %v", mark, text, whole, within)
		}
		if again, _ := list.Match(mark); again == list.None() {
			t.Errorf("%q is not itself", mark)
		}
	})
}

func TestTrademarksAreChecked(t *testing.T) {
	for name, words := range map[string][]string{
		"nothing": {""}, "signs": {"ok", "&-+"}, "long": {strings.Repeat("a", 101)}, "bytes": {"\xff"}, "many": make([]string, 201),
	} {
		if err := checkTrademarks(words); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := checkTrademarks([]string{"Hearth", strings.Repeat("ä", 100)}); err != nil {
		t.Error(err)
	}
}
