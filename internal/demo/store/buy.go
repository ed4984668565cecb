package store

import (
	"encoding/json"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"

	"tributary/internal/demo/catalog"
	"tributary/internal/fault"
	"tributary/internal/product"
)

// basketLine is a line of a cart with the goods it names.
type basketLine struct {
	item     *catalog.Item
	quantity int64
}

func (l basketLine) amount() int64 { return l.item.Price * l.quantity }

// basket is what the visitor has in the cart and what a link suggests to put there.
type basket struct {
	lines     []basketLine
	suggested []basketLine
	subtotal  int64
}

// basket prices the cart as the goods are priced now; what is no longer sold falls out of sight.
func (v *visit) basket() (b basket) {
	for _, line := range v.cartLines() {
		if item := v.store.config.Catalog.Find(v.region.Market, line.SKU); item != nil {
			b.lines = append(b.lines, basketLine{item, line.Quantity})
			b.subtotal += item.Price * line.Quantity
		}
	}
	return b
}

// cart shows the cart. A link may suggest goods (`?add=SKU:2,SKU`); the shopper says whether they go in.
func (s *Store) cart(v *visit) error {
	b := v.basket()
	for suggestion := range strings.SplitSeq(v.r.URL.Query().Get("add"), ",") {
		sku, count, _ := strings.Cut(suggestion, ":")
		item := s.config.Catalog.Find(v.region.Market, strings.TrimSpace(sku))
		if item != nil && item.State == product.Available && len(b.suggested) < maxLines {
			b.suggested = append(b.suggested, basketLine{item, quantityOf(count)})
		}
	}
	f := v.frame("Your cart")
	for _, region := range f.regions {
		f.elsewhere[region.Market] = region.Prefix + "/cart"
	}
	return v.show(http.StatusOK, cartPage(f, b))
}

// quantityOf reads a number of units; what is none counts as one.
func quantityOf(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 1
	}
	return min(n, maxQuantity)
}

// addToCart adds units. The time at which a sku first entered the present cart stays: it decides, together with the click,
// whether the click brought the sale.
func (s *Store) addToCart(v *visit) error {
	skus, counts := v.r.Form["sku"], v.r.Form["quantity"]
	if len(skus) == 0 || len(skus) > maxLines {
		return fault.Invalidf("sku", "nothing was named", "choose a product first")
	}
	for _, sku := range skus {
		item := s.config.Catalog.Find(v.region.Market, sku)
		if item == nil || item.State != product.Available {
			return fault.New(fault.NotFound, "sku", "this product cannot be bought now", "choose another one")
		}
	}
	key, now := v.recognise(), s.config.Now()
	err := s.change(func(st *state) error {
		who := st.who(key)
		for i, sku := range skus {
			quantity := int64(1)
			if i < len(counts) {
				quantity = quantityOf(counts[i])
			}
			for _, line := range who.Carts[v.region.Market] {
				if line.SKU == sku {
					quantity += line.Quantity
				}
			}
			if err := who.put(v.region.Market, sku, quantity, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.moved("/cart")
}

// setInCart changes the units of a sku, or takes it out: then its time is forgotten with it.
func (s *Store) setInCart(v *visit) error {
	quantity, err := strconv.ParseInt(v.r.Form.Get("quantity"), 10, 64)
	if err != nil || quantity < 0 {
		return fault.Invalidf("quantity", "is not a number of units", "choose one from the list")
	}
	if v.visitor == "" {
		return v.moved("/cart")
	}
	now := s.config.Now()
	err = s.change(func(st *state) error {
		return st.who(v.visitor).put(v.region.Market, v.r.Form.Get("sku"), quantity, now)
	})
	if err != nil {
		return err
	}
	return v.moved("/cart")
}

// form is the checkout's, with what is wrong with each field.
type form struct {
	buyer  buyer
	errors map[string]string
}

// checkout asks where the goods go.
func (s *Store) checkout(v *visit) error {
	b := v.basket()
	if len(b.lines) == 0 {
		return v.moved("/cart")
	}
	filled := form{buyer: s.sampleBuyer(v.recognise(), v.region)}
	s.view(func(st *state) {
		if known := st.Visitors[v.visitor]; known != nil && known.Buyer.Name != "" {
			filled.buyer = known.Buyer
		}
	})
	return v.show(http.StatusOK, checkoutPage(v.frame("Checkout"), b, filled))
}

// sampleBuyer fills the form, so that trying the shop costs no typing. Each visitor is somebody else.
func (s *Store) sampleBuyer(key string, region Region) buyer {
	sample := buyer{Name: "Sam Porter", Email: "sam.porter+" + key[:6] + "@example.com",
		Address: "12 Cannery Row, Portland, ME 04101"}
	if region.Market == catalog.UK {
		sample.Address = "12 Rope Walk, Bristol BS1 6ZJ"
	}
	sample.Address = "Flat " + strings.ToUpper(key[6:9]) + ", " + sample.Address
	return sample
}

func (f *form) check() bool {
	f.errors = map[string]string{}
	if f.buyer.Name == "" || len(f.buyer.Name) > 100 {
		f.errors["name"] = "Write a name of up to 100 letters."
	}
	if address, err := mail.ParseAddress(f.buyer.Email); err != nil || address.Address != f.buyer.Email ||
		len(f.buyer.Email) > 200 {
		f.errors["email"] = "Write an e-mail address, such as sam@example.com."
	}
	if f.buyer.Address == "" || len(f.buyer.Address) > 300 {
		f.errors["address"] = "Write where the parcel should go."
	}
	return len(f.errors) == 0
}

// pay places the order. The sandbox is always paid.
func (s *Store) pay(v *visit) error {
	read := func(name string) string { return strings.TrimSpace(strings.ToValidUTF8(v.r.Form.Get(name), "")) }
	filled := form{buyer: buyer{Name: read("name"), Email: read("email"), Address: read("address")}}
	b := v.basket()
	if len(b.lines) == 0 {
		return v.moved("/orders") // sent twice: the first one took the cart
	}
	if !filled.check() {
		return v.show(http.StatusUnprocessableEntity, checkoutPage(v.frame("Checkout"), b, filled))
	}
	// Tokens from the script and those that the server kept: the platform decides which of them counts.
	tokens := slices.Concat(readTokens(v.r.Form.Get("tokens")), v.keptTokens())
	slices.Sort(tokens)
	placed := &order{ID: "HM-" + strings.ToUpper(randomName(8)), Market: v.region.Market,
		Visitor: v.recognise(), Buyer: filled.buyer}
	err := s.change(func(st *state) error { return s.place(st, placed, v.region, slices.Compact(tokens)) })
	if err != nil {
		return err
	}
	s.notify()
	return v.moved("/orders/" + placed.ID + "?thanks=1")
}

// place turns the cart into an order and the event about it.
func (s *Store) place(st *state, placed *order, region Region, tokens []string) error {
	who := st.who(placed.Visitor)
	placed.Placed = s.config.Now()
	told := placedOrder{ID: placed.ID, Currency: region.Currency, Shopper: shopper{
		Customer: "hm-" + placed.Visitor, Email: placed.Buyer.Email, Address: placed.Buyer.Address,
		Payment: "hm-pay-" + placed.Visitor, Device: "hm-dev-" + placed.Visitor, NewCustomer: !who.Ordered}}
	for i, line := range who.Carts[region.Market] {
		item := s.config.Catalog.Find(region.Market, line.SKU)
		if item == nil {
			continue // a snapshot of another version of the shop
		}
		kept := orderLine{ID: strconv.Itoa(i + 1), SKU: item.SKU, Title: item.Title, Quantity: line.Quantity,
			Amount: item.Price * line.Quantity, Digital: item.Digital}
		if item.Digital {
			kept.Shipped = kept.Quantity // delivered with the confirmation; the platform knows that of digital goods
		}
		placed.Lines = append(placed.Lines, kept)
		told.Lines = append(told.Lines, placedLine{ID: kept.ID, SKU: item.SKU, Quantity: line.Quantity,
			Amount: amount{kept.Amount, region.Currency}, Category: item.Category, Seller: item.Seller, Digital: item.Digital,
			Clicks: tokens, AddedAt: instant(line.Added)})
	}
	if len(placed.Lines) == 0 {
		return fault.New(fault.Conflict, "cart", "the cart is empty", "put something in first")
	}
	st.Orders = append(st.Orders, placed)
	who.Carts[region.Market], who.Ordered, who.Buyer = nil, true, placed.Buyer
	return st.tell(placed.ID, event{ID: eventID(placed.ID, "0", "placed", 0), Type: "order.placed", Market: region.Market,
		Occurred: instant(placed.Placed), Order: told})
}

// told is an event about an order, as the order's page shows it.
type told struct {
	report
	text string // the body, indented
	kind string // its type
}

// order shows one of the visitor's orders with the events about it: a demo, so the shopper may look behind the counter.
func (s *Store) order(v *visit) error {
	var found *order
	var events []told
	s.view(func(st *state) {
		if o := st.find(v.visitor, v.region.Market, v.r.PathValue("order")); o != nil {
			copied := *o
			copied.Lines = slices.Clone(o.Lines)
			found = &copied
			for _, r := range st.Reports {
				if r.Order == o.ID {
					events = append(events, show(*r))
				}
			}
		}
	})
	if found == nil {
		return fault.New(fault.NotFound, "", "you have no such order", "look at the list of your orders")
	}
	thanks := v.r.URL.Query().Has("thanks")
	title := "Order " + found.ID
	if thanks {
		title = "Thank you"
	}
	return v.show(http.StatusOK, orderPage(v.frame(title), found, events, thanks))
}

func show(r report) told {
	t := told{report: r, text: string(r.Body)}
	var e event
	if json.Unmarshal(r.Body, &e) == nil {
		t.kind = e.Type
	}
	var indented strings.Builder
	encoder := json.NewEncoder(&indented)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if encoder.Encode(r.Body) == nil {
		t.text = strings.TrimSpace(indented.String())
	}
	return t
}

// orders lists what the visitor ordered in this region, newest first.
func (s *Store) orders(v *visit) error {
	var mine []*order
	s.view(func(st *state) {
		for _, o := range slices.Backward(st.Orders) {
			if o.Visitor == v.visitor && o.Market == v.region.Market {
				copied := *o
				copied.Lines = slices.Clone(o.Lines)
				mine = append(mine, &copied)
			}
		}
	})
	return v.show(http.StatusOK, ordersPage(v.frame("Your orders"), mine))
}

// move plays the merchant: units of a line are shipped, come back, or are cancelled.
func (s *Store) move(v *visit) error {
	action, id := v.r.PathValue("action"), v.r.PathValue("order")
	units := quantityOf(v.r.Form.Get("units"))
	err := s.change(func(st *state) error {
		o := st.find(v.visitor, v.region.Market, id)
		if o == nil {
			return fault.New(fault.NotFound, "", "you have no such order", "look at the list of your orders")
		}
		at := slices.IndexFunc(o.Lines, func(l orderLine) bool { return l.ID == v.r.PathValue("line") })
		if at < 0 {
			return fault.New(fault.NotFound, "", "the order has no such line", "look at the order again")
		}
		line := &o.Lines[at]
		kind, count, err := line.move(action, units)
		if err != nil {
			return err
		}
		return st.tell(o.ID, event{ID: eventID(o.ID, line.ID, action, count), Type: kind, Market: o.Market,
			Occurred: instant(s.config.Now()), Order: o.ID, Line: line.ID, Quantity: units})
	})
	if err != nil {
		return err
	}
	s.notify()
	return v.moved("/orders/" + id)
}

// move changes a line and gives the event's type and how many units have now gone this way.
func (l *orderLine) move(action string, units int64) (kind string, count int64, err error) {
	tooMany := fault.New(fault.Conflict, "units", "the line does not have that many units to move", "look at the order again")
	switch action {
	case "ship":
		if units > l.open() {
			return "", 0, tooMany
		}
		l.Shipped += units
		return "line.shipped", l.Shipped, nil
	case "cancel":
		if units > l.open() {
			return "", 0, tooMany
		}
		l.Cancelled += units
		return "line.cancelled", l.Cancelled, nil
	case "return":
		if units > l.kept() {
			return "", 0, tooMany
		}
		l.Returned += units
		return "line.returned", l.Returned, nil
	}
	return "", 0, fault.New(fault.NotFound, "action", "there is no such step", "ship, return or cancel")
}
