package operator

import (
	"net/http"

	"github.com/a-h/templ"

	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/web/staff"
)

const pageCoupons = 50

// coupons is the list of a marketplace's coupons, or of one creator's.
type coupons struct {
	*staff.Desk
	rows  []couponRow
	owner creator.Creator // whose they are; the zero value: everybody's
	next  string
}

// couponRow is a coupon with its owner.
type couponRow struct {
	link.Coupon
	name, tag string
}

// state says where a coupon stands now.
func (c couponRow) state(d *staff.Desk) string {
	switch {
	case !c.Until.IsZero() && !c.Until.After(c.Since):
		return "never began"
	case !c.Until.IsZero() && !c.Until.After(d.Now):
		return "ended"
	case c.Since.After(d.Now):
		return "to come"
	}
	return "in force"
}

// open tells whether it can be ended.
func (c couponRow) open(d *staff.Desk) bool {
	s := c.state(d)
	return s == "in force" || s == "to come"
}

// Coupons lists coupons; one is opened on the same page.
func (p *Pages) Coupons(w http.ResponseWriter, r *http.Request) error {
	return p.See(w, r, couponsView)
}

var couponsView = staff.Page{Title: "Coupons", Current: staff.AtRates,
	Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		v := &coupons{Desk: d}
		found, err := v.find(tx)
		if err != nil {
			return nil, err
		}
		v.rows, err = couponRows(tx, found)
		return couponsPage(v), err
	}}

// find reads what the address asks for: one code, one creator's, or a page of all.
func (v *coupons) find(tx *db.Tx) (found []link.Coupon, err error) {
	if code := v.Sent("q"); code != "" {
		known, err := link.CouponsByCode(tx, v.Market.No, []string{code})
		for _, c := range known {
			found = append(found, c)
		}
		return found, err
	}
	if text := v.Sent("creator"); text != "" {
		number, err := id.Parse("creator", id.Creator, text)
		if err != nil {
			return nil, err
		}
		if v.owner, err = creator.One(tx, number); err != nil {
			return nil, err
		}
		return couponsOf(tx, v.Desk, number)
	}
	found, err = link.Coupons(tx, v.Market.No, v.Sent("after"), pageCoupons+1)
	if len(found) > pageCoupons {
		found = found[:pageCoupons]
		v.next = v.InMarket("/operator/coupons", "after", found[pageCoupons-1].Code)
	}
	return found, err
}

// couponsOf are a creator's coupons in the marketplace that is being looked at.
func couponsOf(tx *db.Tx, d *staff.Desk, owner id.ID) (here []link.Coupon, err error) {
	all, err := link.CouponsOf(tx, owner)
	for _, c := range all {
		if c.Market == d.Market.No {
			here = append(here, c)
		}
	}
	return here, err
}

// couponRows adds owners and tags.
func couponRows(tx *db.Tx, found []link.Coupon) ([]couponRow, error) {
	owners, tracking := make([]id.ID, len(found)), make([]id.ID, len(found))
	for i, c := range found {
		owners[i], tracking[i] = c.Creator, c.Tracking
	}
	people, err := staff.Names(tx, owners)
	if err != nil {
		return nil, err
	}
	tags, err := link.TrackingByID(tx, tracking)
	rows := make([]couponRow, len(found))
	for i, c := range found {
		rows[i] = couponRow{c, staff.Name(people, c.Creator), tags[c.Tracking].Tag}
	}
	return rows, err
}

// OpenCoupon gives a code to the owner of a tracking id.
func (p *Pages) OpenCoupon(w http.ResponseWriter, r *http.Request) error {
	return p.Take(w, r, couponsView, func(d *staff.Desk) (string, error) {
		wanted := link.Coupon{Market: d.Market.No, Code: d.Sent("code"), Since: d.Now}
		from, err := d.DayOf("from", 0)
		if err != nil {
			return "", err
		}
		if !from.IsZero() {
			wanted.Since = from
		}
		if wanted.Until, err = d.DayOf("until", 1); err != nil {
			return "", err
		}
		tag := link.CleanTag(d.Sent("tag"))
		err = p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
			known, err := link.TrackingByTag(tx, []string{tag})
			if err != nil {
				return err
			}
			owner, ok := known[tag]
			if !ok || owner.Market != d.Market.No {
				return fault.Invalidf("tag", "is not a tracking id of this marketplace",
					"write one of the owner's own; the creator's page lists them")
			}
			wanted := wanted
			wanted.Creator, wanted.Program, wanted.Tracking = owner.Creator, owner.Program, owner.ID
			if err := link.OpenCoupon(tx, wanted); err != nil {
				return err
			}
			return d.Note(tx, "coupon.opened", "coupon/"+d.Market.ID+"/"+link.CleanCode(wanted.Code), wanted.Creator, "",
				map[string]any{"creator": wanted.Creator.Text(id.Creator), "tag": tag, "since": wanted.Since, "until": wanted.Until})
		})
		return d.InMarket("/operator/coupons", "q", link.CleanCode(wanted.Code), "said", "opened"), err
	})
}

// EndCoupon ends a coupon now: later orders are not credited by it.
func (p *Pages) EndCoupon(w http.ResponseWriter, r *http.Request) error {
	return p.Take(w, r, couponsView, func(d *staff.Desk) (string, error) {
		code := r.PathValue("code")
		err := p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
			if err := link.EndCoupon(tx, d.Market.No, code, p.Clock.Now()); err != nil {
				return err
			}
			return d.Note(tx, "coupon.ended", "coupon/"+d.Market.ID+"/"+link.CleanCode(code), 0, "", nil)
		})
		return d.InMarket("/operator/coupons", "q", code, "said", "ended"), err
	})
}
