package web

// forAccounts are the addresses of web/account.
func (w *Web) forAccounts() []route {
	return []route{}
}
