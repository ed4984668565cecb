package money

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// The rounding rule, against arbitrary precision.
func TestMulDivRoundsHalfUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Range(-Limit, Limit).Draw(t, "a")
		b := rapid.Int64Range(0, FullRate).Draw(t, "b")
		c := rapid.Int64Range(1, 1_000_000).Draw(t, "c")
		top := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		if new(big.Int).Quo(top, big.NewInt(c)).CmpAbs(big.NewInt(1<<62)) >= 0 {
			t.Skip("beyond what callers may ask")
		}
		twice := new(big.Int).Add(new(big.Int).Lsh(top, 1), big.NewInt(c))
		want := new(big.Int).Div(twice, big.NewInt(2*c)) // Div floors for a positive divisor: floor(x + 1/2)
		if got := MulDiv(a, b, c); got != want.Int64() {
			t.Fatalf("MulDiv(%d, %d, %d) = %d, want %s", a, b, c, got, want)
		}
	})
}

func TestShare(t *testing.T) {
	for _, c := range []struct{ n, bps, want int64 }{
		{1999, 450, 90}, {666, 450, 30}, {1333, 450, 60}, {0, 450, 0}, {-1333, 450, -60}, {10, 500, 1}, {-10, 500, 0}, {9, 500, 0},
		{Limit, FullRate, Limit},
	} {
		if got := Share(c.n, c.bps); got != c.want {
			t.Errorf("Share(%d, %d) = %d, want %d", c.n, c.bps, got, c.want)
		}
	}
}

func TestParseTimesRoundsOnce(t *testing.T) {
	for _, c := range []struct {
		price    string
		quantity int64
		digits   int
		want     int64
	}{{"2.55", 6, 2, 1530}, {"0.001", 5, 2, 1}, {"0.001", 4, 2, 0}, {"1.005", 1, 2, 101}, {"1.005", 2, 2, 201}, {"-2.5", 1, 0, -2}, {"3", 7, 0, 21}} {
		got, err := ParseTimes("price", c.price, c.quantity, c.digits)
		if err != nil || got != c.want {
			t.Errorf("%s × %d = %d, %v; want %d", c.price, c.quantity, got, err, c.want)
		}
	}
	for _, bad := range []string{"", "-", "1.", ".5", "1e9", "1,5", "NaN", "99999999999999999999999999999", "9999999999999999", "+1", "1 2"} {
		if _, err := ParseTimes("price", bad, 1, 2); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		amount int64
		digits int
		want   string
	}{{-5, 2, "-0.05"}, {1999, 2, "19.99"}, {1999, 0, "1999"}, {0, 3, "0.000"}, {-123456, 2, "-1234.56"}} {
		if got := Decimal(c.amount, c.digits); got != c.want {
			t.Errorf("Decimal(%d, %d) = %s, want %s", c.amount, c.digits, got, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, bad := range []Money{{1, "usd"}, {1, "XQQ"}, {1, ""}, {Limit + 1, "USD"}, {-Limit - 1, "USD"}} {
		if bad.Check("amount") == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	if _, err := (Money{1, "USD"}).Add(Money{1, "GBP"}); err == nil {
		t.Error("two currencies were summed")
	}
	if _, err := (Money{Limit, "USD"}).Add(Money{1, "USD"}); err == nil {
		t.Error("a sum beyond the limit was given")
	}
}

func FuzzParseTimes(f *testing.F) {
	for _, seed := range []string{"2.55", "-0.001", "", "1e9", "00000000000000000000000000"} {
		f.Add(seed, int64(3))
	}
	f.Fuzz(func(t *testing.T, text string, quantity int64) {
		amount, err := ParseTimes("price", text, quantity%1_000_000, 2)
		if err == nil && (amount > Limit || amount < -Limit) {
			t.Errorf("%q × %d = %d is beyond the limit", text, quantity, amount)
		}
	})
}
