package creator

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tributary/internal/market"
	"tributary/internal/report"
)

func TestCursorAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := report.Cursor{Touched: rapid.Int64Range(1, 1<<60).Draw(t, "touched"), Order: rapid.String().Draw(t, "order"), Line: rapid.String().Draw(t, "line")}
		if got := readCursor(writeCursor(c)); got != c {
			t.Fatalf("%+v becomes %+v", c, got)
		}
	})
	if writeCursor(report.Cursor{}) != "" {
		t.Error("the beginning has a cursor")
	}
}

func FuzzReadFilter(f *testing.F) {
	f.Add("state=earned&month=2026-11&sort=amount&page=3&after=5!a!b")
	f.Add("q=%00&page=-1&after=!!&program=associates&month=0000-00")
	m := market.Market{Zone: "Europe/London"}
	f.Fuzz(func(t *testing.T, text string) {
		query, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		filter, err := readFilter(query, m)
		if err == nil && (filter.Offset < 0 || filter.Offset > report.Window || filter.After.Touched < 0 || len(filter.Text) > 200) {
			t.Errorf("%q gives %+v", text, filter)
		}
	})
}

func TestIsAddress(t *testing.T) {
	for text, want := range map[string]bool{"https://store.example/x": true, "/dp/KETTLE-1": true, "store.example/product/1": true, "kettle": false,
		"gooseneck kettle 1.5/2": false, "1/2": false, "store.example": false} {
		if isAddress(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func TestQR(t *testing.T) {
	code := qrOf("https://go.example/abcdefgh")
	if code.size < 21+2*2 || !strings.HasPrefix(code.path, "M2 2h7v1h-7z") {
		t.Errorf("%d: %.40s", code.size, code.path)
	}
	if code := qrOf(strings.Repeat("x", 5000)); code.size != 0 {
		t.Error("a text that no code holds is drawn")
	}
}
