package market

import (
	"testing"
	"time"

	_ "time/tzdata"
)

// docs/examples.md F.
func TestPayable(t *testing.T) {
	for month, want := range map[Month]string{
		"2026-01": "2026-04-01", "2026-11": "2027-01-29", "2026-12": "2027-03-01", "2027-12": "2028-02-29", "2028-02": "2028-04-29",
	} {
		for _, name := range []string{"America/New_York", "Europe/London", "Asia/Kathmandu", "America/Santiago"} {
			zone, _ := time.LoadLocation(name)
			at := month.Payable(zone, 60)
			if got := Day(at, zone); got != want || Day(at.Add(-1), zone) == want {
				t.Errorf("%s in %s is payable on %s (%s), want the start of %s", month, name, got, at, want)
			}
		}
	}
}

// In every zone and month a payable date starts where its date starts, also where clocks jump at midnight.
func TestPayableStartsItsDay(t *testing.T) {
	for _, name := range []string{"America/Sao_Paulo", "Africa/Cairo", "Asia/Beirut", "America/Asuncion", "America/Havana", "Asia/Tehran", "Pacific/Apia"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for month := Month("2010-01"); month < "2037-01"; month = month.Next() {
			for hold := 1; hold <= 62; hold += 7 {
				at := month.Payable(zone, hold)
				if Day(at, zone) == Day(at.Add(-time.Microsecond), zone) {
					t.Fatalf("%s %s hold %d: %s is not the first instant of its date", name, month, hold, at.In(zone))
				}
			}
		}
	}
}
