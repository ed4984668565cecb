package api

// For tests of what callers send.
var (
	ReadPlace  = readPlace
	WritePlace = writePlace
)
