package bounty

import (
	"encoding/json"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

var (
	// Caches of the marketplace reload with its version. It is also the lock between two who publish at once: whoever
	// comes second sees the first one's offer.
	bumpMarket   = db.Statement(`UPDATE marketplace SET version = version + 1 WHERE no = $1`)
	selectOffers = db.Statement(`SELECT body FROM bounty WHERE market = $1 ORDER BY action, id`)
	upsertOffer  = db.Statement(`INSERT INTO bounty (id, market, action, published, body, seal) VALUES ($1, $2, $3, $4, $5, $SEAL)
		ON CONFLICT (id) DO UPDATE SET body = excluded.body, seal = excluded.seal`)
)

// Load reads all versions of all offers of a marketplace.
func Load(tx *db.Tx, market uint16) ([]Offer, error) {
	var offers []Offer
	err := tx.Each(selectOffers, func(scan func(...any) error) error {
		var body string
		if err := scan(&body); err != nil {
			return err
		}
		o := Offer{Market: market}
		err := json.Unmarshal([]byte(body), &o)
		offers = append(offers, o)
		return err
	}, int64(market))
	return offers, fault.Wrap(err, "reading bounties")
}

// Publish makes an offer the next version of its action, and raises the marketplace's version so that caches reload. now
// is the business time; Admit says what is refused.
func Publish(tx *db.Tx, market uint16, o Offer, now time.Time, noticeDays int) (Offer, error) {
	offers, err := open(tx, market)
	if err != nil {
		return o, err
	}
	now = now.UTC().Truncate(time.Microsecond)
	o = o.Clean()
	if err := Admit(offers, o, now, noticeDays); err != nil {
		return o, err
	}
	o.ID, o.Market, o.Published = id.New(now), market, now
	return o, save(tx, o)
}

// End gives an offer another end; Ended says what is refused.
func End(tx *db.Tx, market uint16, which id.ID, until, now time.Time, noticeDays int) (Offer, error) {
	offers, err := open(tx, market)
	if err != nil {
		return Offer{}, err
	}
	o, err := Ended(offers, which, until, now.UTC().Truncate(time.Microsecond), noticeDays)
	if err != nil {
		return o, err
	}
	return o, save(tx, o)
}

func open(tx *db.Tx, market uint16) ([]Offer, error) {
	changed, err := tx.Exec(bumpMarket, int64(market))
	if err != nil {
		return nil, fault.Wrap(err, "raising the marketplace's version")
	}
	if changed == 0 {
		return nil, fault.New(fault.NotFound, "marketplace", "there is no such marketplace", "name one that exists")
	}
	return Load(tx, market)
}

func save(tx *db.Tx, o Offer) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = tx.Exec(upsertOffer, int64(o.ID), int64(o.Market), o.Action, o.Published.UnixMicro(), string(body))
	return fault.Wrap(err, "saving a bounty")
}
