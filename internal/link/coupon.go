package link

import (
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Coupon credits its owner with the lines of an order that carries its code (docs/spec.md §5.6). In a marketplace a code
// has one owner for ever: what was once handed to one creator's audience never pays another.
type Coupon struct {
	Market   uint16
	Code     string // as codes are compared (CleanCode)
	Creator  id.ID
	Program  click.Program
	Tracking id.ID
	Since    time.Time // zero: it always stood
	Until    time.Time // it stands until just before; zero: without end
}

// Limits of a coupon's code: shortestCode and longestCode characters, as those of a short link.
var couponForm = regexp.MustCompile(`^[\p{L}\p{Nd}]([\p{L}\p{M}\p{Nd}_-]*[\p{L}\p{M}\p{Nd}])?$`)

// CleanCode gives a coupon's code as it is compared: without case, in one spelling of each letter, and without what gets
// lost or added at its ends when people type it (white space, `_` and `-`).
func CleanCode(text string) string {
	return CleanTag(norm.NFKC.String(strings.ToLower(norm.NFKC.String(text))))
}

// CheckCoupon gives a coupon's code in its one form, or says why it cannot be one.
func CheckCoupon(text string) (string, error) {
	code := CleanCode(text)
	if !isCoupon(code) {
		return "", fault.Invalidf("code", "is not a coupon's code",
			"send 3 to 40 letters and digits, with dashes or underscores only between them")
	}
	return code, nil
}

func isCoupon(code string) bool {
	// Bytes are counted before characters: what an order carries may be of any length.
	if len(code) > longestCode*4 || !couponForm.MatchString(code) {
		return false
	}
	characters := len([]rune(code))
	return characters >= shortestCode && characters <= longestCode
}

const couponRows = `SELECT market, code, creator, program, tracking, since, until FROM coupon `

var (
	insertCoupon = db.Statement(`INSERT INTO coupon (market, code, creator, program, tracking, since, until)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`)
	couponsByCode = db.In(couponRows + `WHERE market = $1 AND code IN ($LIST)`)
	couponsOf     = db.Statement(couponRows + `WHERE creator = $1 ORDER BY market, code`)
	couponsPage   = db.Statement(couponRows + `WHERE market = $1 AND code > $2 ORDER BY code LIMIT $3`)
	// Only what was read is replaced, so that of two who open or end a coupon at once one is told.
	changeCoupon = db.Statement(`UPDATE coupon SET program = $3, tracking = $4, since = $5, until = $6
		WHERE market = $1 AND code = $2 AND since = $7 AND until = $8 AND tracking = $9`)
)

// OpenCoupon gives a code to its owner. A code that another creator has, or had, is a Conflict that names him. The owner
// may open it again: where the new dates touch the old ones, and it is for the same tracking id, both are one; behind the
// old ones they replace them. Opening what stands already changes nothing.
func OpenCoupon(tx *db.Tx, c Coupon) error {
	if err := c.check(tx); err != nil {
		return err
	}
	added, err := tx.Exec(insertCoupon, int64(c.Market), c.Code, int64(c.Creator), int64(c.Program), int64(c.Tracking),
		microOrZero(c.Since), microOrZero(c.Until))
	if err != nil || added > 0 {
		return fault.Wrap(err, "saving a coupon")
	}
	known, err := CouponsByCode(tx, c.Market, []string{c.Code})
	if err != nil {
		return err
	}
	old := known[c.Code]
	if old.Creator != c.Creator {
		return fault.New(fault.Conflict, "code", "belongs to "+old.Creator.Text(id.Creator)+" for good",
			"choose another code")
	}
	merged, err := old.reopened(c)
	if err != nil || merged == old {
		return err
	}
	return old.become(tx, merged)
}

// check also brings the code into its one form.
func (c *Coupon) check(tx *db.Tx) (err error) {
	if c.Code, err = CheckCoupon(c.Code); err != nil {
		return err
	}
	if !c.Until.IsZero() && !c.Until.After(c.Since) {
		return fault.Invalidf("until", "is not after since", "send a later end, or none")
	}
	found, err := TrackingByID(tx, []id.ID{c.Tracking})
	if err != nil {
		return err
	}
	t, ok := found[c.Tracking]
	if !ok || t.Creator != c.Creator || t.Market != c.Market || t.Program != c.Program {
		return fault.New(fault.NotFound, "tracking", "there is no such tracking id of this creator, program and marketplace",
			"name one of the owner's own")
	}
	return nil
}

// reopened joins two times of one owner's coupon. A row holds one stretch of time, so what lay before a gap is given up.
func (c Coupon) reopened(next Coupon) (Coupon, error) {
	same, ended := c.Tracking == next.Tracking, !c.Until.IsZero() && !next.Since.Before(c.Until)
	switch {
	case !c.runs(), ended && (!same || next.Since.After(c.Until)):
		return next, nil
	case !same:
		return c, fault.New(fault.Conflict, "code", "stands already, for another tracking id",
			"end it first, then open it again")
	case !next.Until.IsZero() && next.Until.Before(c.Since):
		return c, fault.New(fault.Conflict, "until", "lies before the coupon's present dates", "send dates that reach them")
	}
	if next.Since.Before(c.Since) {
		c.Since = next.Since
	}
	if next.Until.IsZero() || !c.Until.IsZero() && next.Until.After(c.Until) {
		c.Until = next.Until
	}
	return c, nil
}

// runs tells whether there is any instant at which the coupon stands.
func (c Coupon) runs() bool { return c.Until.IsZero() || c.Until.After(c.Since) }

func (c Coupon) become(tx *db.Tx, next Coupon) error {
	changed, err := tx.Exec(changeCoupon, int64(c.Market), c.Code, int64(next.Program), int64(next.Tracking),
		microOrZero(next.Since), microOrZero(next.Until), microOrZero(c.Since), microOrZero(c.Until), int64(c.Tracking))
	if err == nil && changed == 0 {
		return fault.New(fault.Conflict, "code", "was changed by somebody else just now", "look at it, and try again")
	}
	return fault.Wrap(err, "changing a coupon")
}

// EndCoupon ends a coupon: orders from that instant on are not credited by it. One that has ended by then stays as it is.
func EndCoupon(tx *db.Tx, market uint16, code string, at time.Time) error {
	code = CleanCode(code)
	known, err := CouponsByCode(tx, market, []string{code})
	if err != nil {
		return err
	}
	old, ok := known[code]
	if !ok {
		return fault.New(fault.NotFound, "code", "there is no such coupon in this marketplace", "check the code")
	}
	if !old.Until.IsZero() && !old.Until.After(at) {
		return nil
	}
	next := old
	next.Until = at
	if at.Before(old.Since) { // it had not begun, and never stands
		next.Until = old.Since
	}
	return old.become(tx, next)
}

// CouponsByCode finds coupons of a marketplace by code, also those that have ended; codes that nobody owns are left out.
// The keys are the codes in their one form (CleanCode). What cannot be a coupon's code is not looked for.
func CouponsByCode(tx *db.Tx, market uint16, codes []string) (map[string]Coupon, error) {
	var keys []any
	for _, text := range codes {
		if code := CleanCode(text); isCoupon(code) {
			keys = append(keys, code)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	found := make(map[string]Coupon, len(keys))
	err := tx.In(couponsByCode, keys, func(scan func(...any) error) error {
		c, err := readCoupon(scan)
		found[c.Code] = c
		return err
	}, int64(market))
	return found, fault.Wrap(err, "reading coupons by code")
}

// CouponsOf gives a creator's coupons of all marketplaces, also those that have ended.
func CouponsOf(tx *db.Tx, creator id.ID) ([]Coupon, error) {
	return listCoupons(tx, couponsOf, int64(creator))
}

// maxCoupons bounds one page of a list.
const maxCoupons = 500

// Coupons gives a page of a marketplace's coupons in order of their codes. after is the last code of the page before.
func Coupons(tx *db.Tx, market uint16, after string, limit int) ([]Coupon, error) {
	return listCoupons(tx, couponsPage, int64(market), after, int64(min(max(limit, 1), maxCoupons)))
}

func listCoupons(tx *db.Tx, query *db.Stmt, args ...any) (all []Coupon, err error) {
	err = tx.Each(query, func(scan func(...any) error) error {
		c, err := readCoupon(scan)
		all = append(all, c)
		return err
	}, args...)
	return all, fault.Wrap(err, "reading coupons")
}

func readCoupon(scan func(...any) error) (Coupon, error) {
	var c Coupon
	var market, creator, program, tracking, since, until int64
	err := scan(&market, &c.Code, &creator, &program, &tracking, &since, &until)
	c.Market, c.Creator, c.Program, c.Tracking = uint16(market), id.ID(creator), click.Program(program), id.ID(tracking)
	c.Since, c.Until = timeOrZero(since), timeOrZero(until)
	return c, err
}

// microOrZero writes a time that may be unsaid; timeOrZero reads it.
func microOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func timeOrZero(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}
