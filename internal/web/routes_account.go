package web

import (
	"tributary/internal/auth"
	"tributary/internal/auth/credential"
)

// forAccounts are the addresses of web/account.
func (w *Web) forAccounts() []route {
	a := w.account
	everyAccount := auth.Accounts
	return []route{
		{"GET /login", anybody, a.LoginPage},
		{"POST /login", anybody, a.Login},
		{"POST /login/mail", anybody, a.MailLink(credential.SignIn)},
		{"POST /login/passkey/begin", anybody, a.BeginPasskey},
		{"POST /login/passkey", anybody, a.LoginByPasskey},
		{"GET /login/second", anybody, a.SecondPage},
		{"POST /login/second", anybody, a.Second},
		{"POST /login/with/{provider}", anybody, a.Elsewhere},
		{"GET /login/with/{provider}/return", anybody, a.Return},
		{"POST /logout", anybody, a.Logout},
		{"GET /signup", anybody, a.SignupPage},
		{"POST /signup", anybody, a.Signup},
		{"GET /verify", anybody, a.VerifyPage},
		{"POST /verify", anybody, a.Verify},
		{"GET /recover", anybody, a.RecoverPage},
		{"POST /recover", anybody, a.MailLink(credential.Reset)},
		{"POST /recover/link", anybody, a.RecoverLink},
		{"GET /recover/new", anybody, a.RenewPage},
		{"POST /recover/new", anybody, a.Renew},
		{"GET /welcome", somebody, a.Welcome},

		{"GET /account", somebody, a.Profile},
		{"POST /account/name", somebody, a.SaveName},
		{"POST /account/email", somebody | fresh, a.SaveEmail},
		{"POST /account/profile", auth.Creators | owners | fresh, a.SaveProfile},
		{"POST /account/pin", auth.Creators | owners | fresh, a.SavePIN},
		{"GET /account/prove", somebody, a.ProvePage},
		{"POST /account/prove", somebody, a.Prove},
		{"POST /account/prove/mail", somebody, a.ProveByMail},
		{"POST /account/prove/passkey", somebody, a.ProveByPasskey},
		{"GET /account/security", somebody, a.Security},
		{"POST /account/passkeys/begin", somebody | fresh, a.BeginNewPasskey},
		{"POST /account/passkeys", somebody | fresh, a.NewPasskey},
		{"POST /account/passkeys/{passkey}/rename", somebody, a.RenamePasskey},
		{"POST /account/passkeys/{passkey}/remove", somebody | fresh, a.RemovePasskey},
		{"POST /account/password", somebody | fresh, a.Password},
		{"POST /account/password/end", somebody | fresh, a.EndPassword},
		{"POST /account/app", somebody | fresh, a.BeginApp},
		{"POST /account/app/confirm", somebody | fresh, a.ConfirmApp},
		{"POST /account/app/end", somebody | fresh, a.EndApp},
		{"POST /account/recovery", somebody | fresh, a.Recovery},
		{"POST /account/devices/{device}/end", somebody, a.EndDevice},
		{"POST /account/devices/end", somebody, a.EndDevices},
		{"POST /account/ties/end", somebody | fresh, a.Untie},
		{"GET /account/team", somebody, a.Team},
		{"POST /account/team/invite", everyAccount | owners | fresh, a.Invite},
		{"POST /account/team/invitations/{invitation}/cancel", everyAccount | owners, a.CancelInvite},
		{"POST /account/team/take", somebody, a.TakeInvite},
		{"POST /account/team/members/{member}", everyAccount | owners | fresh, a.SetSeat},
		{"POST /account/team/members/{member}/end", everyAccount | owners | fresh, a.EndSeat},
		{"POST /account/team/leave", everyAccount | anySeat, a.Leave},
		{"POST /account/team/agencies", auth.Creators | owners | fresh, a.Grant},
		{"POST /account/team/agencies/{agency}/end", auth.Creators | owners, a.EndGrant},
		{"POST /account/team/open", somebody, a.OpenTeam},
		{"POST /account/switch", somebody, a.Switch},
		{"GET /account/tokens", auth.Creators | auth.Of(auth.Admin), a.Tokens},
		{"POST /account/tokens", auth.Creators | auth.Of(auth.Admin) | owners | fresh, a.MakeToken},
		{"POST /account/tokens/{token}/revoke", auth.Creators | auth.Of(auth.Admin), a.RevokeToken},

		{"GET /operator/staff", auth.Of(auth.Admin), a.Staff},
		{"POST /operator/staff", auth.Of(auth.Admin) | fresh, a.AddStaff},
		{"POST /operator/staff/{person}/role", auth.Of(auth.Admin) | fresh, a.SetRole},
		{"POST /operator/staff/{person}/link", auth.Of(auth.Admin) | fresh, a.LinkStaff},
		{"POST /operator/staff/{person}/close", auth.Of(auth.Admin) | fresh, a.CloseStaff},
	}
}
