// Package house holds the test that keeps the repository as ARCHITECTURE.md describes it: who may import whom, who may
// read the time, open a database or serve HTTP, and how large things may grow. It has no code of its own; a rule that
// must change is changed in ARCHITECTURE.md, or beside the named limit in the test, and reviewed there.
package house
