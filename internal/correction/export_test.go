package correction

// PostRead posts a correction as somebody read it earlier.
var PostRead = post

// Book hands a correction to the money path without marking it, as a process does that ends in between.
var Book = Correction.book
