package operator

import (
	"strconv"
	"time"

	"tributary/internal/claim"
	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/notice"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// tellClaim tells a creator of the newest step of a claim, an answer or a question, in the transaction that took it. The same step
// is told once.
func tellClaim(tx *db.Tx, d *staff.Desk, which id.ID) error {
	c, steps, err := claim.Find(tx, d.Keys, which)
	if err != nil {
		return err
	}
	about := aboutClaim(d, c)
	if about == "" || len(steps) == 0 { // what an erased creator asked is gone, and nobody reads the answer
		return nil
	}
	last := steps[len(steps)-1]
	n := notice.Notice{Event: "claim.question", Creator: c.Creator, Market: d.Market.ID, At: last.At,
		Key: c.ID.Text(id.Claim) + "/" + strconv.Itoa(len(steps)), Facts: map[string]string{"about": about, "question": last.Words,
			"link": d.InMarket("/creator/claims/" + c.ID.Text(id.Claim))}}
	if c.State == claim.StateAnswered {
		n.Event, n.Facts["outcome"], n.Facts["words"] = "claim.answered", string(c.Outcome), last.Words
	}
	return notice.Send(tx, d.Keys.Ring, n)
}

// aboutClaim says what a creator asked about, as its marketplace writes it: "order 2005", "9 November: Gooseneck kettle".
func aboutClaim(d *staff.Desk, c claim.Claim) string {
	if c.Order != "" {
		return "order " + c.Order
	}
	date, err := time.ParseInLocation(staff.DateForm, c.Date, d.Market.Location())
	if err != nil {
		return ""
	}
	// The middle of the day: a change of the clocks at its beginning must not make it the one before.
	about := ui.NewFormat("", d.Market.Locale, d.Market.Location()).Date(date.Add(12*time.Hour), d.Now)
	if c.Product != "" {
		about += ": " + c.Product
	}
	return about
}
