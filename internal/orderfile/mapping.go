package orderfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tributary/internal/fault"
	"tributary/internal/money"
)

// MaxMapping is the largest mapping file, in bytes.
const MaxMapping = 8 << 20

// Mapping says how a file is read and into which world it goes. It is a JSON file that a person writes.
type Mapping struct {
	Marketplace  Marketplace     `json:"marketplace"`
	Columns      Columns         `json:"columns"`
	TimeFormat   string          `json:"time_format,omitempty"`  // Go's form of 2006-01-02 15:04:05; empty: RFC 3339
	Zone         string          `json:"time_zone,omitempty"`    // of times without one; empty: UTC
	DecimalMark  string          `json:"decimal_mark,omitempty"` // "." or ","; empty: "."
	Separator    string          `json:"separator,omitempty"`    // empty: ","
	ReturnPrefix string          `json:"return_prefix"`          // an invoice that begins so is a return
	Excluded     []Excluded      `json:"excluded,omitempty"`
	Categories   []Keyword       `json:"categories,omitempty"` // the first keyword found in the description decides
	Touches      *TouchRule      `json:"touches,omitempty"`
	RateCard     json.RawMessage `json:"rate_card"`
	Creators     []Creator       `json:"creators"`

	zone     *time.Location
	excluded map[string]Reason
	keywords []string
	share    [2]uint64
	hash     []byte
}

// Marketplace is made as it stands here when the installation has none of that id.
type Marketplace struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Currency  string   `json:"currency"`
	Zone      string   `json:"zone"`
	Locale    string   `json:"locale,omitempty"`
	Countries []string `json:"countries,omitempty"` // none: all
	Home      string   `json:"home"`
	// ResaleUnits is the limit of docs/spec.md §5.8; 0 turns the rule off: wholesalers buy by the hundred.
	ResaleUnits int `json:"resale_units"`
}

// Columns names the file's columns. Tag and ClickedAt are optional, and so are Description, Customer and Country.
type Columns struct {
	Invoice     string `json:"invoice"`
	SKU         string `json:"sku"`
	Description string `json:"description,omitempty"`
	Quantity    string `json:"quantity"`
	Time        string `json:"time"`
	Price       string `json:"unit_price"`
	Customer    string `json:"customer,omitempty"`
	Country     string `json:"country,omitempty"`
	Tag         string `json:"tag,omitempty"`
	ClickedAt   string `json:"clicked_at,omitempty"`
}

// Excluded are products that are none (postage, carriage), and the reason under which their rows are counted.
type Excluded struct {
	SKUs   []string `json:"skus"`
	Reason Reason   `json:"reason"`
}

// Keyword puts descriptions that hold these words, whole and in this order, into a category.
type Keyword struct {
	Words    string `json:"words"`
	Category string `json:"category"`
}

// Creator is one who promotes what the file sold.
type Creator struct {
	Name    string `json:"name"`
	Handle  string `json:"handle"`
	Email   string `json:"email"`
	Program string `json:"program"` // associates, influencer
	Since   string `json:"since"`   // RFC 3339: the enrolment is active from then on
	Tag     string `json:"tag"`
}

// TouchRule makes clicks for a file that has none: a share of the customers, chosen by the seed, comes by the link of one
// creator, always the same, that many minutes before each order.
type TouchRule struct {
	Seed          int64  `json:"seed"`
	Share         string `json:"share"` // a fraction, such as 1/2
	MinutesBefore int64  `json:"minutes_before"`
}

// ParseMapping reads a mapping and checks all of it that this package owns.
func ParseMapping(raw []byte) (*Mapping, error) {
	if len(raw) > MaxMapping {
		return nil, fault.New(fault.Exhausted, "mapping", fmt.Sprintf("is larger than %d bytes", MaxMapping), "shorten its tables")
	}
	m := &Mapping{}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(m)
	if err == nil {
		if _, after := decoder.Token(); !errors.Is(after, io.EOF) {
			err = errors.New("it goes on after its end")
		}
	}
	if err != nil {
		line := 1 + bytes.Count(raw[:min(int(decoder.InputOffset()), len(raw))], []byte("\n"))
		return nil, fault.Invalidf("mapping", "cannot be read near line %d: %s", "mend it there",
			line, clip(strings.TrimPrefix(err.Error(), "json: "))).Because(err)
	}
	sum := sha256.Sum256(raw)
	m.hash = sum[:]
	return m, m.prepare()
}

// Hash tells two mappings apart, byte for byte.
func (m *Mapping) Hash() []byte { return m.hash }

// prepare checks the mapping and makes what reading needs.
func (m *Mapping) prepare() (err error) {
	for _, column := range []struct{ field, name string }{{"invoice", m.Columns.Invoice}, {"sku", m.Columns.SKU},
		{"quantity", m.Columns.Quantity}, {"time", m.Columns.Time}, {"unit_price", m.Columns.Price}} {
		if column.name == "" {
			return fault.Invalidf("columns."+column.field, "is missing", "name the column of the file")
		}
	}
	if (m.Columns.Tag == "") != (m.Columns.ClickedAt == "") {
		return fault.Invalidf("columns.tag", "tag and clicked_at go together", "name both columns, or neither")
	}
	if m.Columns.Tag != "" && m.Touches != nil {
		return fault.Invalidf("touches", "the file has clicks of its own", "leave touches out, or the columns tag and clicked_at")
	}
	if m.ReturnPrefix == "" {
		return fault.Invalidf("return_prefix", "is missing", `write what invoices of returns begin with, such as "C"`)
	}
	if m.DecimalMark == "" {
		m.DecimalMark = "."
	}
	if m.DecimalMark != "." && m.DecimalMark != "," {
		return fault.Invalidf("decimal_mark", "%q is not a decimal mark", `write "." or ","`, clip(m.DecimalMark))
	}
	if m.Separator == "" {
		m.Separator = ","
	}
	if len(m.Separator) != 1 || strings.Contains("\"\r\n", m.Separator) {
		return fault.Invalidf("separator", "%q is not one character", `write ",", ";" or "\t"`, clip(m.Separator))
	}
	if m.zone, err = time.LoadLocation(m.Zone); err != nil || m.Zone == "Local" {
		return fault.Invalidf("time_zone", "%q is not a time zone", "write a name such as Europe/London", clip(m.Zone))
	}
	if !money.KnownCurrency(m.Marketplace.Currency) {
		return fault.Invalidf("marketplace.currency", "%q is not an ISO 4217 currency", "write three capital letters such as GBP",
			clip(m.Marketplace.Currency))
	}
	m.excluded = map[string]Reason{}
	for i, e := range m.Excluded {
		if e.Reason == "" || len(e.SKUs) == 0 {
			return fault.Invalidf(fmt.Sprintf("excluded[%d]", i), "names no skus or no reason", "write both")
		}
		for _, sku := range e.SKUs {
			m.excluded[sku] = e.Reason
		}
	}
	for i, k := range m.Categories {
		words := normal(k.Words)
		if words == "" {
			return fault.Invalidf(fmt.Sprintf("categories[%d].words", i), "are missing", "write the words of the description")
		}
		m.keywords = append(m.keywords, " "+words+" ")
	}
	return m.prepareTouches()
}

// maxMinutes is a year: a click older than any session and cart makes no sense.
const maxMinutes = 366 * 24 * 60

func (m *Mapping) prepareTouches() error {
	if m.Touches == nil {
		return nil
	}
	if len(m.Creators) == 0 {
		return fault.Invalidf("touches", "there is nobody to click for", "name creators with their tags")
	}
	var part, whole uint64
	if n, err := fmt.Sscanf(m.Touches.Share, "%d/%d", &part, &whole); n != 2 || err != nil || whole == 0 || part > whole ||
		whole > 1e9 || m.Touches.Share != fmt.Sprintf("%d/%d", part, whole) {
		return fault.Invalidf("touches.share", "%q is not a fraction", "write one from 0/1 to 1/1, such as 1/2", clip(m.Touches.Share))
	}
	m.share = [2]uint64{part, whole}
	if m.Touches.MinutesBefore < 0 || m.Touches.MinutesBefore > maxMinutes {
		return fault.Invalidf("touches.minutes_before", "is %d, and may be 0 to %d", "write how long before the order the click was",
			m.Touches.MinutesBefore, maxMinutes)
	}
	return nil
}

// touch gives the tag by whose link a customer comes; empty for those who come by none.
func (m *Mapping) touch(customer string) string {
	if m.Touches == nil || customer == "" {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s", m.Touches.Seed, customer))
	if binary.BigEndian.Uint64(sum[:8])%m.share[1] >= m.share[0] {
		return ""
	}
	return m.Creators[binary.BigEndian.Uint64(sum[8:16])%uint64(len(m.Creators))].Tag
}

// category gives the path of the first keyword that a description holds; empty where none does.
func (m *Mapping) category(description string) string {
	if len(m.keywords) == 0 {
		return ""
	}
	text := " " + normal(description) + " "
	for i, words := range m.keywords {
		if strings.Contains(text, words) {
			return m.Categories[i].Category
		}
	}
	return ""
}

// normal writes words in capitals with one space between them; what is neither letter nor digit separates words.
func normal(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	gap := false
	for _, r := range strings.ToUpper(text) {
		if r < 0x80 && (r < '0' || r > '9') && (r < 'A' || r > 'Z') {
			gap = out.Len() > 0
			continue
		}
		if gap {
			out.WriteByte(' ')
			gap = false
		}
		out.WriteRune(r)
	}
	return out.String()
}
