package report

import (
	"testing"
	"time"
)

// BenchmarkForecast is what the home page pays for the range: it is drawn anew with every look.
func BenchmarkForecast(b *testing.B) {
	days := make([]Day, 80)
	for i := range days {
		date := time.Date(2026, 9, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		days[i] = Day{Date: date, Clicks: 9, Commission: int64(1000 + i*37%900)}
	}
	for b.Loop() {
		if _, known := ForecastMonth(days); !known {
			b.Fatal("nothing was forecast")
		}
	}
}
