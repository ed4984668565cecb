package ratecard

import (
	"encoding/json"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

var (
	selectPromotions = db.Statement(`SELECT body FROM promotion WHERE market = $1 ORDER BY id`)
	selectContracts  = db.Statement(`SELECT body FROM contract WHERE market = $1 ORDER BY id`)
	selectVolumes    = db.Statement(`SELECT body FROM volume WHERE market = $1 ORDER BY number`)
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
