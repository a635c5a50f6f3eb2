package merge

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// slot is the place of one register: a field, or one key of a keyed field. The zero key counts for a keyed field only.
type slot struct {
	f   *field
	key string
}

// value is what stands in a slot. Cleared and never set look the same, as in the messages themselves.
type value struct {
	v   protoreflect.Value
	set bool
}

// get reads the slot from a kind's message; msg may be nil.
func (s slot) get(msg protoreflect.Message) value {
	switch {
	case msg == nil:
		return value{}
	case s.f.fd == nil:
		raw := rawField(msg.GetUnknown(), s.f.num)
		return value{protoreflect.ValueOfBytes(raw), len(raw) > 0}
	case !msg.Has(s.f.fd):
		return value{}
	case !s.f.keyed:
		return value{msg.Get(s.f.fd), true}
	}
	v := msg.Get(s.f.fd).Map().Get(protoreflect.ValueOfString(s.key).MapKey())
	return value{v, v.IsValid()}
}

// put writes the slot into a kind's message that is ours. Lists and maps inside the message may be shared, and are replaced.
func (s slot) put(msg protoreflect.Message, val value) {
	switch {
	case s.f.fd == nil:
		var raw []byte
		if val.set {
			raw = val.v.Bytes()
		}
		msg.SetUnknown(replaceRaw(msg.GetUnknown(), s.f.num, raw))
	case s.f.keyed:
		own := copyMap(msg, s.f.fd)
		s.putKey(own, val)
		if own.Len() == 0 {
			msg.Clear(s.f.fd)
		}
	case val.set:
		msg.Set(s.f.fd, val.v)
	default:
		msg.Clear(s.f.fd)
	}
}

func (s slot) putKey(in protoreflect.Map, val value) {
	key := protoreflect.ValueOfString(s.key).MapKey()
	if val.set {
		in.Set(key, val.v)
	} else {
		in.Clear(key)
	}
}

// copyMap gives msg a map of its own in place of one that may be shared.
func copyMap(msg protoreflect.Message, fd protoreflect.FieldDescriptor) protoreflect.Map {
	own := msg.NewField(fd)
	if msg.Has(fd) {
		msg.Get(fd).Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			own.Map().Set(k, v)
			return true
		})
	}
	msg.Set(fd, own)
	return own.Map()
}

// equal tells whether two values of the slot are the same to the byte, so that one may stand for the other.
func (s slot) equal(a, b value) bool {
	if !a.set || !b.set {
		return a.set == b.set
	}
	fd := s.f.fd
	if s.f.keyed {
		fd = fd.MapValue()
	}
	switch {
	case fd == nil:
		return bytes.Equal(a.v.Bytes(), b.v.Bytes())
	case fd.IsList() || fd.IsMap():
		return bytes.Equal(s.encode(a), s.encode(b))
	case fd.Message() != nil:
		return sameMessage(a.v.Message(), b.v.Message())
	case fd.Kind() == protoreflect.FloatKind || fd.Kind() == protoreflect.DoubleKind:
		return math.Float64bits(a.v.Float()) == math.Float64bits(b.v.Float())
	}
	return a.v.Equal(b.v)
}

// same tells whether two values of the slot mean the same: what ANSWERS takes for one answer, else as equal.
func (s slot) same(a, b value) bool {
	if len(s.f.sameBy) == 0 || !a.set || !b.set {
		return s.equal(a, b)
	}
	left, right := a.v.Message(), b.v.Message()
	for _, fd := range s.f.sameBy {
		if left.Has(fd) != right.Has(fd) || !left.Get(fd).Equal(right.Get(fd)) {
			return false
		}
	}
	return true
}

// encode encodes a kind's message with nothing but the value.
func (s slot) encode(val value) []byte {
	own := s.f.typ.New()
	own.Set(s.f.fd, val.v)
	b, _ := encode(own) // an invalid string fails, too, when the whole record is encoded
	return b
}

func sameMessage(a, b protoreflect.Message) bool {
	if a == b {
		return true
	}
	left, errLeft := encode(a)
	right, errRight := encode(b)
	return errLeft == nil && errRight == nil && bytes.Equal(left, right)
}

// rank tells how high a value ranks by the field's policy, greater first.
func (s slot) rank(stamp *roundsv1.Stamp, val value) int64 {
	switch {
	case s.f.policy == roundsv1.MergePolicy_MERGE_POLICY_MAX:
		return number(s.f.fd, val)
	case s.f.rankBy != nil:
		if !val.set {
			return 0
		}
		return int64(soundRank(val.v.Message(), val.v.Message().Get(s.f.rankBy).Enum()))
	case s.f.ranks != nil:
		best := int64(0)
		for _, role := range stamp.GetRoles() {
			best = max(best, s.f.ranks[role])
		}
		return best
	}
	return 0
}

func number(fd protoreflect.FieldDescriptor, val value) int64 {
	switch v := val.v; {
	case !val.set:
		return 0
	case fd.Kind() == protoreflect.EnumKind:
		return int64(v.Enum())
	case fd.Kind() == protoreflect.Uint32Kind || fd.Kind() == protoreflect.Fixed32Kind:
		return int64(v.Uint())
	default:
		return v.Int()
	}
}

// earliestFirst tells which of two equally ranked values is shown.
func (f *field) earliestFirst() bool {
	switch f.policy {
	case roundsv1.MergePolicy_MERGE_POLICY_ASK, roundsv1.MergePolicy_MERGE_POLICY_FIXED, roundsv1.MergePolicy_MERGE_POLICY_ANSWERS:
		return true
	}
	return false
}

// survivor is a value that stands in a slot.
type survivor struct {
	write  int // index of its write; -1 for the one that is being made
	stamp  *roundsv1.Stamp
	val    value
	beside bool // it stands beside the shown one
	rank   int64
}

// order sorts survivors as the policy shows them, the shown one first. The order is total, and does not depend on seqs but where one
// device wrote twice at one time, which lanes do not.
func (s slot) order(all []survivor) {
	earliest := s.f.earliestFirst()
	for i := range all {
		all[i].rank = s.rank(all[i].stamp, all[i].val)
	}
	slices.SortFunc(all, func(a, b survivor) int {
		if a.rank != b.rank {
			return cmp.Compare(b.rank, a.rank)
		}
		if earliest {
			return compareTime(a.stamp, b.stamp)
		}
		return compareTime(b.stamp, a.stamp)
	})
}

// compareTime orders stamps by effective time, then device, then seq.
func compareTime(a, b *roundsv1.Stamp) int {
	return cmp.Or(
		cmp.Compare(a.GetTimeUs(), b.GetTimeUs()),
		strings.Compare(a.GetDeviceId(), b.GetDeviceId()),
		cmp.Compare(a.GetSeq(), b.GetSeq()))
}

// encode encodes a message: the same for equal messages within one build. Marshal makes the canonical encoding of it.
func encode(msg protoreflect.Message) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(msg.Interface())
}

// roughestFix is the greatest radius of a fix that counts as one, metres.
const roughestFix = 30

// soundRank is the rank of a value that names it in a field of its own. A fix that may be further off than a fix is allowed to be says no more than none: it does not
// stand before a place that somebody chose.
func soundRank(value protoreflect.Message, rank protoreflect.EnumNumber) protoreflect.EnumNumber {
	at, ok := value.Interface().(*roundsv1.Location)
	if ok && at.GetSource() == roundsv1.LocationSource_LOCATION_SOURCE_GPS && at.GetAccuracyM() > roughestFix {
		return roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX.Number()
	}
	return rank
}
