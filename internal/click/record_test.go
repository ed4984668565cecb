package click

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func anyClick() *rapid.Generator[*Click] {
	return rapid.Custom(func(t *rapid.T) *Click {
		short := rapid.StringN(0, 100, -1)
		machine := rapid.StringN(0, -1, 250)
		c := &Click{
			Token:       anyToken().Draw(t, "token"),
			TagText:     short.Draw(t, "tag"),
			Product:     machine.Draw(t, "product"),
			Page:        machine.Draw(t, "page"),
			Country:     [2]byte([]byte(rapid.StringMatching(`[A-Z]{2}`).Draw(t, "country"))),
			Device:      Device(rapid.Uint8().Draw(t, "device")),
			RefererHost: machine.Draw(t, "referer"),
			Verdict:     Verdict(rapid.Uint8().Draw(t, "verdict")),
			AddressHash: [8]byte(rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "address")),
			Channel:     short.Draw(t, "channel"),
		}
		for i := range c.Sub {
			c.Sub[i], c.UTM[i] = short.Draw(t, "sub"), short.Draw(t, "utm")
		}
		for range rapid.IntRange(0, adNames).Draw(t, "ads") {
			name := AdName(rapid.IntRange(1, adNames).Draw(t, "name"))
			c.AdIDs = append(c.AdIDs, AdID{name, machine.Draw(t, "value")})
		}
		return c
	})
}

func TestRecordComesBackAsItWasWritten(t *testing.T) {
	var read Click
	rapid.Check(t, func(t *rapid.T) {
		c := anyClick().Draw(t, "click")
		record := c.AppendRecord(nil)
		if len(record) > maxRecord {
			t.Fatalf("record of %d bytes", len(record))
		}
		if err := read.ReadRecord(record); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, &read, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestLongTextsAreCutNeverRefused(t *testing.T) {
	long := strings.Repeat("é€𝄞", 5_000)
	c := Click{
		TagText: long, Product: long, Page: long, RefererHost: long, Channel: long,
		Sub: [5]string{long, long, long, long, long}, UTM: [5]string{long, long, long, long, long},
	}
	for range 20 {
		c.AdIDs = append(c.AdIDs, AdID{Fbclid, long})
	}
	record := c.AppendRecord(nil)
	if len(record) > maxRecord {
		t.Fatalf("the largest record has %d bytes", len(record))
	}
	var read Click
	if err := read.ReadRecord(record); err != nil {
		t.Fatal(err)
	}
	if n := utf8.RuneCountInString(read.Sub[0]); n != maxSubChars || !utf8.ValidString(read.Sub[4]) {
		t.Errorf("sub-id cut to %d characters", n)
	}
	if len(read.Product) > maxPlaceBytes || !utf8.ValidString(read.Product) || !strings.HasPrefix(long, read.Product) {
		t.Errorf("sku cut to %q", read.Product)
	}
	if len(read.AdIDs) != adNames || len(read.AdIDs[0].Value) > maxAdIDBytes {
		t.Errorf("%d ad ids", len(read.AdIDs))
	}
	broken := strings.Repeat("\x80", 600)
	if cut := clipBytes(broken, 512); len(cut) != 512 {
		t.Errorf("a text that is no UTF-8 cut to %d bytes", len(cut))
	}
}

func FuzzReadRecord(f *testing.F) {
	f.Add((&Click{Sub: [5]string{"a"}, AdIDs: []AdID{{Gclid, "x"}}}).AppendRecord(nil))
	f.Add((&Click{}).AppendRecord(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, record []byte) {
		var c Click
		if err := c.ReadRecord(record); err != nil {
			if err != ErrRecord {
				t.Fatalf("error %v", err)
			}
			return
		}
		if again := c.AppendRecord(nil); !bytes.Equal(again, record) {
			t.Fatalf("a second spelling was accepted:\n%x\n%x", record, again)
		}
	})
}

func FuzzReadFrame(f *testing.F) {
	seed := frameSeed(1, 2)
	f.Add(appendFrame(nil, seed, frame{3, 0, []byte("record")}))
	f.Add(make([]byte, 40))
	f.Fuzz(func(t *testing.T, raw []byte) {
		read, err := readFrame(raw, seed)
		if err != nil {
			return
		}
		if again := appendFrame(nil, seed, read); !bytes.HasPrefix(raw, again) {
			t.Fatalf("a second spelling was accepted: %x", raw)
		}
	})
}

func FuzzReadHeader(f *testing.F) {
	f.Add((&header{edge: 1, epoch: 2, index: 3, first: 4}).bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		var h header
		if h.read(raw) == nil && h.index == 0 {
			t.Fatal("a segment without a place")
		}
	})
}

func TestPaidTraffic(t *testing.T) {
	for _, row := range []struct {
		query string
		paid  bool
	}{
		{"", false},
		{"gclid=a", true},
		{"gclid=", false},
		{"gbraid=a", true},
		{"wbraid=a", true},
		{"gad_source=1", true},
		{"gad_campaignid=1", true},
		{"msclkid=a", true},
		{"fbclid=a", false},
		{"fbclid=a&utm_medium=social", false},
		{"fbclid=a&utm_medium=paid_social", true},
		{"fbclid=a&utm_medium=+CPC+", true},
		{"ttclid=a&utm_medium=ppc", true},
		{"twclid=a&utm_medium=paid", true},
		{"li_fat_id=a&utm_medium=cpc", true},
		{"rdclid=a&utm_medium=cpc", true},
		{"utm_medium=cpc", false}, // a marker without an id of a network
		{"GCLID=a", false},
	} {
		query, err := url.ParseQuery(row.query)
		if err != nil {
			t.Fatal(err)
		}
		if got := PaidTraffic(query); got != row.paid {
			t.Errorf("%q: paid %v", row.query, got)
		}
	}
}

func TestAdIDsKeepTheirCase(t *testing.T) {
	got := AdIDs(url.Values{"fbclid": {"IwAR-AbC"}, "gclid": {"Zz"}, "other": {"x"}})
	want := []AdID{{Gclid, "Zz"}, {Fbclid, "IwAR-AbC"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name := Gclid; name <= Rdclid; name++ {
		if found, ok := AdNameOf(name.String()); !ok || found != name {
			t.Errorf("%s is not found by its name", name)
		}
	}
	if _, ok := AdNameOf("tag"); ok {
		t.Error("tag is an ad id")
	}
}

func TestCounted(t *testing.T) {
	whole := Click{Token: Token{Creator: 1}}
	for _, row := range []struct {
		name    string
		alter   func(*Click)
		counted bool
	}{
		{"whole", func(*Click) {}, true},
		{"bot", func(c *Click) { c.Verdict = VerdictDeclaredBot }, false},
		{"invalid", func(c *Click) { c.Flags |= FlagInvalid }, false},
		{"closed", func(c *Click) { c.Flags |= FlagClosed }, false},
		{"unknown tag", func(c *Click) { c.Creator = 0 }, false},
		{"paid where policy lets it count", func(c *Click) { c.Flags |= FlagPaid }, true},
		{"direct", func(c *Click) { c.Flags |= FlagDirect }, true},
	} {
		c := whole
		row.alter(&c)
		if c.Counted() != row.counted {
			t.Errorf("%s: counted %v", row.name, c.Counted())
		}
	}
}

func BenchmarkAppendRecord(b *testing.B) {
	c := someClick(1)
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		buffer = c.AppendRecord(buffer[:0])
	}
	b.ReportMetric(float64(len(buffer)), "bytes")
}

func BenchmarkReadRecord(b *testing.B) {
	record := someClick(1).AppendRecord(nil)
	var c Click
	b.ReportAllocs()
	for b.Loop() {
		if err := c.ReadRecord(record); err != nil {
			b.Fatal(err)
		}
	}
}

// someClick gives a click as the edge makes them, different for every number.
func someClick(number int64) *Click {
	return &Click{
		Token: Token{
			Click: number, Creator: 40, Program: Associates, Tracking: 50, Market: 1, Landed: LandedProduct,
			Place: ProductPlace("KETTLE-1"), Kind: KindProduct, At: time.UnixMicro(1_800_000_000_000_000 + number).UTC(),
		},
		Product: "KETTLE-1", Sub: [5]string{"newsletter-12"}, Country: [2]byte{'U', 'S'}, Device: DevicePhone,
		RefererHost: "www.blog.example", AdIDs: []AdID{{Fbclid, "IwAR-x"}}, // ends with a byte that is not zero
	}
}
