package accrual

import (
	"tributary/internal/bounty"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/ratecard"
)

// book is what a marketplace's decisions are made with: its policy and everything that prices its lines. It is kept in
// memory and read again when the marketplace's version has risen.
type book struct {
	market   market.Market
	rates    *ratecard.Book
	offers   []bounty.Offer
	verdicts bool // clicks were found invalid after they were answered
}

var (
	selectVersion    = db.Statement(`SELECT version FROM marketplace WHERE no = $1`)
	selectAnyVerdict = db.Statement(`SELECT COUNT(*) FROM (SELECT click FROM click_verdict WHERE market = $1 LIMIT 1) AS one`)
)

func (a *Accrual) readBook(tx *db.Tx, marketplace uint16) (*book, error) {
	var version int64
	found, err := tx.One(selectVersion, []any{&version}, int64(marketplace))
	if err != nil {
		return nil, fault.Wrap(err, "reading the marketplace's version")
	}
	if !found {
		return nil, fault.New(fault.NotFound, "marketplace", "there is no such marketplace", "name one that exists")
	}
	a.mu.Lock()
	known := a.books[marketplace]
	a.mu.Unlock()
	if known != nil && known.market.Version == version {
		return known, nil
	}
	markets, err := market.All(tx)
	if err != nil {
		return nil, err
	}
	fresh := &book{}
	for _, m := range markets {
		if m.No == marketplace {
			fresh.market = m
		}
	}
	if fresh.rates, err = ratecard.LoadBook(tx, marketplace); err != nil {
		return nil, err
	}
	if fresh.offers, err = bounty.Load(tx, marketplace); err != nil {
		return nil, err
	}
	var verdicts int64
	if _, err := tx.One(selectAnyVerdict, []any{&verdicts}, int64(marketplace)); err != nil {
		return nil, fault.Wrap(err, "reading verdicts on clicks")
	}
	fresh.verdicts = verdicts > 0
	a.mu.Lock()
	a.books[marketplace] = fresh
	a.mu.Unlock()
	return fresh, nil
}

func (a *Accrual) forget(marketplace uint16) {
	a.mu.Lock()
	delete(a.books, marketplace)
	a.mu.Unlock()
}
