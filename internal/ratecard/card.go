package ratecard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"time"

	"tributary/internal/fault"
	"tributary/internal/money"
	"tributary/internal/product"
)

// Limits of a card: far above what is kept by hand, low enough to publish in one transaction.
const (
	MaxFile    = 8 << 20 // bytes of a card file
	maxEntries = 20_000
	firstYear  = 1990 // an effective instant beyond these is a slip of the pen
	lastYear   = 2199
)

// ParsePercent reads a rate as people write it, "4.5" for 450 basis points, exactly: at most two decimals, 0 to 100.
func ParsePercent(field, text string) (int64, error) {
	value, err := money.Parse(field, text)
	if err != nil {
		return 0, err
	}
	value.Mul(value, big.NewRat(100, 1))
	if !value.IsInt() {
		return 0, fault.Invalidf(field, "%s %% has more than two decimals",
			"rates are whole basis points: write 4.5 or 4.25", text)
	}
	bps := value.Num()
	if bps.Sign() < 0 || bps.Cmp(big.NewInt(money.FullRate)) > 0 {
		return 0, fault.Invalidf(field, "%s %% is not between 0 and 100 %%", "write the share of the price, such as 4.5", text)
	}
	return bps.Int64(), nil
}

// FormatPercent writes basis points as ParsePercent reads them: 450 is "4.5".
func FormatPercent(bps int64) string {
	text := money.Decimal(bps, 2)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// ParseAmount reads money as people write it, "25" or "0.30", into minor units, exactly: no more decimals than the
// currency has, and not below zero.
func ParseAmount(field, text, currency string) (int64, error) {
	value, err := money.Parse(field, text)
	if err != nil {
		return 0, err
	}
	digits := money.Digits(currency)
	value.Mul(value, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)))
	switch {
	case value.Sign() < 0:
		return 0, fault.Invalidf(field, "%s is negative", "write an amount from 0 on", text)
	case !value.IsInt():
		return 0, fault.Invalidf(field, "%s has more than %d decimals", "write what "+currency+" can pay", text, digits)
	case !value.Num().IsInt64():
		return 0, money.CheckAmount(field, money.Limit+1)
	}
	return value.Num().Int64(), money.CheckAmount(field, value.Num().Int64())
}

// FormatAmount writes minor units as ParseAmount reads them: 2500 of USD is "25.00".
func FormatAmount(amount int64, currency string) string {
	return money.Decimal(amount, money.Digits(currency))
}

// Clean gives the card with its category paths in their one form.
func (c Card) Clean() Card {
	entries := make([]Entry, len(c.Entries))
	for i, entry := range c.Entries {
		entry.Category = product.CleanCategory(entry.Category)
		entries[i] = entry
	}
	c.Entries = entries
	return c
}

// Same tells whether two cards pay the same by the same entries, from whatever instant and in whatever order.
func (c Card) Same(other Card) bool {
	if c.Kind != other.Kind || c.Default != other.Default || len(c.Entries) != len(other.Entries) {
		return false
	}
	entries := make(map[Entry]bool, len(c.Entries))
	for _, entry := range c.Clean().Entries {
		entries[entry] = true
	}
	for _, entry := range other.Clean().Entries {
		if !entries[entry] {
			return false
		}
	}
	return true
}

// Check refuses a card that says something twice or nothing at all.
func (c Card) Check() error {
	if !slices.Contains(Kinds, c.Kind) {
		return fault.Invalidf("kind", "is not a kind of rate card", "write offsite, onsite, boosted or seller_fee")
	}
	if c.Effective.IsZero() {
		return fault.Invalidf("effective", "is missing",
			"write the first instant at which the card applies, such as 2026-12-01T00:00:00Z")
	}
	if year := c.Effective.UTC().Year(); year < firstYear || year > lastYear {
		return fault.Invalidf("effective", "is in the year %d", "write the first instant at which the card applies", year)
	}
	if len(c.Entries) > maxEntries {
		return fault.New(fault.Exhausted, "entries", fmt.Sprintf("are more than %d", maxEntries),
			"give rates to categories in place of products")
	}
	if err := checkRate("default", c.Default); err != nil {
		return err
	}
	seen := make(map[Entry]int, len(c.Entries))
	for i, entry := range c.Entries {
		field := fmt.Sprintf("entries[%d]", i)
		if err := entry.check(field, c.Kind); err != nil {
			return err
		}
		place := Entry{Category: entry.Category, SKU: entry.SKU}
		if first, twice := seen[place]; twice {
			return fault.Invalidf(field, "%s stands in entries[%d] already", "keep one of the two", entry.Text(), first)
		}
		seen[place] = i
	}
	return nil
}

func (e Entry) check(field string, kind Kind) error {
	switch {
	case (e.Category == "") == (e.SKU == ""):
		return fault.Invalidf(field, "names not exactly one of category and sku", "give each its own entry")
	case e.Cap < 0:
		return fault.Invalidf(field+".cap", "is negative", "write minor units per unit, or leave it out for none")
	case e.Cap != 0 && kind == SellerFee:
		return fault.Invalidf(field+".cap", "stands on a seller's fee, which has none", "leave it out")
	case e.Minimum < 0:
		return fault.Invalidf(field+".minimum", "is negative", "write minor units per unit, or leave it out for none")
	case e.Minimum != 0 && kind != SellerFee:
		return fault.Invalidf(field+".minimum", "stands on a card of commissions",
			"leave it out: only a seller's fee has a minimum")
	case e.Excluded && kind == SellerFee:
		return fault.Invalidf(field+".excluded", "stands on a seller's fee", "set the rate to 0 where sellers pay nothing")
	case e.Excluded && (e.BPS != 0 || e.Cap != 0):
		return fault.Invalidf(field+".excluded", "has a rate or a cap beside it", "leave them out: what is excluded earns nothing")
	}
	if e.SKU != "" {
		if err := product.CheckSKU(field+".sku", e.SKU); err != nil {
			return err
		}
	}
	if err := product.CheckCategory(field+".category", e.Category); err != nil {
		return err
	}
	if err := money.CheckAmount(field+".cap", e.Cap); err != nil {
		return err
	}
	if err := money.CheckAmount(field+".minimum", e.Minimum); err != nil {
		return err
	}
	return checkRate(field+".rate", e.BPS)
}

func checkRate(field string, bps int64) error {
	if bps < 0 || bps > money.FullRate {
		return fault.Invalidf(field, "is not between 0 and 100 %%", "write the share of the price, such as 4.5")
	}
	return nil
}

// cardFile is a card as it stands in a file: rates in percent, caps with their currency.
type cardFile struct {
	Kind      Kind        `json:"kind"`
	Effective string      `json:"effective"`
	Default   percent     `json:"default"`
	Entries   []entryFile `json:"entries"`
}

type entryFile struct {
	Category string       `json:"category,omitempty"`
	SKU      string       `json:"sku,omitempty"`
	Rate     percent      `json:"rate"` // may be left out where Excluded
	Cap      *money.Money `json:"cap,omitempty"`
	Excluded bool         `json:"excluded,omitempty"`
	Minimum  *money.Money `json:"minimum,omitempty"` // of a seller's fee
}

// percent is a rate in a file, written as text ("4.5") or as a number (4.5), kept as its digits.
type percent string

func (p *percent) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		text = string(raw)
	}
	*p = percent(text)
	return nil
}

// Parse reads a card file (JSON); caps must be in that currency.
//
//	{"kind": "offsite", "effective": "2026-12-01T00:00:00Z", "default": "4",
//	 "entries": [{"category": "Home > Kitchen", "rate": "4.5"},
//	             {"category": "Gift Cards", "excluded": true},
//	             {"sku": "SKU9", "rate": "12", "cap": {"amount": 2500, "currency": "USD"}}]}
func Parse(raw []byte, currency string) (Card, error) {
	if len(raw) > MaxFile {
		return Card{}, fault.New(fault.Exhausted, "card", fmt.Sprintf("is larger than %d bytes", MaxFile),
			"give rates to categories in place of products")
	}
	var file cardFile
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return Card{}, notJSON(raw, decoder.InputOffset(), err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Card{}, fault.Invalidf("card", "goes on after its end (line %d)", "send one JSON object",
			line(raw, decoder.InputOffset()))
	}
	return file.card(currency)
}

func (f cardFile) card(currency string) (card Card, err error) {
	card = Card{Kind: f.Kind, Entries: make([]Entry, len(f.Entries))}
	if f.Effective != "" {
		if card.Effective, err = time.Parse(time.RFC3339, f.Effective); err != nil {
			return Card{}, fault.Invalidf("effective", "is not an instant", "write it as 2026-12-01T00:00:00Z")
		}
		card.Effective = card.Effective.UTC().Truncate(time.Microsecond)
	}
	if card.Default, err = ParsePercent("default", string(f.Default)); err != nil {
		return Card{}, err
	}
	for i, entry := range f.Entries {
		if card.Entries[i], err = entry.entry(fmt.Sprintf("entries[%d]", i), currency); err != nil {
			return Card{}, err
		}
	}
	card = card.Clean()
	return card, card.Check()
}

func (f entryFile) entry(field, currency string) (e Entry, err error) {
	e = Entry{Category: f.Category, SKU: f.SKU, Excluded: f.Excluded}
	if !f.Excluded || f.Rate != "" {
		if e.BPS, err = ParsePercent(field+".rate", string(f.Rate)); err != nil {
			return e, err
		}
	}
	if e.Cap, err = perUnit(field+".cap", f.Cap, currency); err != nil {
		return e, err
	}
	e.Minimum, err = perUnit(field+".minimum", f.Minimum, currency)
	return e, err
}

// perUnit is an amount per unit that may be left out.
func perUnit(field string, amount *money.Money, currency string) (int64, error) {
	switch {
	case amount == nil:
		return 0, nil
	case amount.Currency != currency:
		return 0, fault.Invalidf(field+".currency", "is not the marketplace's currency", "write "+currency)
	case amount.Amount == 0:
		return 0, fault.Invalidf(field+".amount", "is 0", "leave it out for none, or set the rate to 0")
	}
	return amount.Amount, nil
}

// Marshal writes a card as Parse reads it.
func (c Card) Marshal(currency string) ([]byte, error) {
	file := cardFile{Kind: c.Kind, Effective: c.Effective.UTC().Format(time.RFC3339Nano),
		Default: percent(FormatPercent(c.Default)), Entries: make([]entryFile, len(c.Entries))}
	for i, entry := range c.Entries {
		file.Entries[i] = entryFile{Category: entry.Category, SKU: entry.SKU, Rate: percent(FormatPercent(entry.BPS)),
			Excluded: entry.Excluded}
		if entry.Cap != 0 {
			file.Entries[i].Cap = &money.Money{Amount: entry.Cap, Currency: currency}
		}
		if entry.Minimum != 0 {
			file.Entries[i].Minimum = &money.Money{Amount: entry.Minimum, Currency: currency}
		}
	}
	return json.MarshalIndent(file, "", "  ")
}

func notJSON(raw []byte, offset int64, cause error) error {
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.As(cause, &syntax):
		return fault.Invalidf("card", "is not JSON: line %d", "mend it there", line(raw, syntax.Offset)).Because(cause)
	case errors.As(cause, &mistyped):
		return fault.Invalidf(mistyped.Field, "is a JSON %s in line %d", "write texts in quotes, lists in [ ] and entries in { }",
			mistyped.Value, line(raw, mistyped.Offset)).Because(cause)
	case errors.Is(cause, io.EOF), errors.Is(cause, io.ErrUnexpectedEOF):
		return fault.Invalidf("card", "ends too early", "send the whole file").Because(cause)
	}
	// What is left is a field that no card has; its name is the caller's own text.
	text := strings.TrimPrefix(cause.Error(), "json: ")
	return fault.Invalidf("card", "%s near line %d", "leave it out", text, line(raw, offset)).Because(cause)
}

// line counts the lines up to an offset, for messages.
func line(raw []byte, offset int64) int {
	return 1 + bytes.Count(raw[:min(int(offset), len(raw))], []byte("\n"))
}
