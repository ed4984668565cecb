package ui

import (
	"strings"

	"tributary/internal/admission"
	"tributary/internal/enrolment"
)

// standingReasons say why an enrolment came to stand where it does, to creators and staff alike.
var standingReasons = map[string]string{
	admission.ReasonSentForm: "an application was sent", admission.ReasonProof: "a site was proved", admission.ReasonReview: "a person decided",
	admission.ReasonWaiting: "a person looks at a connected account", admission.ReasonGate: "what it asks for was there",
	enrolment.ReasonSales: "enough qualifying sales", admission.ReasonWish: "at the creator's own wish",
}

// StandingReason writes the reasons that a standing carries: codes with spaces between them.
func StandingReason(codes string) string {
	var words []string
	for _, code := range strings.Fields(codes) {
		text, ok := standingReasons[code]
		if !ok {
			text = admission.ReasonText(code)
		}
		words = append(words, text)
	}
	return Capital(strings.Join(words, "; "))
}
