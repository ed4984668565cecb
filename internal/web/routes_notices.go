package web

import (
	"tributary/internal/auth"
	"tributary/internal/web/notices"
)

// forMessages are the addresses of web/notices. Those of the mailbox are there in a sandbox only.
func (w *Web) forMessages() []route {
	n := w.notices
	return []route{
		{"GET /messages", somebody, n.Messages},
		{"POST /messages", somebody | anySeat, n.ReadAll},
		{"POST /messages/{message}", somebody | anySeat, n.Open},
		{"GET /messages/settings", somebody, n.Settings},
		{"POST /messages/settings", somebody | anySeat, n.SaveSettings},
		{"GET /unsubscribe", anybody, n.Unsubscribe},
		{"POST /unsubscribe", anybody, n.SwitchOff},
		{"GET /mailbox", anybody, n.Mailbox},
		{"GET /mailbox/{letter}", anybody, n.Letter},
		{"GET /mailbox/{letter}/html", anybody | unread, n.LetterHTML},
		{"GET /operator/templates", notices.Wordsmiths, n.Templates},
		{"GET /operator/templates/{event}", notices.Wordsmiths, n.Template},
		{"POST /operator/templates/{event}", notices.Wordsmiths, n.SaveTemplate},
		{"GET /operator/templates/{event}/letter", notices.Wordsmiths, n.TemplateLetter},
		{"GET /operator/mail", auth.Staff, n.Mail},
		{"POST /operator/mail", notices.Senders, n.Resend},
	}
}
