package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"tributary/internal/accrual"
	"tributary/internal/fault"
	"tributary/internal/order"
	"tributary/internal/shopper"
)

// Limits of POST /v1/orders/events, as docs/integrate.md states them.
const (
	MaxBody   = 16 << 20 // bytes of a request
	MaxEvents = 10_000   // events of a request
	MaxEvent  = 512 << 10
)

// takeEvents reads a JSON array or NDJSON, books what is good and answers one result per event, in order. The body is
// read whole before anything is booked: beyond a limit nothing of it is taken.
func (s *server) takeEvents(w http.ResponseWriter, r *http.Request) {
	raws, array, err := ReadEvents(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		Problem(w, r, err)
		return
	}
	b := &batch{server: s, operator: tokenOf(r.Context()).Creator == 0, results: make([]accrual.Result, len(raws)), byMarket: map[uint16]*part{}}
	for i, raw := range raws {
		b.add(r, i, raw)
	}
	if err := b.take(r); err != nil && b.booked == 0 {
		Problem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	if array {
		encoder.Encode(b.results)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	for i := range b.results {
		encoder.Encode(b.results[i])
	}
}

// batch sorts a request's events by marketplace and puts the answers back in order.
type batch struct {
	*server
	operator bool
	results  []accrual.Result
	byMarket map[uint16]*part
	order    []uint16
	booked   int
}

type part struct {
	events []accrual.Incoming
	at     []int
}

func (b *batch) add(r *http.Request, i int, raw json.RawMessage) {
	e, err := order.Parse(raw)
	b.results[i] = accrual.Result{ID: clip(e.ID), Order: clip(e.Order)}
	if err == nil {
		m, known := b.marketplace(r.Context(), e.Market)
		if err = known; err == nil {
			err = e.Check(b.Clock.Now(), m.Currency, b.operator)
		}
		if err == nil {
			b.put(m.No, i, e)
			return
		}
	}
	f := fault.Of(err)
	b.results[i].Status, b.results[i].Reason, b.results[i].Detail = order.Refused, f.Kind.String(), f.Error()
}

func (b *batch) put(marketplace uint16, i int, e order.Event) {
	p := b.byMarket[marketplace]
	if p == nil {
		p = &part{}
		b.byMarket[marketplace] = p
		b.order = append(b.order, marketplace)
	}
	in := accrual.Incoming{Event: e, Hash: e.Hash()}
	if e.Placed != nil {
		in.Facts = shopper.Keyed(b.Ring, e.Placed.Shopper)
	}
	p.events, p.at = append(p.events, in), append(p.at, i)
}

func (b *batch) take(r *http.Request) error {
	var failed error
	for _, marketplace := range b.order {
		p := b.byMarket[marketplace]
		results, err := b.Accrual.Take(r.Context(), marketplace, p.events)
		b.booked += len(results)
		for i, at := range p.at {
			if i < len(results) {
				b.results[at] = results[i]
			} else {
				b.results[at].Status, b.results[at].Reason, b.results[at].Detail = "unavailable", "unavailable", fault.Of(err).Error()
			}
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// ReadEvents cuts a body into its events: a JSON array, or one JSON object a line. array tells which it was.
func ReadEvents(body io.Reader) (raws []json.RawMessage, array bool, err error) {
	reader := bufio.NewReaderSize(body, 64<<10)
	first, err := firstByte(reader)
	if err != nil {
		return nil, false, readFault(err)
	}
	if first != '[' {
		raws, err = readLines(reader)
		return raws, false, err
	}
	decoder := json.NewDecoder(reader)
	if _, err := decoder.Token(); err != nil {
		return nil, true, readFault(err)
	}
	for decoder.More() {
		if len(raws) == MaxEvents {
			return nil, true, errTooMany
		}
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return nil, true, readFault(err)
		}
		if len(raw) > MaxEvent {
			return nil, true, errTooLarge
		}
		raws = append(raws, raw)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, true, readFault(err)
	}
	if _, err := firstByte(bufio.NewReader(io.MultiReader(decoder.Buffered(), reader))); !errors.Is(err, io.EOF) {
		return nil, true, fault.Invalidf("", "something follows the array", "send one array, or one object a line")
	}
	return raws, true, nil
}

var (
	errTooMany  = fault.New(fault.Exhausted, "", "more than 10,000 events in one request; nothing of it was taken", "send them in several requests")
	errTooLarge = fault.New(fault.Exhausted, "", "an event is larger than 512 kB; nothing of the request was taken", "send an order's further lines as a second order.placed")
	errBody     = fault.New(fault.Exhausted, "", "the body is larger than 16 MB; nothing of it was taken", "send it in several requests")
)

func readLines(reader *bufio.Reader) ([]json.RawMessage, error) {
	scanner := bufio.NewScanner(reader)
	scanner.Buffer(nil, MaxEvent)
	var raws []json.RawMessage
	for scanner.Scan() {
		line := bytes.TrimSpace(scanner.Bytes())
		if len(line) == 0 {
			continue
		}
		if len(raws) == MaxEvents {
			return nil, errTooMany
		}
		raws = append(raws, bytes.Clone(line))
	}
	if errors.Is(scanner.Err(), bufio.ErrTooLong) {
		return nil, errTooLarge
	}
	if scanner.Err() != nil {
		return nil, readFault(scanner.Err())
	}
	return raws, nil
}

func firstByte(reader *bufio.Reader) (byte, error) {
	for {
		b, err := reader.ReadByte()
		if err != nil {
			return 0, err
		}
		if b != ' ' && b != '\n' && b != '\r' && b != '\t' {
			return b, reader.UnreadByte()
		}
	}
}

func readFault(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return errBody.Because(err)
	}
	if errors.Is(err, io.EOF) {
		return fault.Invalidf("", "the body is empty or ends in the middle", "send a JSON array of events, or one event a line").Because(err)
	}
	return fault.Invalidf("", "the body is not JSON; nothing of it was taken", "send a JSON array of events, or one event a line").Because(err)
}
