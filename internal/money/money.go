// Package money holds amounts as whole minor units with an ISO 4217 currency, and the one rounding rule
// (docs/spec.md §2). No value here is ever a float. It does not format for people (web does) and converts nothing.
package money

import (
	"math/bits"
	"strconv"

	"github.com/bojanz/currency"

	"tributary/internal/fault"
)

// Limit is the largest amount in either direction, in minor units: 10^15 (docs/spec.md §2). Far below what 64 bits
// hold, so that sums of a few amounts cannot wrap before they are checked.
const Limit = 1_000_000_000_000_000

// FullRate is 100 % in basis points.
const FullRate = 10_000

// Money is an amount in minor units of a currency. JSON: {"amount": 1999, "currency": "USD"}.
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// Check refuses an unknown currency and an amount beyond Limit; field is the caller's name for the value.
func (m Money) Check(field string) error {
	if !KnownCurrency(m.Currency) {
		return fault.Invalidf(field+".currency", "%q is not an ISO 4217 currency", `send three capital letters such as "USD"`, clip(m.Currency))
	}
	return CheckAmount(field+".amount", m.Amount)
}

// CheckAmount refuses an amount beyond Limit.
func CheckAmount(field string, amount int64) error {
	if amount > Limit || amount < -Limit {
		return fault.Invalidf(field, "is beyond the limit of ±10^15 minor units", "split it or send the right amount")
	}
	return nil
}

// KnownCurrency tells whether code is a current ISO 4217 code, in capitals.
func KnownCurrency(code string) bool { return len(code) == 3 && currency.IsValid(code) }

// Digits gives the number of decimals of a currency's minor unit: 2 for USD, 0 for JPY.
func Digits(code string) int {
	digits, ok := currency.GetDigits(code)
	if !ok {
		return 2
	}
	return int(digits)
}

// Add sums two amounts of one currency and errs beyond Limit or where the currencies differ.
func (m Money) Add(other Money) (Money, error) {
	if m.Currency != other.Currency {
		return Money{}, fault.Invalidf("currency", "%s and %s cannot be summed", "keep currencies apart", m.Currency, other.Currency)
	}
	sum := m.Amount + other.Amount
	return Money{sum, m.Currency}, CheckAmount("amount", sum)
}

// String gives a plain form for logs and files: "19.99 USD".
func (m Money) String() string { return Decimal(m.Amount, Digits(m.Currency)) + " " + m.Currency }

// Decimal writes minor units as a decimal number with that many digits: Decimal(-5, 2) is "-0.05".
func Decimal(amount int64, digits int) string {
	if digits == 0 {
		return strconv.FormatInt(amount, 10)
	}
	text := strconv.FormatUint(magnitude(amount), 10)
	for len(text) <= digits {
		text = "0" + text
	}
	sign := ""
	if amount < 0 {
		sign = "-"
	}
	return sign + text[:len(text)-digits] + "." + text[len(text)-digits:]
}

// MulDiv gives round(a·b/c), half up (towards plus infinity at exactly one half), 128 bits wide. c is above 0. It
// panics when the result does not fit into 64 bits: callers have checked amounts (Limit) and rates (FullRate).
func MulDiv(a, b, c int64) int64 {
	if c <= 0 {
		panic("money.MulDiv: divisor " + strconv.FormatInt(c, 10))
	}
	high, low := bits.Mul64(magnitude(a), magnitude(b))
	if high >= uint64(c) {
		panic("money.MulDiv: result beyond 64 bits")
	}
	quotient, rest := bits.Div64(high, low, uint64(c))
	negative := (a < 0) != (b < 0)
	// Half up: a positive half goes away from zero, a negative half towards it.
	up := rest > uint64(c)-rest || (rest == uint64(c)-rest && !negative)
	if up {
		quotient++
	}
	if quotient > 1<<62 {
		panic("money.MulDiv: result beyond 64 bits")
	}
	if negative {
		return -int64(quotient)
	}
	return int64(quotient)
}

// Share is round(n·bps/10000): the one rounding rule of rates (docs/spec.md §2).
func Share(n, bps int64) int64 { return MulDiv(n, bps, FullRate) }

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func clip(text string) string {
	if len(text) > 12 {
		return text[:12] + "…"
	}
	return text
}
