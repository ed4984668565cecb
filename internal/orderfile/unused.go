package orderfile

import (
	"encoding/csv"
	"errors"
	"os"
	"strconv"

	"tributary/internal/fault"
)

// WriteUnused writes rows that became nothing into a CSV file, for whoever mends the source. end tells whether all of it
// was written.
func WriteUnused(path string) (tell func(Unused), end func() error, err error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, nil, fault.New(fault.Invalid, "unused", "cannot be written",
			"name a file in a folder that may be written").Because(err)
	}
	out := csv.NewWriter(file)
	_ = out.Write([]string{"row", "invoice", "sku", "quantity", "reason", "units"}) // Error is asked at the end
	tell = func(u Unused) {
		units := ""
		if u.Units > 0 {
			units = strconv.FormatInt(u.Units, 10)
		}
		_ = out.Write([]string{strconv.FormatInt(u.Row.Number, 10), u.Row.Invoice, u.Row.SKU,
			strconv.FormatInt(u.Row.Quantity, 10), string(u.Reason), units})
	}
	return tell, func() error {
		out.Flush()
		return errors.Join(out.Error(), file.Close())
	}, nil
}
