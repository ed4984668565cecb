package sums

import (
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

var (
	selectVolumeMonths = db.In(`SELECT creator, month, base, extra, version FROM volume_month WHERE market = $1 AND creator IN ($LIST)`)
	upsertVolumeMonths = db.Bulk("BIGINT BIGINT TEXT BIGINT BIGINT BIGINT",
		`INSERT INTO volume_month (market, creator, month, base, extra, version) VALUES $ROWS
		ON CONFLICT (market, creator, month) DO UPDATE SET base = excluded.base, extra = excluded.extra, version = excluded.version`)
	selectSales = db.Statement(`SELECT DISTINCT order_id FROM line WHERE creator = $1 AND creator <> 0 AND market = $2
		AND touched >= $3 AND at >= $3 AND at < $4 AND program = $5 AND pending + earned > 0 LIMIT $6`)
)

// VolumeKey names a creator's month under volume tiers.
type VolumeKey struct {
	Creator id.ID
	Month   string
}

// Volume is where such a month stands: earned base and what was posted on top, in minor units, and its newest decision.
type Volume struct{ Base, Extra, Version int64 }

// VolumesOf reads the months of creators.
func VolumesOf(tx *db.Tx, lane int64, creators []id.ID) (map[VolumeKey]Volume, error) {
	keys := make([]any, len(creators))
	for i, one := range creators {
		keys[i] = int64(one)
	}
	months := map[VolumeKey]Volume{}
	err := tx.In(selectVolumeMonths, keys, func(scan func(...any) error) error {
		var key VolumeKey
		var v Volume
		var creator int64
		err := scan(&creator, &key.Month, &v.Base, &v.Extra, &v.Version)
		key.Creator = id.ID(creator)
		months[key] = v
		return err
	}, lane)
	return months, fault.Wrap(err, "reading volume months")
}

// SaveVolumes writes months, in the order of their keys.
func SaveVolumes(tx *db.Tx, lane int64, keys []VolumeKey, months map[VolumeKey]Volume) error {
	rows := make([][]any, len(keys))
	for i, key := range keys {
		v := months[key]
		rows[i] = []any{lane, int64(key.Creator), key.Month, v.Base, v.Extra, v.Version}
	}
	_, err := tx.Bulk(upsertVolumeMonths, rows)
	return fault.Wrap(err, "saving volume months")
}

// Sales counts the distinct orders of a stretch of time that are credited to an enrolment above zero, up to a number: its
// qualifying sales (docs/spec.md §9). Times are microseconds; what was cancelled or returned in full does not count.
func Sales(tx *db.Tx, lane int64, creator id.ID, program uint8, from, until int64, upto int) (count int, err error) {
	// Which orders these are does not matter, only how many: without an order the engine stops at the last one wanted.
	err = tx.Each(selectSales, func(scan func(...any) error) error {
		var order string
		count++
		return scan(&order)
	}, int64(creator), lane, from, until, int64(program), int64(upto))
	return count, fault.Wrap(err, "counting qualifying sales")
}
