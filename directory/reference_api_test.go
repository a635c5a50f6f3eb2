package directory_test

import (
	"github.com/rounds-sync/rounds/directory"
	"github.com/rounds-sync/rounds/work"
)

var _ work.Reference = (*directory.Reference)(nil)
