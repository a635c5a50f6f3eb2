package client

import (
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// unreadable is the refusal of a message with a text that is not UTF-8, which no message can carry; nil where there is none.
func unreadable(m protoreflect.Message) error {
	path := badText(m)
	if path == "" {
		return nil
	}
	return refusal(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, path, "文字中有无法识别的字符（不是 UTF-8），请重新填写。",
		"This text has characters that nobody can read (it is not UTF-8): write it again.")
}

// badText is the path of a field whose text is not UTF-8; "" where there is none.
func badText(m protoreflect.Message) (path string) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		name := string(field.Name())
		look := func(of protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			switch {
			case of.Kind() == protoreflect.StringKind && !utf8.ValidString(v.String()):
				path = name
			case of.Message() != nil:
				if below := badText(v.Message()); below != "" {
					path = name + "." + below
				}
			}
			return path == ""
		}
		switch {
		case field.IsMap():
			value.Map().Range(func(key protoreflect.MapKey, v protoreflect.Value) bool {
				return look(field.MapKey(), key.Value()) && look(field.MapValue(), v)
			})
		case field.IsList():
			for i := range value.List().Len() {
				if !look(field, value.List().Get(i)) {
					break
				}
			}
		default:
			look(field, value)
		}
		return path == ""
	})
	return path
}
