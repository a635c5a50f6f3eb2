package directory

import (
	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Family is a family of settings that some other part of the server reads.
type Family struct {
	// Known are its settings.
	Known []Known
	// Check returns what is wanted for each setting of the family that is not understood, by key. Settings of others are among those it is given.
	Check func(settings map[string]string) map[string]string
}

// Known is one setting that there is.
type Known struct {
	// Key; one that ends with ".*" stands for any code in that place.
	Key string
	// Default as it would be written.
	Default string
	// About says what it means and how it is written.
	About *roundsv1.Text
}
