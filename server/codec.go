package server

import (
	"context"
	"fmt"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

// undecoded marks the messages that could not be decoded until their call comes to it. Connect answers such a message before any
// interceptor runs, and then without a Problem; so the codecs say that all is well and the first interceptor refuses. The mark is in the message
// itself: Connect may drop one without any interceptor seeing it, and what it said must go with it.
type undecoded struct{}

// noField is a tag of field number 0. Decoding refuses it, so among unknown fields it stands only where note has put it.
const noField = 0

// note empties a message and marks it with what was wrong.
func (*undecoded) note(message proto.Message, err error) {
	proto.Reset(message)
	message.ProtoReflect().SetUnknown(append(protoreflect.RawFields{noField}, err.Error()...))
}

func (*undecoded) check(message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return nil
	}
	if mark := m.ProtoReflect().GetUnknown(); len(mark) > 0 && mark[0] == noField {
		return malformed("The message cannot be decoded: " + string(mark[1:]))
	}
	return nil
}

// WrapUnary implements connect.Interceptor.
func (u *undecoded) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if err := u.check(req.Any()); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (u *undecoded) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor.
func (u *undecoded) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return next(ctx, &checkedConn{conn, u})
	}
}

var _ connect.Interceptor = (*undecoded)(nil)

type checkedConn struct {
	connect.StreamingHandlerConn
	undecoded *undecoded
}

// Receive implements connect.StreamingHandlerConn.
func (c *checkedConn) Receive(message any) error {
	if err := c.StreamingHandlerConn.Receive(message); err != nil {
		return err
	}
	return c.undecoded.check(message)
}

// binaryCodec is protobuf on the wire.
type binaryCodec struct{ undecoded *undecoded }

var _ connect.Codec = binaryCodec{}

// Name implements connect.Codec.
func (binaryCodec) Name() string { return "proto" }

// Marshal implements connect.Codec.
func (c binaryCodec) Marshal(message any) ([]byte, error) { return c.MarshalAppend(nil, message) }

// MarshalAppend lets Connect reuse its buffers.
func (binaryCodec) MarshalAppend(to []byte, message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is no message", message)
	}
	return proto.MarshalOptions{}.MarshalAppend(to, m)
}

// Unmarshal implements connect.Codec.
func (c binaryCodec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is no message", message)
	}
	if err := proto.Unmarshal(data, m); err != nil {
		c.undecoded.note(m, err)
	}
	return nil
}

// jsonCodec is protobuf's JSON on the wire. Fields that it does not know it passes over, as newer apps may send them.
type jsonCodec struct {
	name      string
	undecoded *undecoded
}

var _ connect.Codec = jsonCodec{}

// Name implements connect.Codec.
func (c jsonCodec) Name() string { return c.name }

// Marshal implements connect.Codec. The engine keeps changes encoded in its answers: for JSON they are decoded here.
func (c jsonCodec) Marshal(message any) ([]byte, error) {
	var err error
	switch m := message.(type) {
	case *roundsv1.ExchangeResponse:
		message, err = engine.Decoded(m)
	case *roundsv1.WatchResponse:
		message, err = engine.Decoded(m)
	}
	if err != nil {
		return nil, err
	}
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is no message", message)
	}
	return protojson.Marshal(m)
}

// Unmarshal implements connect.Codec.
func (c jsonCodec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is no message", message)
	}
	if len(data) == 0 {
		c.undecoded.note(m, fmt.Errorf("an empty body is no JSON"))
		return nil
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, m); err != nil {
		c.undecoded.note(m, err)
	}
	return nil
}

// codecs returns the codecs as an option for handlers.
func (u *undecoded) codecs() connect.HandlerOption {
	return connect.WithHandlerOptions(connect.WithCodec(binaryCodec{u}), connect.WithCodec(jsonCodec{"json", u}),
		connect.WithCodec(jsonCodec{"json; charset=utf-8", u}))
}
