//go:build !race

package journal_test

const (
	bitStep      = 1
	bitStepAlone = 5
	pasts        = 4
)
