package rates

import (
	"strings"
	"testing"
	"time"

	"tributary/internal/market"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/terms"
)

// What a publication is told as: what rises, what is cut and from when, in three lines at most.
func TestSummarise(t *testing.T) {
	us := market.Market{No: 1, ID: "us", Zone: "America/New_York", Locale: "en-US"}
	day := func(year int, month time.Month, date int) time.Time {
		return time.Date(year, month, date, 0, 0, 0, 0, us.Location())
	}
	now := time.Date(2026, 11, 22, 19, 0, 0, 0, time.UTC)
	card := ratecard.Publication{What: ratecard.OfCard, Kind: ratecard.Offsite, From: day(2026, 12, 10),
		Rises: []string{"Home from 4 % to 5 %"}, Cuts: []string{"Toys from 3 % to 2 %"}}
	long := card
	long.Rises, long.Cuts = []string{strings.Repeat("ä", 400), "two", "three", "four", "and 7 more"}, nil
	for _, c := range []struct {
		name       string
		said       []ratecard.Publication
		from, want string
	}{
		{"nothing", nil, "", ""},
		{"nothing that is paid otherwise", []ratecard.Publication{{What: terms.OfBounty, Name: "signup", From: now}}, "", ""},
		{"a card", []ratecard.Publication{card}, "December 10",
			"Pays more: offsite, Home from 4 % to 5 %.\nPays less: offsite, Toys from 3 % to 2 %."},
		{"the first day of all", []ratecard.Publication{card, {What: ratecard.OfPromotion, Name: "Black Friday", From: day(2026, 11, 27),
			Until: day(2026, 12, 1), Rises: []string{"everything: 1 % more"}}}, "November 27",
			"Pays more: offsite, Home from 4 % to 5 %, from December 10; promotion Black Friday, everything: 1 % more, until November 30.\n" +
				"Pays less: offsite, Toys from 3 % to 2 %, from December 10."},
		{"at once, and without end", []ratecard.Publication{{What: terms.OfBounty, Name: "signup", From: now.Add(-time.Hour),
			Rises: []string{"15.00 USD"}}}, "November 22", "Pays more: bounty signup, 15.00 USD."},
		{"taken back", []ratecard.Publication{{What: ratecard.OfPromotion, Name: "Spring", From: day(2027, 3, 1), Until: day(2027, 3, 1),
			Ended: true, TakenBack: true, Cuts: []string{"Home: 1 % more"}}}, "March 1, 2027", "Pays less: promotion Spring, Home: 1 % more."},
		{"the first of a kind", []ratecard.Publication{{What: ratecard.OfCard, Kind: ratecard.Onsite, From: day(2026, 12, 1), NewEntries: 7}},
			"December 1", "New: onsite rates."},
		{"the first of a kind, with a default alone", []ratecard.Publication{{What: ratecard.OfCard, Kind: ratecard.Boosted, Version: 1,
			From: day(2026, 12, 1)}}, "December 1", "New: boosted rates."},
		{"a card like the one before", []ratecard.Publication{{What: ratecard.OfCard, Kind: ratecard.Offsite, Version: 2, From: day(2026, 12, 1)}}, "", ""},
		{"a contract and tiers", []ratecard.Publication{
			{What: ratecard.OfContract, Kind: ratecard.Offsite, From: day(2026, 12, 5), Rises: []string{"default from 4 % to 7 %"}},
			{What: ratecard.OfVolume, From: day(2026, 12, 1), Rises: []string{"2 % more above 1000.00 USD a month"}}}, "December 1",
			"Pays more: your contract (offsite), default from 4 % to 7 %, from December 5; volume tiers, 2 % more above 1000.00 USD a month."},
		{"much", []ratecard.Publication{long}, "December 10",
			"Pays more: offsite, " + strings.Repeat("ä", 150) + "…; offsite, two; offsite, three; and others."},
	} {
		if from, got := summarise(us, c.said, now); from != c.from || got != c.want {
			t.Errorf("%s:\n%q\n%s", c.name, from, got)
		}
	}
}
