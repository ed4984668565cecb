package model

// Where the engine does not yet do what docs/spec.md says, the model or the teller goes along with it, so that other
// differences show. Each of these goes when the engine is right.
const (
	// monthsStay: what could not be booked in its own month stays in the one in which it was posted, until something
	// happens to the line (§10). The engine lays months out with every decision, also where another line of the order was
	// added or lapsed, and moves it on to the present month: once the clock has moved, months are compared by their sums.
	monthsStay = false
	// learnsFacts: payment and device of an order under a creator's own customer account become the creator's facts, for
	// what comes in later. That depends on the order of arrival (§6).
	learnsFacts = false
)
