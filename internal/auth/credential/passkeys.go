package credential

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/webauthn"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Passkey is a passkey as its owner sees it.
type Passkey struct {
	ID      string
	Name    string
	Created time.Time
	Used    time.Time // zero where it never was
	Synced  bool      // it is kept by an account of the device's maker, and so survives the device
	Warned  time.Time // when it behaved like a copy; zero where it never did
}

const maxKeyName = 60 // characters

func checkKeyName(name string) error {
	bad := strings.TrimSpace(name) == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxKeyName ||
		strings.ContainsFunc(name, unicode.IsControl)
	if bad {
		return fault.Invalidf("name", "is empty, longer than %d characters or not plain text", "name the device, such as My phone",
			maxKeyName)
	}
	return nil
}

var (
	insertPasskey = db.Statement(`INSERT INTO passkey (id, principal, name, created, used, signs, warned, body)
		VALUES ($1, $2, $3, $4, 0, $5, 0, $6) ON CONFLICT (id) DO NOTHING`)
	// A counter that does not grow is that of a copy; authenticators without one always say 0.
	advancePasskey = db.Statement(`UPDATE passkey SET used = $3, signs = $4, body = $5
		WHERE id = $1 AND principal = $2 AND (signs < $4 OR signs = 0 AND $4 = 0)`)
	warnPasskey    = db.Statement(`UPDATE passkey SET warned = $3 WHERE id = $1 AND principal = $2`)
	selectPasskeys = db.Statement(`SELECT id, name, created, used, warned, body FROM passkey WHERE principal = $1
		ORDER BY created, id`)
	renamePasskey  = db.Statement(`UPDATE passkey SET name = $3 WHERE id = $1 AND principal = $2`)
	removePasskey  = db.Statement(`DELETE FROM passkey WHERE id = $1 AND principal = $2`)
	deletePasskeys = db.Statement(`DELETE FROM passkey WHERE principal = $1`)
)

func addPasskey(tx *db.Tx, principal id.ID, name string, key *webauthn.Credential, wall time.Time) (Passkey, error) {
	body, err := json.Marshal(key)
	if err != nil {
		return Passkey{}, fault.Wrap(err, "writing a passkey")
	}
	made, err := tx.Exec(insertPasskey, key.ID, int64(principal), strings.TrimSpace(name), wall.UnixMicro(),
		int64(key.Authenticator.SignCount), string(body))
	if err == nil && made == 0 {
		return Passkey{}, fault.New(fault.Conflict, "passkey", "is here already", "use it to sign in")
	}
	return Passkey{ID: keyID(key.ID), Name: strings.TrimSpace(name), Created: wall, Synced: key.Flags.BackupState},
		fault.Wrap(err, "adding a passkey")
}

// usePasskey notes a sign-in; copied tells that the counter did not grow, also where two come at the same moment.
func usePasskey(tx *db.Tx, principal id.ID, key *webauthn.Credential, wall time.Time) (copied bool, err error) {
	body, err := json.Marshal(key)
	if err != nil {
		return false, fault.Wrap(err, "writing a passkey")
	}
	// The library compares with the record that was read before; the statement does so with the one that is there now.
	if !key.Authenticator.CloneWarning {
		used, err := tx.Exec(advancePasskey, key.ID, int64(principal), wall.UnixMicro(), int64(key.Authenticator.SignCount),
			string(body))
		if err != nil || used == 1 {
			return false, fault.Wrap(err, "noting the use of a passkey")
		}
	}
	_, err = tx.Exec(warnPasskey, key.ID, int64(principal), wall.UnixMicro())
	return true, fault.Wrap(err, "noting a warning about a passkey")
}

// PasskeysOf lists somebody's passkeys, the oldest first.
func PasskeysOf(tx *db.Tx, principal id.ID) (all []Passkey, err error) {
	err = tx.Each(selectPasskeys, func(scan func(...any) error) error {
		var raw []byte
		var one Passkey
		var created, used, warned int64
		var body string
		if err := scan(&raw, &one.Name, &created, &used, &warned, &body); err != nil {
			return err
		}
		var key webauthn.Credential
		if err := json.Unmarshal([]byte(body), &key); err != nil {
			return err
		}
		one.ID, one.Synced = keyID(raw), key.Flags.BackupState
		one.Created, one.Used, one.Warned = time.UnixMicro(created).UTC(), instant(used), instant(warned)
		all = append(all, one)
		return nil
	}, int64(principal))
	return all, fault.Wrap(err, "reading passkeys")
}

// instant is a stored time; 0 is none.
func instant(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}

var noPasskey = fault.New(fault.NotFound, "passkey", "there is no such passkey", "look at the list anew")

// RenamePasskey changes what its owner calls it. NotFound where it is not theirs.
func RenamePasskey(tx *db.Tx, principal id.ID, passkey, name string) error {
	if err := checkKeyName(name); err != nil {
		return err
	}
	raw, err := readKeyID(passkey)
	if err != nil {
		return err
	}
	renamed, err := tx.Exec(renamePasskey, raw, int64(principal), strings.TrimSpace(name))
	if err == nil && renamed == 0 {
		return noPasskey
	}
	return fault.Wrap(err, "renaming a passkey")
}

// RemovePasskey takes one away. NotFound where it is not theirs; Conflict where it is the last way in.
func RemovePasskey(tx *db.Tx, principal id.ID, passkey string) error {
	raw, err := readKeyID(passkey)
	if err != nil {
		return err
	}
	// Removed first and looked at afterwards: two removals at once are each counted by the other (keepWay).
	removed, err := tx.Exec(removePasskey, raw, int64(principal))
	if err != nil {
		return fault.Wrap(err, "removing a passkey")
	}
	if removed == 0 {
		return noPasskey
	}
	return keepWay(tx, principal)
}
