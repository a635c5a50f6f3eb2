package merge

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Redact returns a record without any value of some fields: what is shown, what stands beside it, and which elements there were; whatever their policy is,
// also FIXED. Who wrote them is forgotten; that they changed is remembered under the stamp, so that Delta takes it to the devices. The fields are then
// as if nobody had written them, but that a FIXED one stays refused to who has seen the record. Current is returned itself where nothing of them was
// ever written, and where the record is deleted or nil; it is never modified.
func Redact(current *roundsv1.Change, fields []FieldNumber, stamp *roundsv1.Stamp) *roundsv1.Change {
	if current == nil || current.GetDeleted() {
		return current
	}
	others := func(f FieldNumber) bool { return !slices.Contains(fields, f) }
	var touched fieldSet
	writes := make([]*roundsv1.Write, 0, len(current.GetWrites())+1)
	for _, w := range current.GetWrites() {
		eachName(w, func(f FieldNumber) {
			if !others(f) {
				touched.add(f)
			}
		})
		if part := restrictWrite(w, others); part != nil {
			writes = append(writes, part)
		}
	}
	if touched.isEmpty() {
		return current
	}
	after := &roundsv1.Change{
		RecordId: current.GetRecordId(),
		Version:  stamp.GetSeq(),
		Record:   restrictRecord(current.GetRecord(), others),
		Writes:   insertWrite(writes, &roundsv1.Write{Stamp: stamp, Touched: touched.sorted()}),
		TimeUs:   max(current.GetTimeUs(), stamp.GetTimeUs()),
		Evicted:  current.GetEvicted(),
		Entered:  current.GetEntered(),
	}
	if raw := current.ProtoReflect().GetUnknown(); len(raw) > 0 {
		after.ProtoReflect().SetUnknown(raw)
	}
	return after
}
