package credential

import "strings"

// What people choose when they must choose: a guesser's first tries. A password that comes to one of these once its digits and
// signs at both ends are gone, and signs in place of letters are read as letters, is refused.
var commonWords = set(`
password passwort passwd motdepasse contrasena contraseña senha parola haslo salasana wachtwoord lösenord adgangskode
letmein letmeinnow welcome willkommen bienvenue welcomeback changeme changeit changemenow default administrator admin
root guest login logmein signin secret geheim topsecret access account master superman batman spiderman pokemon starwars
iloveyou iloveu ilovegod loveme lovely sunshine princess princesa angel babygirl family forever friends football
fussball baseball basketball soccer hockey monkey dragon shadow michael jordan jessica ashley nicole daniel charlie
thomas andrew matthew computer internet samsung google facebook instagram youtube tiktok whatever trustno freedom
blink cheese cookie pepper chocolate butterfly flower summer winter spring autumn sommer january february march april
may june july august september october november december monday friday hello hellothere helloworld test testing tester
testtest temp temporary qwerty qwertz azerty qwertyuiop qwertzuiop azertyuiop asdfgh asdfghjkl zxcvbnm abcdef abcdefg
creator influencer associate associates marketplace tributary harbour shopping mypassword yourpassword thepassword
passwordpassword nopassword newpassword oldpassword companyname correcthorsebatterystaple`)

// rows are what fingers run along; a password that is a piece of one, either way, is refused.
var rows = []string{
	"abcdefghijklmnopqrstuvwxyzabcdefghijklm", "01234567890123456789012345678901234567890", "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
	"qwertyuiopasdfghjklzxcvbnmqwertyuiop", "qwertzuiopasdfghjklyxcvbnmqwertzuiop", "azertyuiopqsdfghjklmwxcvbnazertyuiop",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "!@#$%^&*()_+", "qazwsxedcrfvtgbyhnujmikolp",
	"1234567890qwertyuiopasdfghjklzxcvbnm", "qwerty1234567890", "abc1234567890", "a1b2c3d4e5f6g7h8i9j0",
}

func set(words string) map[string]bool {
	all := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		all[word] = true
	}
	return all
}

// spelled reads signs that stand for letters.
var spelled = strings.NewReplacer("@", "a", "4", "a", "3", "e", "1", "i", "!", "i", "0", "o", "$", "s", "5", "s", "7", "t", "+", "t", "8", "b")

// common tells whether a guesser would try it early. password is in small letters.
func common(password string) bool {
	for _, row := range rows {
		if strings.Contains(row, password) || strings.Contains(reversed(row), password) {
			return true
		}
	}
	core := strings.TrimFunc(password, func(r rune) bool { return r < 'a' && r != '@' && r != '$' })
	core = once(spelled.Replace(core))
	core = strings.Trim(core, " .-_@$")
	return commonWords[core] || commonWords[once(strings.NewReplacer(" ", "", "-", "", "_", "", ".", "").Replace(core))]
}

// once is the piece that a text repeats: pass for passpass.
func once(text string) string {
	for size := 1; size <= len(text)/2; size++ {
		if len(text)%size == 0 && strings.Repeat(text[:size], len(text)/size) == text {
			return text[:size]
		}
	}
	return text
}

func reversed(text string) string {
	out := []byte(text) // rows are ASCII
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}
