package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"connectrpc.com/connect"
)

// observer is the outermost interceptor: whatever comes out of a call becomes an error of Connect with a Problem here, is counted, and is logged
// where it is a fault of the server.
type observer struct {
	log     *slog.Logger
	metrics *metrics
	now     func() time.Time
}

var _ connect.Interceptor = (*observer)(nil)

// WrapUnary implements connect.Interceptor.
func (o *observer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		began := o.now()
		resp, err := next(ctx, req)
		if err = o.end(ctx, req.Spec(), began, placed(err, req.Any())); err != nil {
			return nil, err
		}
		return resp, nil
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (o *observer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor.
func (o *observer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		began := o.now()
		noted := &notedConn{StreamingHandlerConn: conn}
		err := next(ctx, noted)
		return o.end(ctx, conn.Spec(), began, placed(err, noted.request))
	}
}

// notedConn remembers what was asked.
type notedConn struct {
	connect.StreamingHandlerConn
	request any
}

// Receive implements connect.StreamingHandlerConn.
func (c *notedConn) Receive(message any) error {
	if c.request == nil { // Connect looks for a second one
		c.request = message
	}
	return c.StreamingHandlerConn.Receive(message)
}

func (o *observer) end(ctx context.Context, spec connect.Spec, began time.Time, err error) error {
	took := o.now().Sub(began)
	answer, fault := toConnect(err)
	code := "ok"
	if answer != nil {
		code = answer.Code().String()
	}
	o.metrics.ended(spec, code, took)
	if fault != nil {
		o.log.ErrorContext(ctx, "call failed", "procedure", spec.Procedure, "code", code, "request_id", requestID(ctx),
			"device_id", string(identityOf(ctx).Device), "error", fault)
	} else if o.log.Enabled(ctx, slog.LevelDebug) {
		o.log.DebugContext(ctx, "call", "procedure", spec.Procedure, "code", code, "request_id", requestID(ctx),
			"device_id", string(identityOf(ctx).Device), "took", took)
	}
	if answer == nil {
		return nil
	}
	return answer
}

// recovered makes an error of a panic.
func (o *observer) recovered(ctx context.Context, spec connect.Spec, _ http.Header, panicked any) error {
	return &fault{fmt.Errorf("panic in %s: %v\n%s", spec.Procedure, panicked, debug.Stack())}
}
