.PHONY: build demo test test-unit test-real test-long bench lint fmt clean

build: ## the binary, bin/kedroctl
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/kedroctl ./cmd/kedroctl

demo: build ## the example project through all eight steps, without an AWS account
	scripts/demo

test: test-unit test-real ## all tests; installs and starts what they need

test-unit: lint ## needs Go alone
	go test ./...

test-real: ## real Kedro, Docker, moto
	scripts/test-real

test-long: ## Kedro 1.0 to the newest with Python 3.10 to 3.13; the newest Docker Engine of Debian
	scripts/test-long

bench: ## kedroctl beside its peers, measured in the same run
	scripts/bench

lint:
	@test -z "$$(gofmt -l cmd build provision run internal templates)" || { gofmt -l cmd build provision run internal templates; echo "run make fmt"; exit 1; }
	go vet ./... && go vet -tags real ./...

fmt:
	gofmt -w cmd build provision run internal templates

clean: ## removes what build and demo made
	bin/kedroctl --local -C .demo/spaceflights local stop 2>/dev/null || true
	rm -rf bin .demo
