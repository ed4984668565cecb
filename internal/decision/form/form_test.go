package form_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/bounty"
	"tributary/internal/decision"
	"tributary/internal/decision/form"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
)

// fill puts something into every exported field, or nothing here and there.
func fill(dice *rand.Rand, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(dice.Int64N(1<<32), dice.Int64N(1e9)).UTC()))
		return
	}
	if dice.IntN(4) == 0 {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(dice.IntN(2) == 0)
	case reflect.Int, reflect.Int64:
		v.SetInt(dice.Int64() >> dice.IntN(64) * int64(1-2*dice.IntN(2)))
	case reflect.Uint8:
		v.SetUint(uint64(dice.IntN(256)))
	case reflect.String:
		v.SetString([]string{"us", "Home > Kitchen", "Küche", "a\"b\\c", "\x7f", "tab\there", "\u2028", "2026-03", "x"}[dice.IntN(9)])
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(dice, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), dice.IntN(4), 4))
		for i := range v.Len() {
			fill(dice, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range dice.IntN(3) {
			v.SetMapIndex(reflect.ValueOf([]string{"2026-01", "2026-02", "größer"}[dice.IntN(3)]), reflect.ValueOf(dice.Int64()))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(dice, v.Field(i))
			}
		}
	}
}

// same holds a Reader against encoding/json, on the text of many random values, one Reader for all of them.
func same[T any](t *testing.T, always ...any) {
	t.Helper()
	r := form.New[T](always...)
	rapid.Check(t, func(rt *rapid.T) {
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "dice"), 0))
		var value, got, want T
		fill(dice, reflect.ValueOf(&value).Elem())
		text, err := decision.Encode(value)
		if err != nil {
			rt.Fatal(err)
		}
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			rt.Fatal(err)
		}
		if err := r.Read(text, &got); err != nil || !reflect.DeepEqual(got, want) {
			rt.Fatalf("%v, %+v\nof %s\nencoding/json reads %+v", err, got, text, want)
		}
	})
	if r.Left() != 0 {
		t.Errorf("%d forms of %T were left to encoding/json", r.Left(), *new(T))
	}
}

func TestSame(t *testing.T) {
	same[decision.Line](t, policy.Policy{}, (*ratecard.Rate)(nil), (*ratecard.Contract)(nil), []ratecard.Offer(nil))
	same[decision.State](t)
	same[decision.Ordered](t)
	same[decision.Volume](t, []ratecard.Band(nil))
	same[decision.Close](t)
	same[decision.Adjustment](t)
	same[bounty.Decision](t, policy.Policy{}, (*bounty.Offer)(nil))
	same[bounty.State](t)
}

// What no Encode writes is read as encoding/json reads it, or refused as it refuses it.
func TestOtherForms(t *testing.T) {
	r := form.New[decision.Line]()
	for text, ok := range map[string]bool{
		``: false, `{`: false, `null`: true, `{}`: true, `[]`: false, ` {"ref": 3}`: true, `{"ref":3,}`: false, `{"ref":3}x`: false,
		`{"now":3,"ref":2}`: true, `{"ref":2,"ref":3}`: true, `{"REF":2}`: true, `{"other":[1,{"a":"}"}],"ref":2}`: true, `{"ref":2.5}`: false,
		`{"ref":1e3}`: false, `{"ref":01}`: false, `{"ref":-}`: false, `{"ref":9223372036854775807}`: true, `{"ref":9223372036854775808}`: false,
		`{"ref":-9223372036854775808}`: true, `{"facts":null,"ref":1}`: true, `{"events":null}`: true, `{"events":[{"t":"a`: false,
		`{"events":[{"t":"a"},]}`: false, "{\"events\":[{\"t\":\"a\nb\"}]}": false, "{\"events\":[{\"t\":\"\xff\"}]}": true, `{"events":[{"t":"\ud800"}]}`: true,
		`{"facts":{"line":{"ordered_at":1,"place":2}},"targets":{"months":{"a\"b":1}}}`: true, `{"facts":{"v":300,"line":{"place":truE}}}`: false,
	} {
		var got, want decision.Line
		err, wanted := r.Read(text, &got), json.Unmarshal([]byte(text), &want)
		if (err == nil) != ok || (wanted == nil) != ok || ok && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %+v; encoding/json: %v, %+v", text, err, got, wanted, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	dice := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var d decision.Line
		fill(dice, reflect.ValueOf(&d).Elem())
		text, _ := decision.Encode(d)
		f.Add(text)
	}
	r := form.New[decision.Line](policy.Policy{}, (*ratecard.Rate)(nil))
	f.Fuzz(func(t *testing.T, text string) {
		for range 2 { // the second time from what was kept
			var got, want decision.Line
			err, wanted := r.Read(text, &got), json.Unmarshal([]byte(text), &want)
			if (err == nil) != (wanted == nil) || err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("%v, %+v; encoding/json: %v, %+v", err, got, wanted, want)
			}
		}
	})
}

// BenchmarkRead reads one whole decision again and again, each time with another touch.
func BenchmarkRead(b *testing.B) {
	dice := rand.New(rand.NewPCG(3, 4))
	texts := make([]string, 64)
	size := 0
	for i := range texts {
		var d decision.Line
		for d.Facts == nil || d.Facts.Rate == nil || len(d.Facts.Touches) != 2 || d.Facts.Violation != nil || d.Basis == nil {
			d = decision.Line{}
			fill(dice, reflect.ValueOf(&d).Elem())
		}
		texts[i], _ = decision.Encode(d)
		size += len(texts[i])
	}
	readers := map[string]func(string, *decision.Line) error{
		"form":          form.New[decision.Line](policy.Policy{}, (*ratecard.Rate)(nil), (*ratecard.Contract)(nil), []ratecard.Offer(nil)).Read,
		"encoding/json": func(text string, d *decision.Line) error { return json.Unmarshal([]byte(text), d) },
	}
	for name, read := range readers {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size / len(texts)))
			b.ReportAllocs()
			for i := range b.N {
				var d decision.Line
				if err := read(texts[i%len(texts)], &d); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
