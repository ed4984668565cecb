package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/db"
)

// unshippedBytes is how much of the click log has not reached the database when the process is killed, at full scale.
const unshippedBytes = 1 << 30

// recovery notes how long it takes from a `kill -9` to the next answered redirect, with a log that has not been
// shipped: the process is started again at once, as by a supervisor.
func (o Options) recovery(ctx context.Context, report *Report) error {
	w, err := o.openWorld(ctx, 1, db.Options{})
	if err != nil {
		return err
	}
	written, err := w.fillLog(ctx, unshippedBytes/o.scale())
	if err = errors.Join(err, w.DB.Close()); err != nil {
		return errors.Join(err, w.drop())
	}
	times, err := w.killAndStart(ctx)
	name := fmt.Sprintf("kill -9 to the next redirect, %d MB of log unshipped", written>>20)
	report.Figures[name] = milliseconds(percentile(times, 0.5))
	return errors.Join(err, w.drop())
}

func (w *World) killAndStart(ctx context.Context) (times []time.Duration, err error) {
	s, err := w.startServer(ctx)
	for range rounds {
		if err != nil {
			return nil, err
		}
		begin := clock.Wall()
		if err = s.kill(); err == nil {
			s, err = w.startServer(ctx)
			times = append(times, clock.Since(begin))
		}
	}
	if err != nil {
		return nil, err
	}
	return times, s.kill()
}

// fillLog writes clicks until that many bytes are in the log, many at once so that they share its syncs.
func (w *World) fillLog(ctx context.Context, bytes int) (written int, err error) {
	log, err := click.OpenLog(w.clickFolder(), edgeNumber, click.Options{})
	if err != nil {
		return 0, err
	}
	one := click.Click{Token: w.clickOf(w.creators[0], w.Clock.Now()), Product: SKU(0), RefererHost: "blog.example", Sub: [5]string{"video"}}
	size := len(one.AppendRecord(nil))
	left := make(chan struct{}, bytes/size)
	for range cap(left) {
		left <- struct{}{}
	}
	close(left)
	const atOnce = 2048
	err = together(atOnce, func() error {
		mine := one
		for range left {
			mine.Click = click.NewID()
			if _, err := log.Append(ctx, &mine); err != nil {
				return err
			}
		}
		return nil
	})
	return cap(left) * size, errors.Join(err, log.Close())
}
