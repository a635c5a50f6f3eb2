package checklist

import (
	"strconv"

	"github.com/google/uuid"

	"github.com/rounds-sync/rounds/sync/merge"
)

// RecordID is the id of the record of one version of a checklist: a UUIDv5 of the series and the version, so that a version is made once.
func RecordID(series string, version uint32) merge.RecordID {
	space, err := uuid.Parse(series)
	if err != nil {
		space = uuid.NewSHA1(uuid.NameSpaceOID, []byte(series))
	}
	return merge.RecordID(uuid.NewSHA1(space, []byte("checklist version "+strconv.FormatUint(uint64(version), 10))).String())
}
