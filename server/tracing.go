package server

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/otelconnect"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// tracing sends the traces of calls where the standard variables of OpenTelemetry say. Without them it does nothing and costs nothing.
type tracing struct {
	interceptor connect.Interceptor // nil when off
	provider    *sdktrace.TracerProvider
}

// newTracing reads OTEL_TRACES_EXPORTER (otlp, console, none), OTEL_SDK_DISABLED and OTEL_EXPORTER_OTLP_ENDPOINT; how to reach a collector, sampling
// and the name of the service are read by OpenTelemetry itself.
func newTracing(ctx context.Context, log *slog.Logger) (*tracing, error) {
	kind := os.Getenv("OTEL_TRACES_EXPORTER")
	if kind == "" && (os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "") {
		kind = "otlp"
	}
	if os.Getenv("OTEL_SDK_DISABLED") == "true" {
		kind = "none"
	}
	var exporter sdktrace.SpanExporter
	var err error
	switch kind {
	case "", "none":
		return &tracing{}, nil
	case "otlp":
		exporter, err = otlptracehttp.New(ctx)
	case "console":
		exporter, err = stdouttrace.New(stdouttrace.WithWriter(os.Stderr))
	default:
		err = fmt.Errorf("OTEL_TRACES_EXPORTER: %q is none of otlp, console, none", kind)
	}
	if err != nil {
		return nil, err
	}
	about, err := resource.New(ctx, resource.WithFromEnv(), resource.WithTelemetrySDK(), resource.WithHost())
	if err != nil {
		log.Warn("parts of the description of this process are missing in traces", "error", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	interceptor, err := otelconnect.NewInterceptor(otelconnect.WithTracerProvider(provider), otelconnect.WithoutMetrics(),
		otelconnect.WithPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})),
		otelconnect.WithoutServerPeerAttributes())
	if err != nil {
		return nil, err
	}
	log.Info("traces are sent", "exporter", kind)
	return &tracing{interceptor: interceptor, provider: provider}, nil
}

// close sends what has not been sent.
func (t *tracing) close() error {
	if t == nil || t.provider == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return t.provider.Shutdown(ctx)
}
