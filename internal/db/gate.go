package db

import (
	"context"
	"sync"

	"tributary/internal/fault"
)

// gate admits a number of writers, by class and then by arrival. On SQLite the number is one, so a shipment of clicks
// never stands before an order. Background work waits for all others; it is kept short by its own rule.
type gate struct {
	mu      sync.Mutex
	free    int
	waiting [classes][]chan struct{}
}

func newGate(width int) *gate { return &gate{free: width} }

func (g *gate) enter(ctx context.Context, class Class) error {
	g.mu.Lock()
	if g.free > 0 {
		g.free--
		g.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	g.waiting[class] = append(g.waiting[class], turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		g.withdraw(class, turn)
		return fault.New(fault.Unavailable, "", "the database is busy", "try again in a moment").Because(ctx.Err())
	}
}

// withdraw takes a waiter out again; one that was admitted at the same moment passes its turn on.
func (g *gate) withdraw(class Class, turn chan struct{}) {
	g.mu.Lock()
	for i, other := range g.waiting[class] {
		if other == turn {
			g.waiting[class] = append(g.waiting[class][:i], g.waiting[class][i+1:]...)
			g.mu.Unlock()
			return
		}
	}
	g.mu.Unlock()
	g.leave()
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for class := range g.waiting {
		if queue := g.waiting[class]; len(queue) > 0 {
			g.waiting[class] = queue[1:]
			close(queue[0])
			return
		}
	}
	g.free++
}

// Waiting is how many writers wait for their turn, over all classes.
func (d *DB) Waiting() int {
	d.gate.mu.Lock()
	defer d.gate.mu.Unlock()
	count := 0
	for _, queue := range d.gate.waiting {
		count += len(queue)
	}
	return count
}
