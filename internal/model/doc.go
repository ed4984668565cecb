// Package model holds the rules of docs/spec.md §2, §5, §6, §7 and §10 written a second time, as simply as possible, and
// the tests that hold the engine against them. It has no code of its own: everything stands in its tests.
//
// What must always hold: the model shares no code with the engine, and knows nothing but the standard library; it loops
// over everything and remembers nothing that it can work out again; where it and the engine differ, docs/spec.md decides.
package model
