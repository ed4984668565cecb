package rates

import (
	"bytes"
	"strings"
	"testing"
)

const sample = `# Rates of the shop
marketplace: us
offsite: # as agreed
  effective: 2026-06-01
  default: 4 # for now
  rates:
    Home: 3

    # the big one
    "Home > Kitchen": 4.5
  coming:
    - effective: 2027-01-01
      default: 5

# what sellers pay
seller_fee: {default: 15}
"promotions":
- {name: Sale, from: 2026-12-01, until: 2026-12-24, add: 1}
`

func TestCut(t *testing.T) {
	for section, want := range map[string]string{
		"offsite":    sample[strings.Index(sample, "offsite:"):strings.Index(sample, "\n# what sellers pay")],
		"seller_fee": "seller_fee: {default: 15}\n",
		"promotions": "\"promotions\":\n- {name: Sale, from: 2026-12-01, until: 2026-12-24, add: 1}\n",
		"volume":     "",
		"default":    "",
	} {
		if got := cut([]byte(sample), section); string(got) != want {
			t.Errorf("%s:\n%s\nwant\n%s", section, got, want)
		}
	}
}

func TestSplice(t *testing.T) {
	text := []byte("a: 1\n\n# of b\nb:\n  - 2\n\n# of c\nc: 3\n")
	for _, c := range []struct{ section, with, want string }{
		{"b", "b: []\n", "a: 1\n\n# of b\nb: []\n\n# of c\nc: 3\n"},
		{"c", "c: 4\n", "a: 1\n\n# of b\nb:\n  - 2\n\n# of c\nc: 4\n"},
		{"a", "a: 4\n", "a: 4\n\n# of b\nb:\n  - 2\n\n# of c\nc: 3\n"},
		{"d", "d: 4\n", "a: 1\n\n# of b\nb:\n  - 2\n\n# of c\nc: 3\n\nd: 4\n"},
	} {
		if got := splice(text, c.section, []byte(c.with)); string(got) != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.section, got, c.want)
		}
	}
	if got := splice(text, "d", nil); !bytes.Equal(got, text) {
		t.Errorf("nothing in the place of nothing:\n%s", got)
	}
}

func TestSetLine(t *testing.T) {
	for _, c := range []struct{ key, value, line, gone string }{
		{"default", "4.5", "  default: 4.5  # for now\n", "  default: 4 # for now\n"},
		{"effective", "", "", "  effective: 2026-06-01\n"},
		{"effective", "2027-02-01", "  effective: 2027-02-01\n", "  effective: 2026-06-01\n"},
	} {
		got := setLine([]byte(sample), "offsite", c.key, c.value)
		want := bytes.Replace([]byte(sample), []byte(c.gone), []byte(c.line), 1)
		if !bytes.Equal(got, want) {
			t.Errorf("%s=%s:\n%s", c.key, c.value, got)
		}
	}
	got := setLine([]byte("offsite:\n  default: 4\n"), "offsite", "effective", "2027-01-01")
	if string(got) != "offsite:\n  effective: 2027-01-01\n  default: 4\n" {
		t.Errorf("a line that was not there:\n%s", got)
	}
	if got := setLine([]byte("offsite:"), "offsite", "default", "4"); string(got) != "offsite:\n  default: 4\n" {
		t.Errorf("a section without an end:\n%q", got)
	}
}

// Whatever somebody sends: what is cut out can be put back, and nothing beside it is lost.
func FuzzSplice(f *testing.F) {
	f.Add(sample, "offsite")
	f.Add("b:\n\n\n#\n", "b")
	f.Add("\n:\n", "")
	f.Fuzz(func(t *testing.T, text, section string) {
		part := cut([]byte(text), section)
		if part == nil {
			return
		}
		again := splice([]byte(text), section, part)
		if got := cut(again, section); !bytes.Equal(got, part) {
			t.Fatalf("cut %q, then %q", part, got)
		}
		from, until := find([]byte(text), section)
		if !bytes.HasPrefix(again, []byte(text)[:from]) || !bytes.HasSuffix(again, bytes.TrimLeft([]byte(text)[until:], "\n")) {
			t.Fatalf("%q became %q", text, again)
		}
		setLine([]byte(text), section, "default", "4")
	})
}
