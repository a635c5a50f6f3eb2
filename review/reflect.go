package review

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// contentOf is the message of a record's kind; nil where it has none.
func contentOf(r *roundsv1.Record) protoreflect.Message {
	if field := kindField(r); field != nil {
		return r.ProtoReflect().Get(field).Message()
	}
	return nil
}

// kindField is the field of a record that is set; nil where none is.
func kindField(r *roundsv1.Record) protoreflect.FieldDescriptor {
	if r == nil {
		return nil
	}
	return r.ProtoReflect().WhichOneof(r.ProtoReflect().Descriptor().Oneofs().ByName("kind"))
}

// chosen is the name of the field that is set in a message's oneof; "" where none is.
func chosen(m protoreflect.Message, oneof protoreflect.Name) string {
	if !m.IsValid() {
		return ""
	}
	if field := m.WhichOneof(m.Descriptor().Oneofs().ByName(oneof)); field != nil {
		return string(field.Name())
	}
	return ""
}
