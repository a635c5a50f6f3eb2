package auth

import "log/slog"

const redacted = "[redacted]"

// Secret is text that must not reach a log. It prints and encodes as "[redacted]"; a conversion to string reveals it.
type Secret string

// String hides the secret.
func (Secret) String() string { return redacted }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return redacted }

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the secret from encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

var _ slog.LogValuer = Secret("")

// keyBytes is a private key or seed of the server.
type keyBytes []byte

func (keyBytes) String() string       { return redacted }
func (keyBytes) GoString() string     { return redacted }
func (keyBytes) LogValue() slog.Value { return slog.StringValue(redacted) }
