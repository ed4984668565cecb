package db

import "time"

// beLate stands for a disk whose syncs take longer than this one's. It waits just before the commit, where a slower sync
// would: the transaction holds its lanes, on SQLite also the one place to write, and what comes meanwhile gathers for the
// next group. Transactions of other lanes wait at the same time, as they would share a sync. What it does not slow is the
// folding back of SQLite's log, which syncs twice for some thousand pages.
func (d *DB) beLate() {
	if d.late > 0 {
		time.Sleep(d.late)
	}
}
