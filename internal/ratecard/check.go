package ratecard

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tributary/internal/fault"
	"tributary/internal/money"
	"tributary/internal/product"
)

// What a promotion, a contract and volume tiers may say, whenever they are published.

const (
	maxName   = 100            // characters: it must fit a line of an explanation
	maxPlaces = 1_000          // categories and products of one promotion
	maxFactor = 1_000_000      // a hundredfold, in units of 1/10,000
	maxBands  = 20             // more tiers than that nobody reads
	maxExtra  = money.FullRate // basis points
	// Minor units: beyond what any month brings, and low enough for sums of bands in 64 bits.
	maxAbove  = 100_000_000_000_000
	monthForm = "2006-01"
)

// Clean gives the promotion with its lists in their one form.
func (p Promotion) Clean() Promotion {
	var categories []string
	for _, path := range p.Categories {
		categories = append(categories, product.CleanCategory(path))
	}
	p.Categories, p.SKUs, p.Kinds = sortedOnce(categories), sortedOnce(slices.Clone(p.SKUs)), slices.Clone(p.Kinds)
	slices.SortFunc(p.Kinds, func(a, b Kind) int { return cmp.Compare(slices.Index(Kinds, a), slices.Index(Kinds, b)) })
	p.Kinds = slices.Compact(p.Kinds)
	p.From, p.Until = p.From.UTC().Truncate(time.Microsecond), p.Until.UTC().Truncate(time.Microsecond)
	return p
}

// Check refuses a promotion that means nothing.
func (p Promotion) Check() error {
	if p.Name == "" || strings.TrimSpace(p.Name) != p.Name || !utf8.ValidString(p.Name) ||
		utf8.RuneCountInString(p.Name) > maxName ||
		strings.ContainsFunc(p.Name, unicode.IsControl) {
		return fault.Invalidf("name", "is not a name", "write 1 to %d characters on one line: creators read it", maxName)
	}
	if p.Until.IsZero() {
		return fault.Invalidf("until", "is missing", "write when it ends")
	}
	if err := checkSpan(p.From, p.Until); err != nil {
		return err
	}
	for i, kind := range p.Kinds {
		if !slices.Contains(Kinds, kind) || kind == SellerFee {
			return fault.Invalidf(fmt.Sprintf("kinds[%d]", i), "%q is not a kind of commission", "write offsite, onsite or boosted",
				string(kind))
		}
	}
	if len(p.Categories)+len(p.SKUs) > maxPlaces {
		return fault.New(fault.Exhausted, "categories", fmt.Sprintf("and products are more than %d", maxPlaces),
			"name a category above them")
	}
	for i, path := range p.Categories {
		field := fmt.Sprintf("categories[%d]", i)
		if path == "" {
			return fault.Invalidf(field, "is empty", "leave categories out for everything")
		}
		if err := product.CheckCategory(field, path); err != nil {
			return err
		}
	}
	for i, sku := range p.SKUs {
		if err := product.CheckSKU(fmt.Sprintf("products[%d]", i), sku); err != nil {
			return err
		}
	}
	return p.checkChange()
}

// checkChange refuses what could never raise a rate: it would only look like a promotion.
func (p Promotion) checkChange() error {
	switch p.Change {
	case Set, Add:
		if p.Value < 1 || p.Value > money.FullRate {
			return fault.Invalidf(string(p.Change), "is not above 0 and up to 100 %%", "write the rate in percent, such as 8")
		}
	case Multiply:
		if p.Value <= money.FullRate || p.Value > maxFactor {
			return fault.Invalidf(string(p.Change), "is not above 1 and up to 100", "write the factor, such as 1.5")
		}
	default:
		return fault.Invalidf("change", "%q is not what a promotion does", "write set, add or multiply", string(p.Change))
	}
	return nil
}

func checkSpan(from, until time.Time) error {
	if from.IsZero() {
		return fault.Invalidf("from", "is missing", "write when it begins")
	}
	if year := from.Year(); year < firstYear || year > lastYear {
		return fault.Invalidf("from", "is in the year %d", "write when it begins", year)
	}
	if until.IsZero() {
		return nil
	}
	if !from.Before(until) {
		return fault.Invalidf("until", "is not after its beginning", "write a later end")
	}
	if year := until.Year(); year > lastYear {
		return fault.Invalidf("until", "is in the year %d", "write when it ends", year)
	}
	return nil
}

// ParseFactor reads what rates are multiplied by, "1.5" for 15000, exactly: at most four decimals.
func ParseFactor(field, text string) (int64, error) {
	value, err := money.Parse(field, text)
	if err != nil {
		return 0, err
	}
	value.Mul(value, big.NewRat(money.FullRate, 1))
	if !value.IsInt() || !value.Num().IsInt64() || value.Num().Int64() > maxFactor {
		return 0, fault.Invalidf(field, "%s is no factor that can be kept",
			"write at most four decimals and at most 100, such as 1.5", text)
	}
	return value.Num().Int64(), nil
}

// FormatFactor writes 15000 as "1.5".
func FormatFactor(value int64) string {
	return strings.TrimSuffix(strings.TrimRight(money.Decimal(value, 4), "0"), ".")
}

// Same tells whether two promotions do the same at the same time, whoever published them when.
func (p Promotion) Same(other Promotion) bool {
	a, b := p.Clean(), other.Clean()
	return a.Name == b.Name && a.From.Equal(b.From) && a.Until.Equal(b.Until) && slices.Equal(a.Kinds, b.Kinds) &&
		slices.Equal(a.Categories, b.Categories) && slices.Equal(a.SKUs, b.SKUs) && a.Change == b.Change && a.Value == b.Value &&
		a.NewCustomers == b.NewCustomers
}

// Text says what a promotion does: "Home, Garden: 1.5 times the rate, for new customers".
func (p Promotion) Text() string {
	places := slices.Clone(p.Categories)
	for _, sku := range p.SKUs {
		places = append(places, "product "+sku)
	}
	text := "everything"
	if len(places) > 0 {
		text = strings.Join(places[:min(len(places), namedCuts)], ", ")
	}
	if rest := len(places) - namedCuts; rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	switch p.Change {
	case Set:
		text += ": " + FormatPercent(p.Value) + " %"
	case Add:
		text += ": " + FormatPercent(p.Value) + " % more"
	case Multiply:
		text += ": " + FormatFactor(p.Value) + " times the rate"
	}
	if len(p.Kinds) > 0 {
		text += fmt.Sprintf(", %s only", joinKinds(p.Kinds))
	}
	if p.NewCustomers {
		text += ", for new customers"
	}
	return text
}

func joinKinds(kinds []Kind) string {
	texts := make([]string, len(kinds))
	for i, kind := range kinds {
		texts[i] = string(kind)
	}
	return strings.Join(texts, " and ")
}

// Clean gives the contract with its instants as they are stored.
func (c Contract) Clean() Contract {
	c.From, c.Until = c.From.UTC().Truncate(time.Microsecond), c.Until.UTC().Truncate(time.Microsecond)
	return c
}

// Check refuses a contract that means nothing.
func (c Contract) Check() error {
	switch {
	case c.Creator == 0:
		return fault.Invalidf("creator", "is missing", "name whose rate it is")
	case !slices.Contains(Kinds, c.Kind) || c.Kind == SellerFee:
		return fault.Invalidf("kind", "%q is not a kind of commission", "write offsite, onsite or boosted", string(c.Kind))
	case c.Cap < 0:
		return fault.Invalidf("cap", "is negative", "write an amount per unit, or leave it out for none")
	}
	if err := checkRate("rate", c.BPS); err != nil {
		return err
	}
	if err := money.CheckAmount("cap", c.Cap); err != nil {
		return err
	}
	return checkSpan(c.From, c.Until)
}

// Same tells whether two contracts give a creator the same at the same time, whoever published them when.
func (c Contract) Same(other Contract) bool {
	return c.Creator == other.Creator && c.Kind == other.Kind && c.BPS == other.BPS && c.Cap == other.Cap &&
		c.NoPromotions == other.NoPromotions && c.From.Equal(other.From) && c.Until.Equal(other.Until)
}

// Text says what a contract pays: "7 % on everything, at most 10.00 USD per unit".
func (c Contract) Text(currency string) string {
	text := FormatPercent(c.BPS) + " % on everything"
	if c.Cap != 0 {
		text += ", at most " + amountText(c.Cap, currency) + " per unit"
	}
	if c.NoPromotions {
		text += ", without promotions"
	}
	return text
}

// Check refuses tiers that mean nothing. Tiers without bands are allowed: they end what was.
func (v Volume) Check() error {
	at, err := time.Parse(monthForm, v.From)
	if err != nil || len(v.From) != len(monthForm) {
		return fault.Invalidf("from", "%q is not a month", "write it as 2027-01", v.From)
	}
	if year := at.Year(); year < firstYear || year > lastYear {
		return fault.Invalidf("from", "is in the year %d", "write the first month in which they hold", year)
	}
	if len(v.Bands) > maxBands {
		return fault.New(fault.Exhausted, "bands", fmt.Sprintf("are more than %d", maxBands), "join some of them")
	}
	for i, band := range v.Bands {
		field := fmt.Sprintf("bands[%d]", i)
		switch {
		case band.Above < 0 || band.Above > maxAbove:
			return fault.Invalidf(field+".above", "is not between 0 and 10^14 minor units",
				"write the amount from which the band pays")
		case i > 0 && band.Above <= v.Bands[i-1].Above:
			return fault.Invalidf(field+".above", "is not above that of the band before it", "write bands in rising order")
		}
		if err := checkRate(field+".extra", band.Extra); err != nil {
			return err
		}
	}
	return nil
}

// Text says what tiers bring: "2 % more of what a month brings above 1000.00 USD".
func (v Volume) Text(currency string) string {
	if len(v.Bands) == 0 {
		return "no volume tiers"
	}
	texts := make([]string, len(v.Bands))
	for i, band := range v.Bands {
		texts[i] = FormatPercent(band.Extra) + " % more above " + amountText(band.Above, currency)
	}
	return strings.Join(texts, ", ") + " a month"
}

// amountText writes an amount for people; without a currency in minor units.
func amountText(n int64, currency string) string {
	if currency == "" {
		return fmt.Sprint(n)
	}
	return FormatAmount(n, currency) + " " + currency
}
