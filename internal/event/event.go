// Package event is how things that happen reach those who watch: the outbox, which the money path numbers without gaps
// in each lane; the feed that every edge follows; and hints, which only say that a look is worth while.
//
// What must always hold: what is told is a row in the transaction that made it true; a hint carries no data and may be
// lost.
package event
