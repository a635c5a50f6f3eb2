package server

import (
	"errors"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/sync/engine"
)

// placed gives the refusal of who has no right its field: the path, in the request, of what the right is not held over, as docs/bad-input.md tells. The
// parts of the server that refuse know a scope or a unit and not how the call came to name it, so that each would name it in its own way. Any other error
// is left as it is.
func placed(err error, request any) error {
	m, ok := request.(proto.Message)
	var ofEngine *engine.Error
	var ofAuth *auth.Error
	switch {
	case !ok || err == nil:
	case errors.As(err, &ofEngine) && ofEngine.Problem.GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT:
		return &engine.Error{Kind: ofEngine.Kind, Problem: placedIn(ofEngine.Problem, m), Cause: ofEngine.Cause}
	case errors.As(err, &ofAuth) && ofAuth.Problem.GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT:
		return refusal(codeOfProblem(ofAuth.Problem.GetCode()), placedIn(ofAuth.Problem, m))
	}
	return err
}

// placedIn is a copy of a problem with its field.
func placedIn(p *roundsv1.Problem, request proto.Message) *roundsv1.Problem {
	p = proto.CloneOf(p)
	p.Field = whereScope(request.ProtoReflect(), p.GetScope(), 1)
	if p.GetField() == "" {
		p.Field = whereUnit(request.ProtoReflect())
	}
	return p
}

// whereScope is the path of the first field "scope" or "scopes" with that scope, in a message or in those that it lists; "" where there is none.
func whereScope(m protoreflect.Message, scope string, depth int) string {
	if scope == "" {
		return ""
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		switch f := fields.Get(i); {
		case f.Name() == "scope" && f.Kind() == protoreflect.StringKind && !f.IsList() && m.Get(f).String() == scope:
			return "scope"
		case f.Name() == "scopes" && f.Kind() == protoreflect.StringKind && f.IsList():
			for j := range m.Get(f).List().Len() {
				if m.Get(f).List().Get(j).String() == scope {
					return "scopes[" + strconv.Itoa(j) + "]"
				}
			}
		case f.IsList() && f.Message() != nil && depth > 0:
			for j := range m.Get(f).List().Len() {
				if inner := whereScope(m.Get(f).List().Get(j).Message(), scope, depth-1); inner != "" {
					return string(f.Name()) + "[" + strconv.Itoa(j) + "]." + inner
				}
			}
		}
	}
	return ""
}

// whereUnit is the field that names the unit, grant, code, person or device that a right is asked over; "" where the request names none, for then it is what
// is done that the right is missing for.
func whereUnit(m protoreflect.Message) string {
	names := []protoreflect.Name{"node_id", "grant_id", "code_id", "person_id", "device_id"}
	switch m.Interface().(type) {
	case *roundsv1.CreateNodeRequest: // its own id names nothing yet
		names = []protoreflect.Name{"parent_id"}
	case *roundsv1.CreatePersonRequest:
		names = []protoreflect.Name{"home_node_id"}
	}
	for _, name := range names {
		if f := m.Descriptor().Fields().ByName(name); f != nil && f.Kind() == protoreflect.StringKind && m.Get(f).String() != "" {
			return string(name)
		}
	}
	return ""
}
