package child

// Room: no runtime. See doc.go for the laws of this file.

import "sync/atomic"

// load and store are compiled to single instructions; package sync/atomic is not linked in.

func load(p *uint32) uint32 { return atomic.LoadUint32(p) }

func store(p *uint32, v uint32) { atomic.StoreUint32(p, v) }
