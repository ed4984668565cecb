package audit

import (
	"encoding/json"

	"tributary/internal/clock"
	"tributary/internal/decision"
	"tributary/internal/id"
	"tributary/internal/ratecard"
)

// What is decided beside lines and bounties: volume tiers and closes of months, adjustments. There are few of them.

// verifyVolume recomputes what a month earned on top from its base and its bands.
func (a *auditor) verifyVolume(versions []stored, posts []transfer) {
	held := int64(0)
	for i := range versions {
		v := &versions[i]
		var d decision.Volume
		if err := json.Unmarshal([]byte(v.body), &d); err != nil {
			a.tell("%s: the decision cannot be read: %v", v.name(), err)
			return
		}
		creator, err := id.Parse("creator", id.Creator, d.Creator)
		if err != nil || v.subject != decision.VolumeSubject(creator, a.market, d.Month) || d.Now != v.at {
			a.tell("%s: the decision speaks of another month", v.name())
			return
		}
		// Without bands nothing is paid on top, but for what a closed month holds.
		switch extra := (ratecard.Volume{Bands: d.Bands}).Extra(d.Base); {
		case len(d.Bands) > 0 && extra != d.Extra, len(d.Bands) == 0 && d.Extra != 0 && d.Extra != held:
			a.tell("%s: its bands give %d, decided %d", v.name(), extra, d.Extra)
		}
		var own []transfer
		own, posts = a.take(v, posts)
		a.verifyLegs(v, v.at, decision.VolumeLegs(creator, a.market, d.Month, d.Extra-held), own)
		held = d.Extra
		a.added.tiers[monthKey{creator, d.Month}] = tier{d.Base, d.Extra, v.version}
	}
	a.none(posts)
}

func (a *auditor) verifyAdjustment(versions []stored, posts []transfer) {
	v := &versions[0]
	var adj decision.Adjustment
	if err := json.Unmarshal([]byte(v.body), &adj); err != nil || len(versions) != 1 || v.subject != decision.AdjustmentSubject(adj.ID) {
		a.tell("%s: the decision cannot be read, or there are several", v.subject)
		return
	}
	a.verifyLegs(v, v.at, adj.Legs(a.market), posts)
}

// verifyClose compares a month's close with its transfer, which is effective at the payable date.
func (a *auditor) verifyClose(versions []stored, posts []transfer) {
	v := &versions[0]
	var c decision.Close
	if err := json.Unmarshal([]byte(v.body), &c); err != nil || len(versions) != 1 || v.subject != "close/"+c.Creator+"/"+string(c.Month) {
		a.tell("%s: the decision cannot be read, or there are several", v.subject)
		return
	}
	creator, err := id.Parse("creator", id.Creator, c.Creator)
	if err != nil || clock.FromMicro(c.At).After(clock.FromMicro(v.at)) {
		a.tell("%s: it closes before its payable date, or for nobody", v.subject)
		return
	}
	a.verifyLegs(v, c.At, decision.Move(nil, decision.ComponentClose, decision.EarnedAccount(creator, a.market, string(c.Month)),
		decision.CreatorAccount(creator, a.market, "payable"), c.Balance), posts)
}
