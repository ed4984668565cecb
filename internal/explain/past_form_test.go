package explain

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/commission"
	"tributary/internal/decision"
)

// fill gives every field some value, mostly not the zero one.
func fill(r *rapid.T, v reflect.Value) {
	if _, ok := v.Interface().(time.Time); ok {
		v.Set(reflect.ValueOf(time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(r, "time")).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(r, v.Field(i))
			}
		}
	case reflect.Pointer:
		if rapid.IntRange(0, 3).Draw(r, "there") > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(r, v.Elem())
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 3).Draw(r, "length"), 3))
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 2).Draw(r, "size") {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(r, key)
			fill(r, value)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		v.SetString(rapid.SampledFrom([]string{"", "us", "Home > Kitchen", `a "quoted" \ one`, "Café & Co", "2026-03", "{[:,]}", "\n"}).Draw(r, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(r, "truth"))
	case reflect.Uint8:
		v.SetUint(uint64(rapid.Uint8().Draw(r, "byte")))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(r, "number"))
	default:
		r.Fatalf("a field of kind %s: teach the readers of stored forms to read it", v.Kind())
	}
}

// same compares by the stored form, in which nothing and an empty list are one.
func same(t *rapid.T, what string, got, want any) {
	one, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	other, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if string(one) != string(other) {
		t.Fatalf("%s is read as\n%s\nand stored as\n%s", what, one, other)
	}
}

// Whatever a stored form holds, in whichever field: the quick reading gives what encoding/json gives, and knows every name.
func TestFormsAreKnown(t *testing.T) {
	f := newForms()
	rapid.Check(t, func(r *rapid.T) {
		d := decision.Line{Facts: &commission.Facts{}}
		fill(r, reflect.ValueOf(&d).Elem())
		if d.Facts == nil {
			d.Facts = &commission.Facts{}
		}
		body, err := decision.Encode(d)
		if err != nil {
			r.Fatal(err)
		}
		var facts commission.Facts
		if !f.facts(body, &facts) {
			r.Fatalf("past_form.go does not know what is stored here (encoding/json reads it, slowly): %q", f.raw[min(f.at, len(f.raw)):])
		}
		same(r, "the facts", facts, d.Facts)

		var s decision.State
		fill(r, reflect.ValueOf(&s).Elem())
		text, err := decision.Encode(s)
		if err != nil {
			r.Fatal(err)
		}
		var l PastLine
		if !f.row(text, &l) {
			r.Fatalf("past_form.go does not know what is stored here (encoding/json reads it, slowly): %q", f.raw[min(f.at, len(f.raw)):])
		}
		same(r, "a row's state", []any{l.Basis, l.Held, l.category}, []any{s.Basis, s.Held, s.Margin.Category})
		if len(s.Events) > 0 {
			same(r, "the events", l.Events, s.Events)
		}
	})
}

// What it does not know it says, and never reads on for ever or past the end.
func FuzzForms(f *testing.F) {
	f.Add(`{"facts":{"v":2,"sku":"KETTLE","touches":[{"source":"token","click":-12345678901234567890}],"ends":[1,2],"policy":{}}}`, `{"b":{"c":1},"h":{"months":{"2026-03":5}},"m":{"k":"A > B"}}`)
	f.Add(`{"facts":{"touches":[`, `{"b":{"c":1`)
	f.Add(`{"facts":{"unheard_of":1}}`, `{"b":{"c":1.5},"e":[{"t":"line.shipped","a":3}]}`)
	f.Fuzz(func(t *testing.T, body, state string) {
		forms := newForms()
		var facts commission.Facts
		if forms.facts(body, &facts) {
			var d decision.Line
			if err := json.Unmarshal([]byte(body), &d); err == nil && d.Facts != nil && d.Facts.SKU != facts.SKU {
				t.Errorf("%q is read as %q, and is %q", body, facts.SKU, d.Facts.SKU)
			}
		}
		var l PastLine
		forms.row(state, &l)
	})
}
