package replay

import (
	"time"

	"tributary/internal/rerate"
)

// Difference is the answer to a question. Amounts are minor units of Currency.
type Difference struct {
	Market   string    `json:"marketplace"`
	Currency string    `json:"currency"`
	From     time.Time `json:"from"`
	Until    time.Time `json:"until"`
	At       time.Time `json:"at"` // business instant as of which lines stand

	Total      Row                     `json:"total"`
	Unsaid     map[rerate.Unsaid]int64 `json:"unsaid,omitempty"` // lines about which nothing can be said, by reason
	Months     []Keyed                 `json:"months"`           // by month of order; what tiers add by the month that earns it
	Tops       []Keyed                 `json:"top_categories"`   // by the first name of the category's path
	Rises      []Example               `json:"rises,omitempty"`  // lines that would pay most more
	Falls      []Example               `json:"falls,omitempty"`  // lines that would pay most less
	Creators   []Keyed                 `json:"-"`                // by id, the largest difference first
	Categories []Keyed                 `json:"-"`                // by whole path, the largest difference first
}

// Row sums up lines. A line that changes hands is counted with both creators.
type Row struct {
	Lines      int64   `json:"lines"`
	Changed    int64   `json:"changed"`                 // would pay another amount, or another creator
	Moved      int64   `json:"moved,omitempty"`         // would be credited to another creator, or to nobody, or at all
	Unsaid     int64   `json:"unsaid,omitempty"`        // cannot be said; on neither side
	UnsaidHeld int64   `json:"unsaid_amount,omitempty"` // commission that those hold at present
	Present    Amounts `json:"present"`
	Draft      Amounts `json:"draft"`
}

// Amounts are what lines come to: commission is all that is pending or earned, the promotion's part of it included;
// volume is what tiers add.
type Amounts struct {
	Commission int64 `json:"commission"`
	Promotion  int64 `json:"promotion,omitempty"`
	Volume     int64 `json:"volume,omitempty"`
	Fee        int64 `json:"fee,omitempty"`
}

// Paid is what creators get: commission and what volume tiers add.
func (a Amounts) Paid() int64 { return a.Commission + a.Volume }

// Change is how much more creators would get.
func (r Row) Change() int64 { return r.Draft.Paid() - r.Present.Paid() }

// Keyed is a row with what it is about: a month, a category, a creator's id.
type Keyed struct {
	Key string `json:"key"`
	Row
}

// Example is a line with a large difference. Its explanation at present is that of its order and line.
type Example struct {
	Order    string    `json:"order"`
	Line     string    `json:"line"`
	At       time.Time `json:"ordered_at"`
	SKU      string    `json:"sku"`
	Category string    `json:"category,omitempty"`
	Quantity int64     `json:"quantity"`
	Net      int64     `json:"net"`
	Was      Side      `json:"present"`
	Would    Side      `json:"draft"`
}

// Change is how much more the line would pay.
func (e Example) Change() int64 { return e.Would.Commission - e.Was.Commission }

// Side is what a line comes to on one side: at which rate, of which a promotion adds a part, under which cap per unit.
type Side struct {
	Creator    string `json:"creator,omitempty"` // credited
	Commission int64  `json:"commission"`
	Promotion  int64  `json:"promotion,omitempty"`
	BPS        int64  `json:"bps"`
	Boost      int64  `json:"boost,omitempty"`
	Cap        int64  `json:"cap,omitempty"`
	Reason     string `json:"reason,omitempty"`
}
