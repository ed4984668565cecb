package product

import (
	"context"
	"fmt"
	"hash/fnv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
)

const us, uk = 1, 2

func place(sku string) int64 {
	sum := fnv.New64a()
	sum.Write([]byte(sku))
	return int64(sum.Sum64())
}

func write(t *testing.T, d *db.DB, fn func(*db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), db.Interactive, fn); err != nil {
		t.Fatal(err)
	}
}

func sample(sku, title, category string) Product {
	return Product{SKU: sku, Title: title, Category: category, Brand: "Alder", Price: 1999, State: Available}
}

func skus(products []Product) (all []string) {
	for _, p := range products {
		all = append(all, p.SKU)
	}
	return all
}

func TestSaveReplacesAndKeepsMarketsApart(t *testing.T) {
	d := dbtest.Open(t)
	first := sample("K1", "Steel Kettle", "Home>Kitchen > Kettles")
	first.GTIN, first.Digital, first.Seller, first.Parent, first.Image = "4006381333931", true, "s-9", "K", "/picture/K1.svg"
	want := first
	want.Category = "Home > Kitchen > Kettles"
	write(t, d, func(tx *db.Tx) error {
		twice := []Product{sample("K1", "Replaced in the same batch", "Home"), first, sample("K2", "Mug", "Home")}
		if err := Save(tx, us, place, twice); err != nil {
			return err
		}
		return Save(tx, uk, place, []Product{sample("K1", "Another", "Home > Garden")})
	})
	write(t, d, func(tx *db.Tx) error {
		got, err := BySKU(tx, us, []string{"K1", "K2", "none"})
		if err != nil {
			return err
		}
		if diff := cmp.Diff(want, got["K1"]); diff != "" || len(got) != 2 {
			t.Errorf("%d found; %s", len(got), diff)
		}
		places, err := ByPlace(tx, uk, []int64{place("K1"), place("K2")})
		if diff := cmp.Diff(map[int64]Landing{place("K1"): {Category: "Home > Garden"}}, places); diff != "" {
			t.Error(diff)
		}
		if err != nil {
			return err
		}
		gtins, err := ByGTIN(tx, us, []string{"4006381333931", "0"})
		if diff := cmp.Diff(map[string]string{"4006381333931": "K1"}, gtins); diff != "" {
			t.Error(diff)
		}
		return err
	})
}

func TestSaveIsAllOrNothing(t *testing.T) {
	d := dbtest.Open(t)
	err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
		return Save(tx, us, place, []Product{sample("K1", "Kettle", ""), sample("K2", "", "")})
	})
	if !fault.Is(err, fault.Invalid) || fault.Of(err).Field != "products[1].title" {
		t.Errorf("got %v", err)
	}
	write(t, d, func(tx *db.Tx) error {
		return All(tx, us, func(p Product) error { return fmt.Errorf("%s is there", p.SKU) })
	})
}

func TestSearchBrowseCategories(t *testing.T) {
	d := dbtest.Open(t)
	gone := sample("K9", "Steel Kettle Gone", "Home > Kitchen > Kettles")
	gone.State = Withdrawn
	write(t, d, func(tx *db.Tx) error {
		return Save(tx, us, place, []Product{
			sample("K1", "Alder Steel Kettle, 1.7 l", "Home > Kitchen > Kettles"),
			sample("K2", "Steel Kettle", "Home > Kitchen > Kettles"),
			sample("K3", "Kettlebell 8 kg", "Sports > Weights"), sample("M1", "Éclair Mould", "Home > Kitchen > Baking"),
			sample("H1", "Rug 100% wool", "Homeware"), sample("H2", "Vase_tall", "Home"), gone,
		})
	})
	search := func(text string) (got []string) {
		write(t, d, func(tx *db.Tx) error {
			found, err := Search(tx, us, text, 10)
			got = skus(found)
			return err
		})
		return got
	}
	for _, c := range []struct {
		text string
		want []string
	}{
		{"kettle", []string{"K2", "K3", "K1"}}, {"STEEL kett", []string{"K2", "K1"}}, {"éclair", []string{"M1"}},
		{"Écl", []string{"M1"}},
		{"ettle", nil}, {"", nil}, {"% _", nil}, {"100%", []string{"H1"}}, {"vase_", []string{"H2"}}, {"kettle wool", nil},
	} {
		if diff := cmp.Diff(c.want, search(c.text)); diff != "" {
			t.Errorf("search %q: %s", c.text, diff)
		}
	}
	write(t, d, func(tx *db.Tx) error {
		home, err := Browse(tx, us, "Home", "", 10)
		if diff := cmp.Diff([]string{"H2", "K1", "K2", "M1"}, skus(home)); diff != "" || err != nil {
			t.Error(diff, err)
		}
		next, err := Browse(tx, us, "Home", "K1", 1)
		if diff := cmp.Diff([]string{"K2"}, skus(next)); diff != "" || err != nil {
			t.Error(diff, err)
		}
		every, err := Browse(tx, us, "", "", 100)
		if len(every) != 6 || err != nil {
			t.Error(len(every), err)
		}
		counts, err := Categories(tx, us)
		want := []Count{{"Home", 1}, {"Home > Kitchen > Baking", 1}, {"Home > Kitchen > Kettles", 2}, {"Homeware", 1},
			{"Sports > Weights", 1}}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Error(diff)
		}
		return err
	})
}
