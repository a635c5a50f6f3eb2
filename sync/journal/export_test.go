package journal

import "maps"

// Fork returns a Verifier that has read the same entries and goes on alone, so that a test need not verify the same beginning for each
// of many changes behind it.
func (v *Verifier) Fork() *Verifier {
	out := *v
	out.lanes = maps.Clone(v.lanes)
	return &out
}
