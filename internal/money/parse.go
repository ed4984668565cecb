package money

import (
	"math/big"
	"strings"

	"tributary/internal/fault"
)

// maxDecimal bounds a decimal text: 16 digits before and 8 after the point are more than any price needs.
const maxDecimal = 26

// Parse reads a decimal such as "19.99" or "-3" exactly; no exponent, no thousands mark, a point for decimals.
func Parse(field, text string) (*big.Rat, error) {
	trimmed := strings.TrimSpace(text)
	body := strings.TrimPrefix(trimmed, "-")
	whole, part, point := strings.Cut(body, ".")
	bad := len(body) > maxDecimal || whole == "" || (point && part == "") || strings.Trim(whole+part, "0123456789") != ""
	if bad {
		return nil, fault.Invalidf(field, "%q is not a decimal number", "write digits with a point for decimals, such as 19.99", clip(text))
	}
	value, ok := new(big.Rat).SetString(trimmed)
	if !ok {
		return nil, fault.Invalidf(field, "%q is not a decimal number", "write digits with a point for decimals, such as 19.99", clip(text))
	}
	return value, nil
}

// ParseTimes gives round(quantity × price) in minor units with that many digits, rounded once, half up: the way a price
// with more decimals than the currency has becomes the amount of a line.
func ParseTimes(field, price string, quantity int64, digits int) (int64, error) {
	value, err := Parse(field, price)
	if err != nil {
		return 0, err
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	value.Mul(value, new(big.Rat).SetInt(scale))
	value.Mul(value, new(big.Rat).SetInt64(quantity))
	// floor(v + 1/2) = floor((2·num + den) / (2·den))
	top := new(big.Int).Add(new(big.Int).Lsh(value.Num(), 1), value.Denom())
	rounded := new(big.Int).Div(top, new(big.Int).Lsh(value.Denom(), 1))
	if !rounded.IsInt64() {
		return 0, fault.Invalidf(field, "is beyond the limit of ±10^15 minor units", "send the right amount")
	}
	return rounded.Int64(), CheckAmount(field, rounded.Int64())
}
