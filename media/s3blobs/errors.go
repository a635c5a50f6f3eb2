package s3blobs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7"

	"github.com/rounds-sync/rounds/media"
)

// fail turns an error of a request into one of package media. The context is the caller's: the store's silence is not the caller's giving up.
func fail(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("s3blobs: %s: %w", doing, ended)
	}
	for _, known := range []error{media.ErrNotFound, media.ErrFull, media.ErrUnavailable, media.ErrInvalid, media.ErrClosed} {
		if errors.Is(err, known) {
			return err // wrapped once already
		}
	}
	var answer minio.ErrorResponse
	if errors.As(err, &answer) {
		// What the store says about itself is for the operator; who asked sees the kind.
		said := fmt.Errorf("%s (%d %s)", answer.Message, answer.StatusCode, answer.Code)
		if kind := kindOf(answer); kind != nil {
			return fmt.Errorf("s3blobs: %s: %w: %w", doing, kind, said)
		}
		return fmt.Errorf("s3blobs: %s: %w", doing, said)
	}
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err // without the URL: it says where, and might be signed
	}
	// No answer, half an answer, or none in time.
	return fmt.Errorf("s3blobs: %s: %w: %w", doing, media.ErrUnavailable, err)
}

// kindOf tells which error of package media an answer of the store is, or nil for none: a wrong key, a bucket that is not there.
func kindOf(answer minio.ErrorResponse) error {
	switch answer.Code {
	case minio.NoSuchKey, minio.NoSuchUpload:
		return media.ErrNotFound
	case "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded", "InsufficientStorage", "XMinioDiskFull":
		return media.ErrFull
	case "SlowDown", "SlowDownRead", "SlowDownWrite", "RequestTimeout", "RequestTimeoutException", "InternalError", "ServiceUnavailable", "IncompleteBody",
		"XMinioServerNotInitialized":
		return media.ErrUnavailable
	}
	switch {
	case answer.StatusCode == http.StatusInsufficientStorage:
		return media.ErrFull
	case answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode == http.StatusRequestTimeout, answer.StatusCode >= 500, answer.StatusCode == 0:
		return media.ErrUnavailable
	}
	return nil
}

// code is what the store called its error; "" for one that is not an answer.
func code(err error) string {
	var answer minio.ErrorResponse
	if errors.As(err, &answer) {
		return answer.Code
	}
	return ""
}

// gone tells whether the store answered that there is no such thing.
func gone(err error) bool {
	return errors.Is(err, media.ErrNotFound) || code(err) == minio.NoSuchKey || code(err) == minio.NoSuchUpload
}
