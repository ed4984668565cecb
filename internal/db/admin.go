package db

import "context"

// Admin runs one statement on a PostgreSQL server outside any transaction: making and dropping the databases of tests
// and benchmarks.
func Admin(ctx context.Context, address, statement string) error {
	d, err := openPostgres(ctx, address)
	if err != nil {
		return err
	}
	defer d.Close()
	_, err = d.pool.ExecContext(ctx, statement)
	return err
}

// Prepare has the engine read a statement without running it, for the test that checks every declared one.
func (d *DB) Prepare(ctx context.Context, s *Stmt) error {
	prepared, err := d.pool.PrepareContext(ctx, s.Text(d.engine))
	if err != nil {
		return err
	}
	return prepared.Close()
}
