package model

// Where the engine does not yet do what docs/spec.md says, the model or the teller goes along with it, so that other
// differences show. Each of these goes when the engine is right.
const (
	// dropsUnpaid: an order that was paid only after the time in which it may be shipped is dropped (§5.9). The engine
	// still takes it for paid.
	dropsUnpaid = false
	// monthsStay: what could not be booked in its own month stays in the one in which it was posted, until something
	// happens to the line (§10). The engine lays months out anew also when something happens to another line of the order,
	// and moves it on to the present month.
	monthsStay = false
	// learnsFacts: payment and device of an order under a creator's own customer account become the creator's facts, for
	// what comes in later. That depends on the order of arrival (§6).
	learnsFacts = false
)
