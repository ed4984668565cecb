package link_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/click"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/secret"
)

// Every flag of a click, by name: what a view adds has bits of its own, and all of them fit.
func TestFlagsOfViewsAreTheirOwn(t *testing.T) {
	clicks := click.FlagInvalid | click.FlagPaid | click.FlagUnlogged | click.FlagDirect | click.FlagImported | click.FlagClosed |
		click.FlagCampaign | click.FlagSandbox
	if clicks != 1<<8-1 {
		t.Errorf("clicks have the flags %b: one was added, and views need the eight upper ones", clicks)
	}
	longest := link.NewView(tracking(ada, "kettles-20", 1, 1), 0, "KETTLE", 1000, true, start)
	if longest.Flags&clicks != 0 || longest.Flags|clicks != 1<<16-1 || link.FlagBoosted&clicks != 0 {
		t.Errorf("the flags of a view %b and of clicks %b are not apart, or not all", longest.Flags, clicks)
	}
}

func TestViews(t *testing.T) {
	sealer := click.NewSealer(secret.FixedRing("view"))
	rapid.Check(t, func(t *rapid.T) {
		owner := tracking(ada, "kettles-20", 7, 1)
		owner.Program = click.Influencer
		seconds, boosted := rapid.Int64().Draw(t, "seconds"), rapid.Bool().Draw(t, "boosted")
		sku, video := rapid.String().Draw(t, "sku"), id.ID(rapid.Int64Min(0).Draw(t, "video"))
		at := start.Add(time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "after")))
		token, err := sealer.Open(sealer.Seal(link.NewView(owner, video, sku, seconds, boosted, at)))
		if err != nil {
			t.Fatal(err)
		}
		got, gotBoosted, ok := link.View(token)
		if want := min(max(seconds, 0), 127); !ok || got != want || gotBoosted != boosted {
			t.Fatalf("%d seconds, %v: read as %d, %v, %v", seconds, boosted, got, gotBoosted, ok)
		}
		if token.Creator != ada || token.Program != click.Influencer || token.Tracking != owner.ID || token.Market != 7 ||
			token.Link != video || token.Landed != click.LandedProduct || token.Place != click.ProductPlace(sku) ||
			token.Click <= 0 || !token.At.Equal(at.Truncate(time.Microsecond)) {
			t.Fatalf("%+v", token)
		}
	})
	for kind := range click.KindView {
		if seconds, boosted, ok := link.View(click.Token{Kind: kind, Flags: 1<<16 - 1}); ok || seconds != 0 || boosted {
			t.Errorf("a click of kind %v is a view", kind)
		}
	}
}
