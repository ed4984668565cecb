package model

// Where the engine does not yet do what docs/spec.md says, the model or the teller goes along with it, so that other
// differences show. Each of these goes when the engine is right.
const (
	// lapsesAlone: units of a line that lapse are nothing that happens to another line of the order, whose months stay as
	// they are (§10). The engine lays them out anew.
	lapsesAlone = false
	// learnsFacts: payment and device of an order under a creator's own customer account become the creator's facts, for
	// what comes in later. That depends on the order of arrival (§6).
	learnsFacts = false
)
