# Everything here can be run without make, too: the line under each name is all there is to it.
.DEFAULT_GOAL := help
.PHONY: help quick test race fuzz crash arrival-long model-long flips-long bench demo generate fmt postgres

help:      ## these lines
	@sed -n 's/^\([a-z-]*\): *## /  make \1	/p' Makefile | expand -t 20
quick:     ## formatting, vet, the house, short tests on SQLite: under 3 minutes
	@go run ./cmd/check quick
test:      ## everything a change must pass, on both engines; prints the time of each step
	@go run ./cmd/check
race:      ## the race detector on the rooms where goroutines meet
	@go run ./cmd/check race
postgres:  ## the tests of one package on PostgreSQL: make postgres P=./internal/ledger
	@go run ./cmd/check postgres go test -count=1 $(or $(P),./...)
fuzz:      ## long: every fuzz target for T each (T=1m)
	@go run ./cmd/check fuzz $(or $(T),1m)
crash:     ## long: 10,000 times kill -9 instead of the normal run's number
	CLICK_TEST_KILLS=10000 TRIBUTARY_KILLS=10000 go test -count=1 -timeout 24h -run Kill ./...
arrival-long: ## long: 1,000,000 permutations of what stores report: one hash of account -> balance
	TRIBUTARY_PERMUTATIONS=1000000 go test -count=1 -timeout 24h -run TestPermutations ./internal/accrual
model-long: ## long: the engine against the independent model, 10,000,000 lines (LINES=, SEED=)
	MODEL_LINES=$(or $(LINES),10000000) MODEL_SEED=$(or $(SEED),1) MODEL_TALES=20000 go test -v -count=1 -timeout 72h ./internal/model
flips-long: ## long: a damaged database 10,000 times: it does not open, the audit tells, or no figure changed (FLIPS=, SEED=)
	FLIPS=$(or $(FLIPS),10000) FLIPS_SEED=$(or $(SEED),$(shell date +%s)) go test -v -count=1 -timeout 24h -run TestFlips ./internal/audit
bench:     ## every figure, as ratios measured side by side; NAME=redirect for one
	@go run ./cmd/tributary bench $(NAME)
demo:      ## the product with months of history, at http://localhost:8080
	@go run ./cmd/tributary demo
generate:  ## pages from their templates, and whatever else is generated
	@go tool -modfile=tools/templ.mod templ generate && go generate ./...
fmt:       ## formats Go and templates
	@gofmt -w cmd internal && go tool -modfile=tools/templ.mod templ fmt .
