package model

// Where the engine does not yet do what docs/spec.md says, the model or the teller goes along with it, so that other
// differences show. Each of these goes when the engine is right.
const (
	// lastBoundOnly: of the clicks that are bound to the signed-in customer the last counting one before the order is a
	// touch (§5). The engine offers all of them.
	lastBoundOnly = false
	// leftRounds: a line of which refunds leave so little that it rounds to nothing says so (§5: a line that earns nothing
	// says why). The engine names no reason.
	leftRounds = false
	// waitedInOrder: what waited is applied in the order of its acknowledgement (§6). The engine goes by the event's id
	// where two were acknowledged at one instant; the teller numbers events as they come in.
	waitedInOrder = false
	// oldTouches: an order ends sessions however long ago they began (§5.2). The engine looks back as far as carts and
	// resale reach, so that the reason of an older touch depends on what else is in the group.
	oldTouches = false
	// knownCategories: two products of unknown category are not of the same one (§5.5, §5.7). For the engine they are.
	knownCategories = false
	// cancelledFirst: of cancelled and returned the first that applies is told (§5). The engine says returned where any
	// money was given back.
	cancelledFirst = false
	// returnsByTime: of returns that are ahead of their shipment those that happened first count first, so that the order
	// of arrival does not matter (§6). The engine goes by the order of acknowledgement.
	returnsByTime = false
	// movedUnits: an order that turns out to be earlier counts for resale where it now stands, with all its lines (§5.8).
	// The engine adds only the lines that are new.
	movedUnits = false
	// learnsFacts: payment and device of an order under a creator's own customer account become the creator's facts, for
	// what comes in later. That depends on the order of arrival (§6).
	learnsFacts = false
)
