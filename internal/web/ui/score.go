package ui

// partLabels name the parts of a connected account's score.
var partLabels = map[string]string{"followers": "Followers", "engagement": "Reactions", "rhythm": "Rhythm", "last_post": "Newest post",
	"countries": "Countries"}

func partLabel(code string) string {
	if label, ok := partLabels[code]; ok {
		return label
	}
	return Capital(code)
}
