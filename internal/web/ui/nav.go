package ui

// CreatorNav is the navigation of a creator's pages: the same on each, whichever door they stand behind.
var CreatorNav = []Item{
	{Label: "Home", Href: "/creator", Icon: "home"},
	{Label: "Links", Href: "/creator/links", Icon: "links"},
	{Label: "Earnings", Href: "/creator/earnings", Icon: "earnings"},
	{Label: "Rates", Href: "/creator/rates", Icon: "rates"},
	{Label: "Programs", Href: "/creator/programs", Icon: "queue"},
}
