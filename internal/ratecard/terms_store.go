package ratecard

import (
	"encoding/json"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

var (
	selectPromotions = db.Statement(`SELECT body FROM promotion WHERE market = $1 ORDER BY id`)
	selectContracts  = db.Statement(`SELECT body FROM contract WHERE market = $1 ORDER BY id`)
	selectVolumes    = db.Statement(`SELECT body FROM volume WHERE market = $1 ORDER BY number`)
	insertPromotion  = db.Statement(`INSERT INTO promotion (id, market, starts, ends, published, body) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET starts = excluded.starts, ends = excluded.ends, body = excluded.body`)
	insertContract = db.Statement(`INSERT INTO contract (id, market, creator, published, body) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET body = excluded.body`)
	insertVolume = db.Statement(`INSERT INTO volume (id, market, number, published, body) VALUES ($1, $2, $3, $4, $5)`)
)

// LoadBook reads everything that prices a marketplace's lines.
func LoadBook(tx *db.Tx, market uint16) (*Book, error) {
	cards, err := Load(tx, market)
	if err != nil {
		return nil, err
	}
	b := &Book{Cards: cards, Contracts: map[id.ID][]Contract{}}
	var contracts []Contract
	if err := readBodies(tx, selectPromotions, market, &b.Promotions); err != nil {
		return nil, err
	}
	if err := readBodies(tx, selectContracts, market, &contracts); err != nil {
		return nil, err
	}
	for _, c := range contracts {
		b.Contracts[c.Creator] = append(b.Contracts[c.Creator], c)
	}
	return b, readBodies(tx, selectVolumes, market, &b.Volumes)
}

func readBodies[T any](tx *db.Tx, statement *db.Stmt, market uint16, into *[]T) error {
	return fault.Wrap(tx.Each(statement, func(scan func(...any) error) error {
		var body string
		if err := scan(&body); err != nil {
			return err
		}
		var one T
		err := json.Unmarshal([]byte(body), &one)
		*into = append(*into, one)
		return err
	}, int64(market)), "reading rates")
}

// save writes one row of what is priced beside the cards; the caller has raised the marketplace's version.
func save(tx *db.Tx, market uint16, row any) error {
	body, err := json.Marshal(row)
	if err != nil {
		return err
	}
	switch r := row.(type) {
	case Promotion:
		_, err = tx.Exec(insertPromotion, int64(r.ID), int64(market), clock.Micro(r.From), clock.Micro(r.Until), clock.Micro(r.Published), string(body))
	case Contract:
		_, err = tx.Exec(insertContract, int64(r.ID), int64(market), int64(r.Creator), clock.Micro(r.Published), string(body))
	case Volume:
		_, err = tx.Exec(insertVolume, int64(r.ID), int64(market), r.Number, clock.Micro(r.Published), string(body))
	}
	return fault.Wrap(err, "saving rates")
}
