package api

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"tributary/internal/accrual"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
)

func (s *server) describeClicks(d huma.API) {
	huma.Register(d, huma.Operation{Method: "POST", Path: "/v1/clicks/invalid", OperationID: "invalidate-clicks",
		Security: []map[string][]string{{"token": {}}},
		Summary:  "Find clicks or views invalid after they were answered: what rested on them is decided again"},
		s.invalidateClicks)
}

type invalidInput struct {
	Body struct {
		Marketplace string   `json:"marketplace" maxLength:"16"`
		Clicks      []string `json:"clicks" minItems:"1" maxItems:"500" doc:"ids (ck_…), or tokens as orders carry them"`
		Rule        string   `json:"rule" doc:"the code of the rule, such as click_farm"`
		Evidence    string   `json:"evidence" maxLength:"2000" doc:"what was found, for the explanation and for an appeal"`
	}
}

type invalidOutput struct {
	Body struct {
		Clicks int `json:"clicks" doc:"how many different clicks were named"`
		Lines  int `json:"lines" doc:"how many lines of orders were decided again; none for those found invalid before"`
	}
}

var ruleForm = regexp.MustCompile(`^[a-z][a-z0-9_]{2,39}$`)

// invalidateClicks takes all the clicks or none. Lines of which a closed month holds part stay as they are (§6).
func (s *server) invalidateClicks(ctx context.Context, in *invalidInput) (*invalidOutput, error) {
	m, err := s.marketplace(ctx, in.Body.Marketplace)
	if err != nil {
		return nil, problem(err)
	}
	evidence := strings.TrimSpace(in.Body.Evidence)
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
	switch {
	case !ruleForm.MatchString(in.Body.Rule):
		return nil, problem(fault.Invalidf("rule", "is not the code of a rule",
			"send 3 to 40 small letters, digits and _, such as click_farm"))
	case evidence == "" || strings.ContainsFunc(evidence, control):
		return nil, problem(fault.Invalidf("evidence", "is empty, or holds control characters",
			"say what was found, in words"))
	}
	out := &invalidOutput{}
	verdicts := make([]accrual.ClickVerdict, 0, len(in.Body.Clicks))
	named := make(map[int64]bool, len(in.Body.Clicks))
	for i, text := range in.Body.Clicks {
		click, err := s.clickNamed(m, fmt.Sprintf("clicks[%d]", i), text)
		if err != nil {
			return nil, problem(err)
		}
		if !named[click] {
			named[click] = true
			verdicts = append(verdicts, accrual.ClickVerdict{Click: click, Rule: in.Body.Rule, Evidence: evidence})
		}
	}
	if out.Body.Lines, err = s.Accrual.Invalidate(ctx, m.No, verdicts); err != nil {
		return nil, problem(err)
	}
	out.Body.Clicks = len(verdicts)
	return out, nil
}

// clickNamed reads a click's id, or opens its token.
func (s *server) clickNamed(m market.Market, field, text string) (int64, error) {
	if strings.HasPrefix(text, id.Click) {
		click, err := id.Parse(field, id.Click, text)
		if err == nil && click == 0 {
			err = fault.Invalidf(field, "names no click", "send an id, or a token")
		}
		return int64(click), err
	}
	token, err := s.sealer.Open(text)
	switch {
	case err != nil:
		return 0, fault.Invalidf(field, "is neither the id of a click nor a token of this installation",
			"send ck_ and 13 letters or digits, or the token as an order carried it")
	case token.Market != m.No:
		return 0, fault.Invalidf(field, "is a click of another marketplace", "send the clicks of one marketplace at once")
	}
	return token.Click, nil
}
