// Package credential is how somebody proves who they are: passkeys first, a password with a second factor otherwise, codes
// that are mailed, and limits on guessing.
//
// What must always hold: nothing that opens a door is stored as it is; comparisons take the same time whatever they compare;
// a code works once; guessing is slowed down per account and per address, and locks nobody out for good; an answer never
// tells whether an address is known; somebody who signs in keeps a way to do so.
//
// Hashing a password takes a twentieth of a second and 64 MB, so it is never done inside a transaction: PreparePassword and
// PreparePIN come before it, CheckPassword, CheckOwnPassword and CheckPIN run transactions of their own.
//
// It owns no session and no page.
package credential
