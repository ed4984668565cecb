package bounty

import (
	"encoding/json"
	"strings"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// TopicPublished is the outbox's topic of what Announce tells.
const TopicPublished = "bounty.published"

var (
	// Caches of the marketplace reload with its version. It is also the lock between two who publish at once: whoever
	// comes second sees the first one's offer.
	bumpMarket   = db.Statement(`UPDATE marketplace SET version = version + 1 WHERE no = $1`)
	selectOffers = db.Statement(`SELECT body FROM bounty WHERE market = $1 ORDER BY action, id`)
	upsertOffer  = db.Statement(`INSERT INTO bounty (id, market, action, published, body, seal) VALUES ($1, $2, $3, $4, $5, $SEAL)
		ON CONFLICT (id) DO UPDATE SET body = excluded.body, seal = excluded.seal`)
	nextAnnounced = db.Statement(`SELECT COALESCE(MAX(idx) + 1, 0) FROM outbox WHERE lane = $1 AND turn = $2`)
	insertOutbox  = db.Bulk("BIGINT BIGINT BIGINT TEXT BIGINT TEXT",
		`INSERT INTO outbox (lane, turn, idx, topic, creator, body) VALUES $ROWS`)
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

// Publish makes an offer the next version of its action; With says what is refused. It tells nobody: PublishAll and
// Announce do, in a transaction that has the marketplace's lane.
func Publish(tx *db.Tx, market uint16, o Offer, now time.Time, noticeDays int) (Offer, error) {
	return single(tx, Edition{Offers: []Offer{o}}, Occasion{Market: market, Now: now, NoticeDays: noticeDays})
}

// End gives an offer another end, zero for none. What has not begun is taken back by an end at its beginning or before.
func End(tx *db.Tx, market uint16, which id.ID, until, now time.Time, noticeDays int) (Offer, error) {
	return single(tx, Edition{Ends: []EndAt{{which, until}}}, Occasion{Market: market, Now: now, NoticeDays: noticeDays})
}

// single publishes an edition of one part; a refusal's field is that of the part alone.
func single(tx *db.Tx, e Edition, o Occasion) (Offer, error) {
	said, err := PublishAll(tx, e, o)
	if err == nil {
		return said[0].Offer, nil
	}
	f := *fault.Of(err)
	if f.Kind == fault.Unavailable {
		return Offer{}, err
	}
	if _, field, found := strings.Cut(f.Field, "[0]"); found {
		f.Field = strings.TrimPrefix(field, ".")
	}
	return Offer{}, &f
}

// PublishAll publishes an edition, all of it or nothing, and raises the marketplace's version so that caches reload. o.Now
// is the business time.
func PublishAll(tx *db.Tx, e Edition, o Occasion) ([]Publication, error) {
	// First, because it locks: what is read from here on is what the edition is judged by.
	changed, err := tx.Exec(bumpMarket, int64(o.Market))
	if err != nil {
		return nil, fault.Wrap(err, "raising the marketplace's version")
	}
	if changed == 0 {
		return nil, fault.New(fault.NotFound, "marketplace", "there is no such marketplace", "name one that exists")
	}
	offers, err := Load(tx, o.Market)
	if err != nil {
		return nil, err
	}
	_, said, err := With(offers, e, o)
	if err != nil {
		return nil, err
	}
	for _, p := range said {
		if err := save(tx, p.Offer); err != nil {
			return nil, err
		}
	}
	return said, nil
}

// Announce tells in the outbox what was published, for webhooks, notices and open pages. The transaction has the
// marketplace's lane.
func Announce(tx *db.Tx, market uint16, said []Publication) error {
	if len(said) == 0 {
		return nil
	}
	lane, next := int64(market), int64(0)
	turn := tx.Turn(lane)
	if _, err := tx.One(nextAnnounced, []any{&next}, lane, turn); err != nil {
		return fault.Wrap(err, "numbering what was published")
	}
	rows := make([][]any, len(said))
	for i, p := range said {
		text, err := json.Marshal(p)
		if err != nil {
			return err
		}
		rows[i] = []any{lane, turn, next + int64(i), TopicPublished, int64(0), string(text)} // told to everyone
	}
	_, err := tx.Bulk(insertOutbox, rows)
	return fault.Wrap(err, "announcing bounties")
}

func save(tx *db.Tx, o Offer) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = tx.Exec(upsertOffer, int64(o.ID), int64(o.Market), o.Action, o.Published.UnixMicro(), string(body))
	return fault.Wrap(err, "saving a bounty")
}
