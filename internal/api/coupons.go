package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
)

func (s *server) describeCoupons(d huma.API) {
	security := []map[string][]string{{"token": {}}}
	huma.Register(d, huma.Operation{Method: "POST", Path: "/v1/coupons", OperationID: "open-coupon",
		Security: security, DefaultStatus: http.StatusCreated,
		Summary: "Give a coupon's code to its owner, or open it again; the owner is for good"}, s.openCoupon)
	huma.Register(d, huma.Operation{Method: "GET", Path: "/v1/coupons/{marketplace}", OperationID: "list-coupons",
		Security: security, Summary: "A marketplace's coupons with their owners, in order of their codes"}, s.listCoupons)
	huma.Register(d, huma.Operation{Method: "POST", Path: "/v1/coupons/{marketplace}/{code}/end", OperationID: "end-coupon",
		Security: security, Summary: "End a coupon now: later orders are not credited by it"}, s.endCoupon)
}

// coupon is one as it is shown. A time that is left out is unsaid: it always stood, or stands without end.
type coupon struct {
	Marketplace string     `json:"marketplace"`
	Code        string     `json:"code" doc:"in the form in which codes are compared"`
	Creator     string     `json:"creator"`
	Program     string     `json:"program"`
	Tag         string     `json:"tag" doc:"the tracking id that is credited"`
	Since       *time.Time `json:"since,omitempty"`
	Until       *time.Time `json:"until,omitempty" doc:"it stands until just before"`
}

type openCouponInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"may be sent; the code itself is one"`
	Body struct {
		Marketplace string     `json:"marketplace" maxLength:"16"`
		Code        string     `json:"code" maxLength:"160" doc:"3 to 40 letters and digits, - and _ only between them"`
		Tag         string     `json:"tag" maxLength:"100" doc:"tracking id of the owner"`
		Since       *time.Time `json:"since,omitempty" doc:"left out: from now on"`
		Until       *time.Time `json:"until,omitempty" doc:"left out: without end"`
	}
}

type couponOutput struct {
	Status int
	Body   coupon
}

// openCoupon gives a code to the owner of a tag. What stands already is answered as it stands, with 200.
func (s *server) openCoupon(ctx context.Context, in *openCouponInput) (*couponOutput, error) {
	m, err := s.marketplace(ctx, in.Body.Marketplace)
	if err != nil {
		return nil, problem(err)
	}
	wanted := link.Coupon{Market: m.No, Code: in.Body.Code, Since: s.Clock.Now()}
	for _, given := range []struct {
		field string
		at    *time.Time
		to    *time.Time
	}{{"since", in.Body.Since, &wanted.Since}, {"until", in.Body.Until, &wanted.Until}} {
		if given.at == nil {
			continue
		}
		if year := given.at.Year(); year < firstYear || year > lastYear {
			return nil, problem(fault.Invalidf(given.field, "is not in the years %d to %d",
				"send an instant such as 2026-11-22T00:00:00Z", firstYear, lastYear))
		}
		*given.to = given.at.UTC().Truncate(time.Microsecond)
	}
	tag := link.CleanTag(in.Body.Tag)
	out := &couponOutput{Status: http.StatusCreated}
	err = s.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		known, err := link.TrackingByTag(tx, []string{tag})
		if err != nil {
			return err
		}
		owner, ok := known[tag]
		if !ok || owner.Market != m.No {
			return fault.Invalidf("tag", "is not a tracking id of this marketplace", "send one of the owner's own")
		}
		wanted := wanted
		wanted.Creator, wanted.Program, wanted.Tracking = owner.Creator, owner.Program, owner.ID
		before, err := couponAt(tx, m.No, wanted.Code)
		if err != nil {
			return err
		}
		if err := link.OpenCoupon(tx, wanted); err != nil {
			return err
		}
		after, err := couponAt(tx, m.No, wanted.Code)
		out.Status = http.StatusCreated
		if after == before {
			out.Status = http.StatusOK
		}
		out.Body = showCoupon(m.ID, owner.Tag, after)
		return err
	})
	if err != nil {
		return nil, problem(err)
	}
	return out, nil
}

// Instants outside these years are typing errors, and would not fit the stored form in the end.
const (
	firstYear = 1990
	lastYear  = 2200
)

func couponAt(tx *db.Tx, market uint16, code string) (link.Coupon, error) {
	known, err := link.CouponsByCode(tx, market, []string{code})
	return known[link.CleanCode(code)], err
}

func showCoupon(market, tag string, c link.Coupon) coupon {
	shown := coupon{Marketplace: market, Code: c.Code, Creator: c.Creator.Text(id.Creator), Program: c.Program.String(),
		Tag: tag}
	if !c.Since.IsZero() {
		shown.Since = &c.Since
	}
	if !c.Until.IsZero() {
		shown.Until = &c.Until
	}
	return shown
}

type listCouponsInput struct {
	Marketplace string `path:"marketplace" maxLength:"16"`
	After       string `query:"after" maxLength:"160" doc:"next of the page before"`
	Limit       int    `query:"limit" default:"100" minimum:"1" maximum:"500"`
}

type listCouponsOutput struct {
	Body struct {
		Coupons []coupon `json:"coupons"`
		Next    string   `json:"next,omitempty" doc:"send as after for the next page; left out at the end"`
	}
}

func (s *server) listCoupons(ctx context.Context, in *listCouponsInput) (*listCouponsOutput, error) {
	m, err := s.marketplace(ctx, in.Marketplace)
	if err != nil {
		return nil, problem(err)
	}
	out := &listCouponsOutput{}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		page, err := link.Coupons(tx, m.No, in.After, in.Limit)
		if err != nil {
			return err
		}
		ids := make([]id.ID, len(page))
		for i, c := range page {
			ids[i] = c.Tracking
		}
		tags, err := link.TrackingByID(tx, ids)
		out.Body.Coupons = make([]coupon, len(page))
		for i, c := range page {
			out.Body.Coupons[i] = showCoupon(m.ID, tags[c.Tracking].Tag, c)
		}
		if len(page) == in.Limit {
			out.Body.Next = page[len(page)-1].Code
		}
		return err
	})
	if err != nil {
		return nil, problem(err)
	}
	return out, nil
}

type endCouponInput struct {
	Marketplace string `path:"marketplace" maxLength:"16"`
	Code        string `path:"code" maxLength:"160"`
}

type endCouponOutput struct {
	Body coupon
}

// endCoupon ends a coupon now. One that has ended stays as it is, so the same request may come again.
func (s *server) endCoupon(ctx context.Context, in *endCouponInput) (*endCouponOutput, error) {
	m, err := s.marketplace(ctx, in.Marketplace)
	if err != nil {
		return nil, problem(err)
	}
	out := &endCouponOutput{}
	err = s.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		if err := link.EndCoupon(tx, m.No, in.Code, s.Clock.Now()); err != nil {
			return err
		}
		ended, err := couponAt(tx, m.No, in.Code)
		if err != nil {
			return err
		}
		tags, err := link.TrackingByID(tx, []id.ID{ended.Tracking})
		out.Body = showCoupon(m.ID, tags[ended.Tracking].Tag, ended)
		return fault.Wrap(err, fmt.Sprintf("showing coupon %q", ended.Code))
	})
	if err != nil {
		return nil, problem(err)
	}
	return out, nil
}
