package ratecard

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/product"
)

// TopicPublished is the outbox's topic of what Announce tells.
const TopicPublished = "rate_card.published"

var (
	// Also the lock between two who publish at once: whoever comes second sees what the first one published.
	bumpMarket = db.Statement(`UPDATE marketplace SET version = version + 1 WHERE no = $1`)
	insertCard = db.Statement(`INSERT INTO rate_card (id, market, kind, version, effective, published, body, seal)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $SEAL)`)
	upsertPromotion = db.Statement(`INSERT INTO promotion (id, market, starts, ends, published, body, seal)
		VALUES ($1, $2, $3, $4, $5, $6, $SEAL) ON CONFLICT (id)
		DO UPDATE SET starts = excluded.starts, ends = excluded.ends, body = excluded.body, seal = excluded.seal`)
	upsertContract = db.Statement(`INSERT INTO contract (id, market, creator, published, body, seal)
		VALUES ($1, $2, $3, $4, $5, $SEAL) ON CONFLICT (id) DO UPDATE SET body = excluded.body, seal = excluded.seal`)
	insertVolume = db.Statement(`INSERT INTO volume (id, market, number, published, body, seal)
		VALUES ($1, $2, $3, $4, $5, $SEAL)`)
	countLines    = db.Statement(`SELECT COUNT(*) FROM (SELECT at FROM line WHERE market = $1 LIMIT 1) AS one`)
	nextAnnounced = db.Statement(`SELECT COALESCE(MAX(idx) + 1, 0) FROM outbox WHERE lane = $1 AND turn = $2`)
	insertOutbox  = db.Bulk("BIGINT BIGINT BIGINT TEXT BIGINT TEXT",
		`INSERT INTO outbox (lane, turn, idx, topic, creator, body) VALUES $ROWS`)
)

// Publish makes a card the next version of its marketplace and kind. now is the business time. The first version of a
// kind may take effect at any instant; a later one not before now, since what was in force is never changed; and a cut not
// before noticeDays × 24 h are over.
func Publish(tx *db.Tx, market uint16, card Card, now time.Time, noticeDays int) (*Version, error) {
	said, err := single(tx, Edition{Cards: []Card{card}}, Occasion{Market: market, Now: now, NoticeDays: noticeDays})
	if err != nil {
		return nil, err
	}
	return said.row.(*Version), nil
}

// PublishPromotion starts a promotion at its beginning, which is not before now unless no order has come in yet.
func PublishPromotion(tx *db.Tx, market uint16, p Promotion, now time.Time, noticeDays int) (Promotion, error) {
	said, err := single(tx, Edition{Promotions: []Promotion{p}}, Occasion{Market: market, Now: now, NoticeDays: noticeDays})
	if err != nil {
		return Promotion{}, err
	}
	return said.row.(Promotion), nil
}

// EndPromotion moves a promotion's end: to later at any time, to earlier with the notice of a cut once it runs.
func EndPromotion(tx *db.Tx, market uint16, promotion id.ID, until, now time.Time, noticeDays int) (Promotion, error) {
	said, err := single(tx, Edition{Ends: []End{{promotion, until}}},
		Occasion{Market: market, Now: now, NoticeDays: noticeDays})
	if err != nil {
		return Promotion{}, err
	}
	p, ok := said.row.(Promotion)
	if !ok {
		return p, noSuch("promotion")
	}
	return p, nil
}

// PublishContract gives a creator a rate of their own. One that pays less than the contract or the card that the creator
// has is a cut, with its notice.
func PublishContract(tx *db.Tx, market uint16, c Contract, now time.Time, noticeDays int) (Contract, error) {
	said, err := single(tx, Edition{Contracts: []Contract{c}}, Occasion{Market: market, Now: now, NoticeDays: noticeDays})
	if err != nil {
		return Contract{}, err
	}
	return said.row.(Contract), nil
}

// EndContract moves a contract's end; zero: without end. Where what follows pays less, an earlier end is a cut.
func EndContract(tx *db.Tx, market uint16, contract id.ID, until, now time.Time, noticeDays int) (Contract, error) {
	said, err := single(tx, Edition{Ends: []End{{contract, until}}}, Occasion{Market: market, Now: now, NoticeDays: noticeDays})
	if err != nil {
		return Contract{}, err
	}
	c, ok := said.row.(Contract)
	if !ok {
		return c, noSuch("contract")
	}
	return c, nil
}

// PublishVolume makes volume tiers the next version. They begin with a month of the marketplace's zone that has not begun.
func PublishVolume(tx *db.Tx, market uint16, zone *time.Location, v Volume, now time.Time, noticeDays int) (Volume, error) {
	said, err := single(tx, Edition{Volumes: []Volume{v}},
		Occasion{Market: market, Now: now, NoticeDays: noticeDays, Zone: zone})
	if err != nil {
		return Volume{}, err
	}
	return said.row.(Volume), nil
}

func noSuch(what string) error {
	return fault.New(fault.NotFound, what, "there is no such "+what, "check its id")
}

// single publishes an edition of one part; a refusal's field is that of the part alone.
func single(tx *db.Tx, e Edition, o Occasion) (Publication, error) {
	said, err := PublishAll(tx, e, o)
	if err == nil {
		return said[0], nil
	}
	f := *fault.Of(err)
	if f.Kind == fault.Unavailable {
		return Publication{}, err
	}
	if _, field, found := strings.Cut(f.Field, "]."); found && strings.HasSuffix(f.Field[:strings.Index(f.Field, "]")], "[0") {
		f.Field = field
	}
	return Publication{}, &f
}

// PublishAll publishes an edition, all of it or nothing, and raises the marketplace's version so that caches reload. It
// tells nobody: Announce does, in a transaction that has the marketplace's lane.
func PublishAll(tx *db.Tx, e Edition, o Occasion) ([]Publication, error) {
	// First, because it locks: what is read from here on is what the edition is judged by.
	if changed, err := tx.Exec(bumpMarket, int64(o.Market)); err != nil {
		return nil, fault.Wrap(err, "raising the marketplace's version")
	} else if changed == 0 {
		return nil, noSuch("marketplace")
	}
	book, err := LoadBook(tx, o.Market)
	if err != nil {
		return nil, err
	}
	if o, err = o.Look(tx, book, e); err != nil {
		return nil, err
	}
	_, said, err := book.With(e, o)
	if err != nil {
		return nil, err
	}
	for _, p := range said {
		if err := save(tx, o.Market, p.row); err != nil {
			return nil, err
		}
	}
	return said, nil
}

// Look gives the occasion with what the rows know: whether an order has come in, and the categories of the products that
// the edition's cards and those in force or to come name.
func (o Occasion) Look(tx *db.Tx, b *Book, e Edition) (Occasion, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	var lines int64
	if _, err := tx.One(countLines, []any{&lines}, int64(o.Market)); err != nil {
		return o, fault.Wrap(err, "looking for orders")
	}
	o.unused = lines == 0
	// Versions that are over take no part in any comparison; their products need not be looked up.
	var skus []string
	name := func(entries []Entry) {
		for _, entry := range entries {
			if entry.SKU != "" {
				skus = append(skus, entry.SKU)
			}
		}
	}
	for _, card := range e.Cards {
		name(card.Entries)
	}
	for _, kind := range Kinds {
		for _, v := range append(b.Cards.Coming(kind, o.Now), b.Cards.At(kind, o.Now)) {
			if v != nil {
				name(v.Entries)
			}
		}
	}
	products, err := product.BySKU(tx, o.Market, sortedOnce(skus))
	o.categoryOf = make(map[string]string, len(products))
	for sku, p := range products {
		o.categoryOf[sku] = p.Category
	}
	return o, err
}

// Known tells which categories have a product in or beneath them, and which products there are, by Entry.Text. Nil where
// the catalog is empty.
func Known(tx *db.Tx, market uint16, paths, skus []string) (map[string]bool, error) {
	counts, err := product.Categories(tx, market)
	if err != nil || len(counts) == 0 {
		return nil, err
	}
	sold := map[string]bool{}
	for _, count := range counts {
		for _, path := range product.Ancestors(count.Category) {
			sold[path] = true
		}
	}
	known := map[string]bool{}
	for _, path := range paths {
		known[path] = sold[path]
	}
	products, err := product.BySKU(tx, market, skus)
	for _, sku := range skus {
		_, found := products[sku]
		known[Entry{SKU: sku}.Text()] = found
	}
	return known, err
}

// save writes one row; the caller has raised the marketplace's version.
func save(tx *db.Tx, market uint16, row any) error {
	content := row
	if v, ok := row.(*Version); ok {
		content = body{v.Default, v.Entries}
	}
	text, err := json.Marshal(content)
	if err != nil {
		return err
	}
	switch r := row.(type) {
	case *Version:
		_, err = tx.Exec(insertCard, int64(r.ID), int64(market), string(r.Kind), r.Number, clock.Micro(r.Effective),
			clock.Micro(r.Published), string(text))
	case Promotion:
		_, err = tx.Exec(upsertPromotion, int64(r.ID), int64(market), clock.Micro(r.From), clock.Micro(r.Until),
			clock.Micro(r.Published), string(text))
	case Contract:
		_, err = tx.Exec(upsertContract, int64(r.ID), int64(market), int64(r.Creator), clock.Micro(r.Published), string(text))
	case Volume:
		_, err = tx.Exec(insertVolume, int64(r.ID), int64(market), r.Number, clock.Micro(r.Published), string(text))
	default:
		panic(fmt.Sprintf("ratecard: no table for %T", row))
	}
	return fault.Wrap(err, "saving rates")
}

// Announce tells in the outbox what was published, for webhooks, notices and open pages. A contract is told to its
// creator only. The transaction has the marketplace's lane.
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
		rows[i] = []any{lane, turn, next + int64(i), TopicPublished, int64(p.Owner), string(text)}
	}
	_, err := tx.Bulk(insertOutbox, rows)
	return fault.Wrap(err, "announcing what was published")
}
