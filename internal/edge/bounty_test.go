package edge

import (
	"testing"

	"tributary/internal/db"
	"tributary/internal/link"
)

// A bounty's own link is a short link to a page: the token names it, its visitors stay in their marketplace, and an
// influencer may share it, too.
func TestBountyLink(t *testing.T) {
	w := newWorld(t)
	links := map[string]link.Link{}
	for tag, creator := range map[string]string{"ada-20": "ada", "bob-20": "bob"} {
		w.write(func(tx *db.Tx) (err error) {
			found, err := link.TrackingByTag(tx, []string{tag})
			if err != nil {
				return err
			}
			links[creator], err = link.MakeBounty(tx, w.later(), w.markets[0], found[tag].Creator, link.Draft{Tracking: found[tag].ID},
				link.Bounty{ID: 77, Action: "business_signup", Page: "/p/KETTLE-1"})
			return err
		})
	}
	w.know()
	for _, remote := range []string{american, british} {
		for creator, made := range links {
			to, token := w.follow(w.ask("GET", "/"+made.Code, remote))
			if to != "https://us.example/p/KETTLE-1" || token == nil || token.Link != made.ID || token.Creator != made.Creator || token.Market != 1 {
				t.Errorf("%s from %s: %s, %+v", creator, remote, to, token)
			}
		}
	}
}
