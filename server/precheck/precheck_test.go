package precheck_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/bench/corpus"
	"github.com/rounds-sync/rounds/server/precheck"
)

// TestNeverSureOfWhatIsWrong draws messages of every request and of Mutation, valid and broken, and holds the verdict against protovalidate's.
func TestNeverSureOfWhatIsWrong(t *testing.T) {
	decides, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	c := precheck.New(decides)
	var types []protoreflect.MessageType
	for _, m := range []proto.Message{&roundsv1.Mutation{}, &roundsv1.ExchangeRequest{}, &roundsv1.WatchRequest{}, &roundsv1.EnrollRequest{},
		&roundsv1.RefreshRequest{}, &roundsv1.CreateNodeRequest{}, &roundsv1.CreateGrantRequest{}, &roundsv1.ListPeopleRequest{},
		&roundsv1.ListGrantsRequest{}, &roundsv1.RevokeDeviceRequest{}, &roundsv1.CreateEnrolmentCodeRequest{}} {
		types = append(types, m.ProtoReflect().Type())
	}
	const seed = 11
	d := drawer{rand.New(rand.NewPCG(seed, 1))}
	sure, wrong, n := 0, 0, 3000
	for i := range n {
		m := types[i%len(types)].New()
		d.fill(m, 4)
		valid := decides.Validate(m.Interface()) == nil
		says := c.Sure(m.Interface())
		if says && !valid {
			t.Fatalf("seed %d, message %d: surely valid, but protovalidate says %v\n%v", seed, i, decides.Validate(m.Interface()), m.Interface())
		}
		if says {
			sure++
		}
		if !valid {
			wrong++
		}
		if (c.Validate(m.Interface()) == nil) != valid {
			t.Fatalf("seed %d, message %d: another verdict than protovalidate's", seed, i)
		}
	}
	if sure < n/50 || wrong < n/10 {
		t.Errorf("of %d messages %d were surely valid and %d wrong: the draw proves too little", n, sure, wrong)
	}
}

// TestSureOfWhatDevicesSend: what the engine sees all day takes the quick way.
func TestSureOfWhatDevicesSend(t *testing.T) {
	c := precheck.New(protovalidate.GlobalValidator)
	from := corpus.New(1, 1)
	for range 200 {
		m := creation(from)
		if !c.Sure(m) {
			t.Fatalf("not sure of %v", m)
		}
		m.GetEdit().GetRecord().GetTicket().ContactPhone = strings.Repeat("1", 65)
		if c.Sure(m) {
			t.Fatal("sure of a phone number of 65 bytes")
		}
	}
	start := &roundsv1.Mutation{RecordId: from.ID(), Clock: &roundsv1.Clock{}, Act: &roundsv1.Mutation_Command{Command: &roundsv1.Command{
		Command: &roundsv1.Command_Ticket{Ticket: &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_SubmitCompletion{
			SubmitCompletion: &roundsv1.TicketSubmit{Round: 1}}}}}}}
	if !c.Sure(start) {
		t.Error("not sure of a command")
	}
	if !c.Sure(&roundsv1.ExchangeRequest{Clock: &roundsv1.Clock{}, Lanes: []*roundsv1.LaneBatch{{Scope: "site/x", Mutations: [][]byte{{1}}}}}) {
		t.Error("not sure of a request")
	}
}

func creation(from *corpus.Corpus) *roundsv1.Mutation {
	return &roundsv1.Mutation{RecordId: from.ID(), Clock: &roundsv1.Clock{WallUs: 1, BootId: "b"}, Act: &roundsv1.Mutation_Edit{
		Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: from.Ticket()}}}}}
}

// BenchmarkCreation compares the two ways on the creation of a ticket.
func BenchmarkCreation(b *testing.B) {
	from := corpus.New(1, 1)
	list := make([]*roundsv1.Mutation, 64)
	for i := range list {
		list[i] = creation(from)
	}
	for _, way := range []struct {
		name     string
		validate protovalidate.Validator
	}{{"precheck", precheck.New(protovalidate.GlobalValidator)}, {"protovalidate", protovalidate.GlobalValidator}} {
		b.Run(way.name, func(b *testing.B) {
			for _, m := range list { // both compile at the first sight
				if err := way.validate.Validate(m); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := way.validate.Validate(list[i%len(list)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// drawer fills messages with values that are right or wrong by chance.
type drawer struct{ *rand.Rand }

func (d drawer) fill(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() && (m.WhichOneof(o) != nil || d.IntN(o.Fields().Len()) > 0) {
			continue
		}
		if f.ContainingOneof() == nil && d.IntN(4) == 0 {
			continue
		}
		switch {
		case f.IsList():
			for range d.few() {
				if f.Message() != nil {
					if depth > 0 {
						d.fill(m.Mutable(f).List().AppendMutable().Message(), depth-1)
					}
				} else {
					m.Mutable(f).List().Append(d.scalar(f))
				}
			}
		case f.IsMap():
			for range d.few() {
				key := d.scalar(f.MapKey()).MapKey()
				if f.MapValue().Message() != nil {
					if depth > 0 {
						d.fill(m.Mutable(f).Map().Mutable(key).Message(), depth-1)
					}
				} else {
					m.Mutable(f).Map().Set(key, d.scalar(f.MapValue()))
				}
			}
		case f.Message() != nil:
			if depth > 0 {
				d.fill(m.Mutable(f).Message(), depth-1)
			}
		default:
			m.Set(f, d.scalar(f))
		}
	}
}

func (d drawer) few() int {
	if d.IntN(60) == 0 {
		return 300
	}
	return d.IntN(3)
}

func (d drawer) scalar(f protoreflect.FieldDescriptor) protoreflect.Value {
	wild := d.IntN(30) == 0
	switch f.Kind() {
	case protoreflect.StringKind:
		switch {
		case wild:
			return protoreflect.ValueOfString(strings.Repeat("语", 1+d.IntN(30_000)))
		case d.IntN(40) == 0:
			return protoreflect.ValueOfString("")
		}
		return protoreflect.ValueOfString("0199c0de-1234-7abc-8def-0123456789" + string("aAfF09zg"[d.IntN(8)]) + "b")
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(make([]byte, []int{0, 16, 31, 32, 32, 32, 64, 64, 9000}[d.IntN(9)]))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(d.IntN(13)))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(wild)
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64([]float64{0, 1, -1, 90, 180, 181, -200, math.NaN(), math.Inf(1)}[d.IntN(9)])
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32([]float32{0, 1, -1, float32(math.NaN())}[d.IntN(4)])
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(d.IntN(5)) - 1)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(d.IntN(1200)))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(d.Uint64N(5))
	default:
		return protoreflect.ValueOfInt64(int64(d.IntN(6)) - 1)
	}
}
