ENTRY := github.com/gobwrap/gobwrap/sandbox/child.entry
build: ## build bin/gobwrap
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w -buildid= -E $(ENTRY)" -o bin/gobwrap ./cmd/gobwrap
