// Package oidc lets people sign in with an account elsewhere by OpenID Connect: the staff with the operator's directory, a
// shop's customers with their store account.
//
// What must always hold: state, nonce and PKCE verifier are made here, work once, and for the browser that asked; accounts
// are never tied together by an address that nobody verified; roles come from the operator's configuration alone.
//
// It owns no session and no page.
package oidc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"tributary/internal/auth"
	"tributary/internal/fault"
)

// Audience says who signs in with a provider.
type Audience string

// The audiences.
const (
	ForStaff    Audience = "staff"
	ForCreators Audience = "creators"
)

// Config is one provider, as the operator's file says it.
type Config struct {
	Name       string   `json:"name"`               // on the button: "Continue with Harbour Market"
	Issuer     string   `json:"issuer"`             // https; http on this machine only
	Hosts      []string `json:"hosts"`              // further addresses that its discovery document may name
	ClientID   string   `json:"client_id"`          // as the provider registered us
	SecretFile string   `json:"client_secret_file"` // beside the file, where it is no absolute path
	For        Audience `json:"for"`
	Scopes     []string `json:"scopes"`       // beyond openid, email and profile
	GroupClaim string   `json:"groups_claim"` // "groups" where it is left out
	// Roles gives a member of a group a role, for staff. Of several roles a person has the first of auth.Everybody.
	Roles    map[string]auth.Role `json:"roles"`
	Customer string               `json:"customer_claim"` // the claim that holds the id of the store's customer, for creators
}

// Limits of the file: an installation has a directory and a few stores.
const (
	maxFile      = 256 << 10
	maxSecret    = 4 << 10
	maxProviders = 20
	maxText      = 500
	maxRoles     = 200
)

// Read reads the providers' file and checks every one of them.
func Read(path string) ([]Config, error) {
	text, err := bounded(path, maxFile)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var all []Config
	if err := decoder.Decode(&all); err != nil {
		return nil, fault.Invalidf("providers", "are not a list of providers: %v", "write [{\"name\": …, \"issuer\": …}]", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fault.Invalidf("providers", "are followed by something else", "leave one list in the file")
	}
	if len(all) > maxProviders {
		return nil, fault.Invalidf("providers", "are more than %d", "leave some out", maxProviders)
	}
	keys := map[string]bool{}
	for i := range all {
		if err := all[i].check(); err != nil {
			return nil, at(fmt.Sprintf("providers[%d].", i), err)
		}
		if keys[all[i].Key()] {
			return nil, fault.Invalidf(fmt.Sprintf("providers[%d].name", i), "is that of another one", "give each a name of its own")
		}
		keys[all[i].Key()] = true
		if !filepath.IsAbs(all[i].SecretFile) {
			all[i].SecretFile = filepath.Join(filepath.Dir(path), all[i].SecretFile)
		}
	}
	return all, nil
}

// at puts where a fault was found before its field.
func at(place string, err error) error {
	f := *fault.Of(err)
	f.Field = place + f.Field
	return &f
}

// Secret reads the client's secret from its file.
func (c Config) Secret() (string, error) {
	text, err := bounded(c.SecretFile, maxSecret)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", fault.Invalidf("client_secret_file", "is empty", "put the secret into it")
	}
	return secret, nil
}

// bounded reads a small file of the operator's.
func bounded(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fault.New(fault.Invalid, "file", "cannot be opened: "+filepath.Base(path), "check its path and its mode").Because(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, fault.Wrap(err, "reading "+filepath.Base(path))
	}
	if int64(len(text)) > most {
		return nil, fault.New(fault.Exhausted, "file", fmt.Sprintf("is larger than %d kB", most>>10), "check that it is the right one")
	}
	return text, nil
}

// Addresses are those that a client of the provider must be able to reach.
func (c Config) Addresses() []string { return append([]string{c.Issuer}, c.Hosts...) }

var notInKeys = regexp.MustCompile(`[^a-z0-9]+`)

// Key is the name as a part of an address.
func (c Config) Key() string {
	return strings.Trim(notInKeys.ReplaceAllString(strings.ToLower(c.Name), "-"), "-")
}

func (c *Config) check() error {
	if c.GroupClaim == "" {
		c.GroupClaim = "groups"
	}
	for field, text := range map[string]string{"name": c.Name, "client_id": c.ClientID, "client_secret_file": c.SecretFile} {
		if strings.TrimSpace(text) != text || text == "" || len(text) > maxText {
			return fault.Invalidf(field, "is missing, longer than %d bytes, or has spaces around it", "write it", maxText)
		}
	}
	if c.Key() == "" {
		return fault.Invalidf("name", "has no letter or digit", "write one as it should stand on the button")
	}
	for i, address := range c.Addresses() {
		field := "issuer"
		if i > 0 {
			field = fmt.Sprintf("hosts[%d]", i-1)
		}
		if err := checkAddress(field, address); err != nil {
			return err
		}
	}
	switch {
	case c.For == ForStaff && len(c.Roles) == 0:
		return fault.Invalidf("roles", "are missing", "say which group has which role: {\"tributary-admins\": \"admin\"}")
	case c.For == ForStaff && c.Customer != "":
		return fault.Invalidf("customer_claim", "is for creators", "leave it out")
	case c.For == ForCreators && len(c.Roles) > 0:
		return fault.Invalidf("roles", "are for staff", "leave them out: a store's customers become creators")
	case c.For != ForStaff && c.For != ForCreators:
		return fault.Invalidf("for", "is not an audience", "write staff or creators")
	case len(c.Roles) > maxRoles || len(c.Scopes) > maxProviders || len(c.Hosts) > maxProviders:
		return fault.Invalidf("roles", "or scopes or hosts are too many", "leave some out")
	}
	for group, role := range c.Roles {
		if group == "" || !auth.Staff.Has(role) {
			return fault.Invalidf("roles", "give %q what is no role of staff", "write admin, reviewer, finance, support or auditor", group)
		}
	}
	return nil
}

// checkAddress takes https, and http on this machine: codes and tokens travel there.
func checkAddress(field, text string) error {
	target, err := url.Parse(text)
	host := ""
	if err == nil {
		host = target.Hostname()
	}
	here := host == "localhost" || host == "127.0.0.1" || host == "::1" || strings.HasSuffix(host, ".localhost")
	good := err == nil && host != "" && target.User == nil && target.RawQuery == "" && target.Fragment == "" && len(text) <= maxText
	if !good || (target.Scheme != "https" && (target.Scheme != "http" || !here)) {
		return fault.Invalidf(field, "is not an https address", "write it as https://login.example")
	}
	return nil
}
