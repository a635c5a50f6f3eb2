package directory

import (
	"strconv"

	"github.com/google/uuid"

	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work/checklist"
)

// idOf is the id of what a code names: a UUIDv5 within the organisation, so that whoever imports the same table makes the same records. Site is the
// node of a site, empty for what the organisation shares. Again counts records of that code that were deleted before.
func idOf(root string, kind merge.Kind, site, code string, again int) string {
	name := string(kind) + "\x00" + site + "\x00" + code
	if again > 0 {
		name += "\x00" + strconv.Itoa(again)
	}
	return uuid.NewSHA1(space(root), []byte(name)).String()
}

// ChecklistID is the id of one version of a checklist: derived from the series and the version, so that a version is made once.
func ChecklistID(series string, version uint32) merge.RecordID {
	return checklist.RecordID(series, version)
}

// space is the name space of an id; of one that is no UUID, one made of its bytes.
func space(id string) uuid.UUID {
	u, err := uuid.Parse(id)
	if err != nil {
		return uuid.NewSHA1(uuid.NameSpaceOID, []byte(id))
	}
	return u
}
