package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tributary/internal/db"
	"tributary/internal/journal"
)

// What the staff decide about codes, money and rates stands in the audit log, with who did it, once, and what was refused does not.
func TestDecisionsAreNoted(t *testing.T) {
	w := newWorld(t)
	w.live()
	noted := func() (lines []string) {
		if err := w.db.Read(context.Background(), func(tx *db.Tx) error {
			found, err := journal.Search(tx, w.ring, journal.Query{Limit: 50})
			for _, e := range found.Entries {
				lines = append(lines, e.Action+" "+e.Reason)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return lines
	}
	v := w.as("The admin")
	v.refused("/operator/coupons", url.Values{"code": {"ada10"}, "tag": {"nobody-20"}}, http.StatusUnprocessableEntity, "is not a tracking id")
	before := len(noted())
	v.sends("/operator/coupons", url.Values{"code": {"ada10"}, "tag": {"ada-20"}}, "The code belongs to its owner")
	body := v.wants("/operator/adjust?creator="+ada.Text("cr_"), "Payable now")
	form := url.Values{"creator": {ada.Text("cr_")}, "key": {field(body, "key")}, "amount": {"2.50"}, "reason": {"goodwill"}, "words": {"For the broken link."}, "order": {"2001"}}
	v.sends("/operator/corrections", form, "It is posted")
	v.sends("/operator/corrections", form, "It is posted") // sent twice, it is one
	got := noted()
	if len(got) != before+2 || !strings.Contains(strings.Join(got, "\n"), "coupon.opened") || !strings.Contains(strings.Join(got, "\n"), "correction.proposed For the broken link.") {
		t.Errorf("%d before, now %q", before, got)
	}
}
