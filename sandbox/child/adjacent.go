package child

import (
	_ "github.com/gobwrap/gobwrap/idmap"
	_ "github.com/gobwrap/gobwrap/internal/plan"

	_ "github.com/gobwrap/gobwrap/internal/raw"
	_ "github.com/gobwrap/gobwrap/internal/step"

	_ "github.com/gobwrap/gobwrap/internal/cmdline"

	_ "github.com/gobwrap/gobwrap/internal/compile"

	_ "github.com/gobwrap/gobwrap/mounts/build"
)
