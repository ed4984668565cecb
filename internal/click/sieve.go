package click

import (
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/x-way/crawlerdetect"
)

// Verdict is the rule by which a click was filtered, or that none did.
type Verdict uint8

// The verdicts. The numbers are in every record: they never change. The last three are no clicks at all: they are
// answered like clicks and neither logged nor counted.
const (
	VerdictCounted      Verdict = 0
	VerdictDeclaredBot  Verdict = 1 // its user agent says so
	VerdictNoUserAgent  Verdict = 2 // no browser comes without one
	VerdictPaidAd       Verdict = 3 // paid traffic where policy lets it earn nothing
	VerdictUnknownTag   Verdict = 4
	VerdictNotActive    Verdict = 5 // the tag is known, its enrolment does not run
	VerdictTooMany      Verdict = 6 // more clicks from one address than people make
	VerdictDataCentre   Verdict = 7 // an address from which machines call
	VerdictNotAllowed   Verdict = 8 // a kind of link that policy does not allow the program
	VerdictHead         Verdict = 13
	VerdictPrefetch     Verdict = 14
	VerdictPreview      Verdict = 15
	verdictFirstNoClick         = VerdictHead
)

var verdictNames = [...]string{
	"counted", "declared_bot", "no_user_agent", "paid_ad", "unknown_tag", "enrolment_not_active", "too_many_clicks",
	"data_centre", "link_kind_not_allowed", "9", "10", "11", "12", "head_request", "prefetch", "link_preview",
}

// String gives the rule's stable name.
func (v Verdict) String() string { return nameOf(verdictNames[:], uint8(v)) }

// IsClick tells whether there was a click at all, counted or filtered.
func (v Verdict) IsClick() bool { return v < verdictFirstNoClick }

// Device is the class of device, as far as the user agent says it.
type Device uint8

// The classes of devices. The numbers are in every record: they never change.
const (
	DeviceOther   Device = 0
	DeviceDesktop Device = 1
	DevicePhone   Device = 2
	DeviceTablet  Device = 3
	DeviceBot     Device = 4
)

var deviceNames = [...]string{"other", "desktop", "phone", "tablet", "bot"}

// String gives the class's name.
func (d Device) String() string { return nameOf(deviceNames[:], uint8(d)) }

// Signs are what headers and method say about a request, beside its user agent.
type Signs uint8

// The signs.
const (
	SignHead     Signs = 1 << iota // a HEAD request: somebody checks the link
	SignPrefetch                   // fetched ahead by a browser, or for a preview: nobody has clicked yet
)

// ReadSigns looks at the method and at the headers in which browsers say that they fetch ahead; header gives the value
// of a header, empty where there is none.
func ReadSigns(method string, header func(name string) string) Signs {
	var signs Signs
	if method == "HEAD" {
		signs |= SignHead
	}
	for _, name := range [...]string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		if value := header(name); value != "" && fetchedAhead(value) {
			signs |= SignPrefetch
		}
	}
	return signs
}

// fetchedAhead reads `prefetch`, `prefetch;prerender`, `prerender`, `preview`.
func fetchedAhead(value string) bool {
	value = strings.ToLower(value)
	return strings.Contains(value, "prefetch") || strings.Contains(value, "prerender") || strings.Contains(value, "preview")
}

// Limits of the sieve.
const (
	// 65,536 verdicts of 8 bytes; a busy edge sees some thousands of user agents a day.
	sieveBits = 16
	// Longer ones are cut before they are matched: matching costs time for each byte.
	maxUserAgent = 512
	// How many may run the long matcher (0.3 ms each) at once. Whoever sends invented user agents by the thousand must
	// not take the processor from shoppers: beyond this the short list alone answers, and its answer is not kept.
	matchersAtOnce = 2
)

// Sieve judges requests and remembers its verdicts by a keyed hash of the user agent, in a table of fixed size without
// locks or pointers: a slot holds 56 bits of the hash and the verdict, and a newer user agent takes the slot of an older
// one. It is safe for use by many goroutines.
type Sieve struct {
	seed     maphash.Seed
	slots    []atomic.Uint64
	crawlers *crawlerdetect.CrawlerDetect
	matching chan struct{}
}

// NewSieve makes an empty sieve.
func NewSieve() *Sieve {
	return &Sieve{
		seed:     maphash.MakeSeed(),
		slots:    make([]atomic.Uint64, 1<<sieveBits),
		crawlers: crawlerdetect.New(),
		matching: make(chan struct{}, matchersAtOnce),
	}
}

// A slot's low byte: verdict, device, and that it is in use.
const (
	slotDevice = 4
	slotUsed   = 1 << 7
	slotMask   = 0xff
)

// Judge gives the verdict and the class of device of a request.
func (s *Sieve) Judge(userAgent string, signs Signs) (Verdict, Device) {
	verdict, device := s.agent(userAgent)
	switch {
	case verdict == VerdictPreview:
	case signs&SignHead != 0:
		verdict = VerdictHead
	case signs&SignPrefetch != 0:
		verdict = VerdictPrefetch
	}
	return verdict, device
}

func (s *Sieve) agent(userAgent string) (Verdict, Device) {
	hash := maphash.String(s.seed, userAgent)
	slot := &s.slots[hash>>(64-sieveBits)]
	if kept := slot.Load(); kept&slotUsed != 0 && kept&^slotMask == hash&^slotMask {
		return Verdict(kept & 0xf), Device(kept >> slotDevice & 0x7)
	}
	verdict, sure := s.match(userAgent)
	device := deviceOf(userAgent)
	if verdict != VerdictCounted {
		device = DeviceBot
	}
	if sure {
		slot.Store(hash&^slotMask | slotUsed | uint64(device)<<slotDevice | uint64(verdict))
	}
	return verdict, device
}

// match judges a user agent that is not remembered; sure is false where only the short list was asked.
func (s *Sieve) match(userAgent string) (verdict Verdict, sure bool) {
	userAgent = clipBytes(userAgent, maxUserAgent)
	text := strings.ToLower(userAgent)
	switch {
	case strings.TrimSpace(text) == "":
		return VerdictNoUserAgent, true
	case containsAny(text, previewers) || strings.HasPrefix(text, "whatsapp/"):
		return VerdictPreview, true
	case containsAny(strings.ReplaceAll(text, "cubot", ""), plainBots): // Cubot makes phones
		return VerdictDeclaredBot, true
	}
	select {
	case s.matching <- struct{}{}:
		defer func() { <-s.matching }()
	default:
		return VerdictCounted, false
	}
	if s.crawlers.IsCrawler(userAgent) {
		return VerdictDeclaredBot, true
	}
	return VerdictCounted, true
}

// previewers fetch a page to show a card of it in a chat or a post, long before anybody clicks. Apps whose own browser
// carries the app's name (Instagram, Pinterest, Snapchat, Line) are people and must not match.
var previewers = []string{
	"facebookexternalhit", "facebookcatalog", "facebot", "meta-externalfetcher", "slackbot", "slack-imgproxy",
	"twitterbot", "discordbot", "telegrambot", "linkedinbot", "skypeuripreview", "pinterestbot",
	"redditbot", "mastodon/", "cardyb", "vkshare", "iframely", "embedly", "kakaotalk-scrap", "line-poker",
	"microsoftpreview", "googlemessages", "viberbot", "snap url preview", "pinterest/0",
}

// plainBots is the short list: what most machines call themselves. It holds even while the long matcher is busy.
var plainBots = []string{
	"bot/", "+http", "crawler", "spider", "curl/", "wget/", "python-requests", "python-urllib", "aiohttp",
	"go-http-client", "okhttp", "java/", "libwww", "scrapy", "headlesschrome", "phantomjs", "axios/", "node-fetch",
	"httpclient", "postman",
}

func containsAny(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// deviceOf tells classes apart by the words that browsers put into their user agent for this very purpose.
func deviceOf(userAgent string) Device {
	text := strings.ToLower(clipBytes(userAgent, maxUserAgent))
	switch {
	case containsAny(text, []string{"smart-tv", "smarttv", "appletv", "googletv", "hbbtv", "crkey", "playstation", "xbox"}):
		return DeviceOther
	case containsAny(text, []string{"ipad", "tablet", "kindle", "silk/", "playbook"}):
		return DeviceTablet
	case containsAny(text, []string{"iphone", "ipod", "windows phone", "mobi"}):
		return DevicePhone
	case strings.Contains(text, "android"):
		return DeviceTablet // Android says *mobile* on phones only
	case containsAny(text, []string{"windows nt", "macintosh", "x11;", "cros ", "linux"}):
		return DeviceDesktop
	}
	return DeviceOther
}
