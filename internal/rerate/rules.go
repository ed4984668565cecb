package rerate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"tributary/internal/fault"
	"tributary/internal/policy"
)

// Rules are the numbers of a policy that a draft replaces; what is nil stays as it was when each line was decided. Numbers
// on which no line's amount depends (months, notices, bounties, adjustments) are not among them.
type Rules struct {
	SessionHours *int           `json:"session_hours,omitempty"`
	CartDays     *int           `json:"cart_days,omitempty"`
	LapseDays    *int           `json:"lapse_days,omitempty"`
	AwaitPayment *bool          `json:"await_payment,omitempty"`
	PaidEarns    *bool          `json:"paid_earns,omitempty"`
	ResaleUnits  *int           `json:"resale_units,omitempty"`
	ResaleDays   *int           `json:"resale_days,omitempty"`
	BusinessOut  *bool          `json:"business_out,omitempty"`
	ViewSeconds  *int           `json:"view_seconds,omitempty"`
	ViewScope    *policy.Scope  `json:"view_scope,omitempty"`
	CouponsFirst *bool          `json:"coupons_first,omitempty"`
	RateAt       *policy.RateAt `json:"rate_at,omitempty"`
}

// maxRules bounds the text of rules: far more than all of them take.
const maxRules = 4096

// Names of the rules, for whoever writes them.
const ruleNames = "session_hours, cart_days, lapse_days, await_payment, paid_earns, resale_units, resale_days, business_out, " +
	"view_seconds, view_scope, coupons_first, rate_at"

// Apply gives a policy with the rules in place of its own.
func (r Rules) Apply(p policy.Policy) policy.Policy {
	set(&p.SessionHours, r.SessionHours)
	set(&p.CartDays, r.CartDays)
	set(&p.LapseDays, r.LapseDays)
	set(&p.AwaitPayment, r.AwaitPayment)
	set(&p.PaidEarns, r.PaidEarns)
	set(&p.ResaleUnits, r.ResaleUnits)
	set(&p.ResaleDays, r.ResaleDays)
	set(&p.BusinessOut, r.BusinessOut)
	set(&p.ViewSeconds, r.ViewSeconds)
	set(&p.ViewScope, r.ViewScope)
	set(&p.CouponsFirst, r.CouponsFirst)
	set(&p.RateAt, r.RateAt)
	return p
}

func set[T any](at, by *T) {
	if by != nil {
		*at = *by
	}
}

// Check refuses numbers with which the rules make no sense.
func (r Rules) Check() error { return r.Apply(policy.Shipped()).Check() }

// ParseRules reads rules as people write them, "session_hours=48, coupons_first=yes", or as a JSON object. Empty: none.
func ParseRules(text string) (Rules, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxRules {
		return Rules{}, fault.Invalidf("policy", "is longer than %d characters", "name each number once", maxRules)
	}
	if text == "" {
		return Rules{}, nil
	}
	if text[0] == '{' {
		return readRules([]byte(text))
	}
	object := map[string]json.RawMessage{}
	for part := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(part, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !found || name == "" || value == "" {
			return Rules{}, fault.Invalidf("policy", "%q is not a name and a value", "write session_hours=48",
				strings.TrimSpace(part))
		}
		if _, twice := object[name]; twice {
			return Rules{}, fault.Invalidf("policy."+name, "is there twice", "write it once")
		}
		object[name] = json.RawMessage(jsonOf(value))
	}
	raw, err := json.Marshal(object)
	if err != nil {
		return Rules{}, fault.Invalidf("policy", "cannot be read", "write session_hours=48, coupons_first=yes").Because(err)
	}
	return readRules(raw)
}

// jsonOf writes a value that people write as JSON: numbers as they are, yes and no, else a text.
func jsonOf(value string) []byte {
	switch value {
	case "yes", "on", "true":
		return []byte("true")
	case "no", "off", "false":
		return []byte("false")
	}
	if strings.Trim(value, "0123456789") == "" && (len(value) == 1 || value[0] != '0') {
		return []byte(value)
	}
	quoted, err := json.Marshal(value)
	if err != nil {
		panic(err) // a text marshals
	}
	return quoted
}

func readRules(raw []byte) (r Rules, err error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		var mistyped *json.UnmarshalTypeError
		if errors.As(err, &mistyped) {
			return Rules{}, fault.Invalidf("policy."+mistyped.Field, "is a %s",
				"write a whole number, or yes or no, as the rule asks",
				mistyped.Value).Because(err)
		}
		return Rules{}, fault.Invalidf("policy", "%s", "name only: "+ruleNames,
			strings.TrimPrefix(err.Error(), "json: ")).Because(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Rules{}, fault.Invalidf("policy", "goes on after its end", "send one JSON object")
	}
	return r, r.Check()
}

// Text writes rules as ParseRules reads them.
func (r Rules) Text() string {
	raw, err := json.Marshal(r)
	if err != nil {
		panic(err) // every field marshals
	}
	if string(raw) == "{}" {
		return ""
	}
	return string(raw)
}
