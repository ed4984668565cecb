package click

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

const (
	chromeDesktop = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
	iphone        = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)

func TestSieve(t *testing.T) {
	sieve := NewSieve()
	for _, row := range []struct {
		agent   string
		verdict Verdict
		device  Device
	}{
		{chromeDesktop, VerdictCounted, DeviceDesktop},
		{iphone, VerdictCounted, DevicePhone},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) Gecko/20100101 Firefox/127.0", VerdictCounted, DeviceDesktop},
		{"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", VerdictCounted, DeviceDesktop},
		{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", VerdictCounted, DeviceDesktop},
		{"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1", VerdictCounted, DeviceTablet},
		{"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", VerdictCounted, DevicePhone},
		{"Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", VerdictCounted, DeviceTablet},
		{"Mozilla/5.0 (Linux; Android 10; CUBOT X30) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", VerdictCounted, DevicePhone},
		{"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) Version/6.0 TV Safari/537.36", VerdictCounted, DeviceOther},
		// Apps with a browser of their own are people.
		{iphone + " Instagram 337.0.0.0 (iPhone14,5; iOS 17_5; en_US)", VerdictCounted, DevicePhone},
		{iphone + " [Pinterest/iOS]", VerdictCounted, DevicePhone},
		{iphone + " [FBAN/FBIOS;FBAV/468.0]", VerdictCounted, DevicePhone},
		{"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", VerdictDeclaredBot, DeviceBot},
		{"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", VerdictDeclaredBot, DeviceBot},
		{"curl/8.5.0", VerdictDeclaredBot, DeviceBot},
		{"python-requests/2.31.0", VerdictDeclaredBot, DeviceBot},
		{"Scrapy/2.11.2 (+https://scrapy.org)", VerdictDeclaredBot, DeviceBot},
		{"Mozilla/5.0 (compatible; heritrix/3.4)", VerdictDeclaredBot, DeviceBot}, // known to the long matcher alone
		{"", VerdictNoUserAgent, DeviceBot},
		{"   ", VerdictNoUserAgent, DeviceBot},
		{"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", VerdictPreview, DeviceBot},
		{"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", VerdictPreview, DeviceBot},
		{"Twitterbot/1.0", VerdictPreview, DeviceBot},
		{"WhatsApp/2.23.20.0", VerdictPreview, DeviceBot},
		{"Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", VerdictPreview, DeviceBot},
		{"TelegramBot (like TwitterBot)", VerdictPreview, DeviceBot},
		{"LinkedInBot/1.0 (compatible; Mozilla/5.0)", VerdictPreview, DeviceBot},
	} {
		for _, look := range []string{"first", "remembered"} {
			if verdict, device := sieve.Judge(row.agent, 0); verdict != row.verdict || device != row.device {
				t.Errorf("%s, %s: %s, %s; want %s, %s", row.agent, look, verdict, device, row.verdict, row.device)
			}
		}
	}
}

func TestWhatIsNoClick(t *testing.T) {
	sieve := NewSieve()
	for _, row := range []struct {
		method, header, value string
		verdict               Verdict
	}{
		{"GET", "", "", VerdictCounted},
		{"GET", "Sec-Purpose", "prefetch", VerdictPrefetch},
		{"GET", "Sec-Purpose", "prefetch;prerender", VerdictPrefetch},
		{"GET", "Purpose", "Prefetch", VerdictPrefetch},
		{"GET", "X-Purpose", "preview", VerdictPrefetch},
		{"GET", "X-Moz", "prefetch", VerdictPrefetch},
		{"GET", "Purpose", "click", VerdictCounted},
		{"HEAD", "", "", VerdictHead},
		{"HEAD", "Purpose", "prefetch", VerdictHead},
	} {
		signs := ReadSigns(row.method, func(name string) string {
			if name == row.header {
				return row.value
			}
			return ""
		})
		verdict, device := sieve.Judge(chromeDesktop, signs)
		if verdict != row.verdict || device != DeviceDesktop || verdict.IsClick() != (row.verdict == VerdictCounted) {
			t.Errorf("%s %s: %s gives %s, %s", row.method, row.header, row.value, verdict, device)
		}
	}
	if !VerdictDeclaredBot.IsClick() || VerdictPreview.IsClick() {
		t.Error("a bot's click is filtered, a preview is none")
	}
}

// While the long matcher is busy the short list answers, and nothing is remembered that was not looked up.
func TestInventedUserAgentsDoNotQueue(t *testing.T) {
	sieve := NewSieve()
	for range matchersAtOnce {
		sieve.matching <- struct{}{}
	}
	if verdict, _ := sieve.Judge("Googlebot/2.1", 0); verdict != VerdictDeclaredBot {
		t.Errorf("a plain bot while busy: %s", verdict)
	}
	const heritrix = "Mozilla/5.0 (compatible; heritrix/3.4)"
	if verdict, _ := sieve.Judge(heritrix, 0); verdict != VerdictCounted {
		t.Errorf("an unknown one while busy: %s", verdict)
	}
	<-sieve.matching
	if verdict, _ := sieve.Judge(heritrix, 0); verdict != VerdictDeclaredBot {
		t.Errorf("the same one later: %s", verdict)
	}
}

func TestSieveFromManyGoroutines(t *testing.T) {
	sieve := NewSieve()
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range 200 {
				agent := fmt.Sprintf("%s build %d", chromeDesktop, i)
				if verdict, device := sieve.Judge(agent, 0); verdict != VerdictCounted || device != DeviceDesktop {
					t.Errorf("worker %d: %s, %s", worker, verdict, device)
				}
			}
		}()
	}
	wait.Wait()
}

func FuzzJudge(f *testing.F) {
	sieve := NewSieve()
	f.Add(chromeDesktop)
	f.Add(strings.Repeat("bot", 1000))
	f.Add("\xff\x80")
	f.Fuzz(func(t *testing.T, agent string) {
		verdict, device := sieve.Judge(agent, 0)
		if verdict.String() == "" || device > DeviceBot {
			t.Errorf("%s, %d", verdict, device)
		}
		if again, same := sieve.Judge(agent, 0); again != verdict || same != device {
			t.Errorf("%q: first %s, then %s", agent, verdict, again)
		}
		if utf8.ValidString(agent) && !utf8.ValidString(clipBytes(agent, maxUserAgent)) {
			t.Error("cut within a character")
		}
	})
}

func BenchmarkJudge(b *testing.B) {
	b.Run("seen", func(b *testing.B) {
		sieve := NewSieve()
		b.ReportAllocs()
		for b.Loop() {
			sieve.Judge(chromeDesktop, 0)
		}
	})
	b.Run("new", func(b *testing.B) {
		sieve := NewSieve()
		for i := 0; b.Loop(); i++ {
			sieve.Judge(fmt.Sprintf("%s %d", chromeDesktop, i), 0)
		}
	})
}
