package badgerstore

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/rounds-sync/rounds/sync/store"
)

// A backup is a line with the format's name, then records: 'S' and a scope, followed by 'K', a key and its value for each key of
// it; at the end 'E', the number of keys as a uvarint, and the CRC-32C (big-endian) of all bytes before it. Scopes, keys and
// values have their lengths before them as uvarints. It knows nothing of badger, and any store can load it.
const backupName = "rounds store backup 1\n"

// Backup writes all scopes as they are at one moment. Writing goes on beside it.
func (s *Store) Backup(ctx context.Context, to io.Writer) error {
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	at := s.snapshots.acquire()
	defer s.snapshots.release(at)
	txn := s.db.NewTransactionAt(uint64(at), false)
	defer txn.Discard()

	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	out := bufio.NewWriterSize(io.MultiWriter(to, sum), 256<<10)
	if _, err := out.WriteString(backupName); err != nil {
		return err
	}
	var count uint64
	var record []byte
	if err := each(txn, []byte{kindScope}, func(key, value []byte) error {
		sp, err := decodeSpace(value)
		if err != nil {
			return err
		}
		if _, err := out.Write(appendBytes([]byte{'S'}, key[1:])); err != nil {
			return err
		}
		return each(txn, appendDataKey(nil, sp, nil), func(key, value []byte) error {
			count++
			record = appendBytes(appendBytes(append(record[:0], 'K'), key[dataPrefix:]), value)
			if _, err := out.Write(record); err != nil {
				return err
			}
			return ctx.Err()
		})
	}); err != nil {
		return err
	}
	if _, err := out.Write(binary.AppendUvarint([]byte{'E'}, count)); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err := to.Write(sum.Sum(nil))
	return err
}

// ErrBackup is the answer to a backup that is damaged, cut off, or of an unknown format.
var ErrBackup = errors.New("badgerstore: the backup cannot be read")

// Load writes a backup into this store, which must be empty. After an error the store holds a part of it at most, and its
// directory is to be removed.
func (s *Store) Load(ctx context.Context, from io.Reader) error {
	scopes, err := s.Scopes(ctx)
	if err != nil {
		return err
	}
	if len(scopes) > 0 {
		return fmt.Errorf("badgerstore: a backup is loaded into an empty store only; %s holds %d scopes", s.cfg.Dir, len(scopes))
	}
	in := &backupReader{in: bufio.NewReaderSize(from, 256<<10), sum: crc32.New(crc32.MakeTable(crc32.Castagnoli))}
	name := make([]byte, len(backupName))
	if in.full(name); in.err == nil && string(name) != backupName {
		in.err = errors.New("it does not begin like one")
	}
	l := loader{store: s}
	for in.err == nil {
		switch kind := in.byte(); {
		case in.err != nil:
		case kind == 'S':
			if err := l.flush(ctx); err != nil {
				return err
			}
			l.scope = store.Scope(in.bytes(store.MaxScope))
		case kind == 'K':
			key, value := in.bytes(store.MaxKey), in.bytes(store.MaxValue)
			if in.err == nil {
				if err := l.add(ctx, key, value); err != nil {
					return err
				}
			}
		case kind == 'E':
			if n := in.uvarint(); in.err == nil && n != l.count {
				in.err = fmt.Errorf("it holds %d keys where it should hold %d", l.count, n)
			}
			if want := in.sum.Sum32(); in.err == nil && in.checksum() != want && in.err == nil {
				in.err = errors.New("its checksum is wrong")
			}
			if in.err == nil {
				return l.flush(ctx)
			}
		default:
			in.err = fmt.Errorf("a record of the unknown kind %q", kind)
		}
	}
	return fmt.Errorf("%w: %w", ErrBackup, in.err)
}

// loader gathers keys into transactions.
type loader struct {
	store *Store
	scope store.Scope
	batch []write
	bytes int
	count uint64
}

func (l *loader) add(ctx context.Context, key, value []byte) error {
	l.batch = append(l.batch, write{key: key, value: value})
	l.count++
	if l.bytes += len(key) + len(value); l.bytes < 1<<20 {
		return nil
	}
	return l.flush(ctx)
}

func (l *loader) flush(ctx context.Context) error {
	batch := l.batch
	l.batch, l.bytes = nil, 0
	if len(batch) == 0 {
		return nil
	}
	return l.store.Update(ctx, l.scope, func(w store.Writer) error {
		for _, one := range batch {
			if err := w.Set(one.key, one.value); err != nil {
				return err
			}
		}
		return nil
	})
}

// backupReader reads the parts of a backup until its first error.
type backupReader struct {
	in  *bufio.Reader
	sum hash.Hash32
	err error
}

func (r *backupReader) full(b []byte) {
	if r.err == nil {
		if _, r.err = io.ReadFull(r.in, b); r.err == nil {
			_, _ = r.sum.Write(b)
		}
	}
}

func (r *backupReader) byte() byte {
	var b [1]byte
	r.full(b[:])
	return b[0]
}

func (r *backupReader) uvarint() (n uint64) {
	for shift := 0; r.err == nil && shift < 63; shift += 7 {
		b := r.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	if r.err == nil {
		r.err = errors.New("a number is too long")
	}
	return 0
}

func (r *backupReader) bytes(limit int) []byte {
	n := r.uvarint()
	if r.err == nil && n > uint64(limit) {
		r.err = fmt.Errorf("%d bytes where %d are allowed", n, limit)
	}
	if r.err != nil {
		return nil
	}
	b := make([]byte, n)
	r.full(b)
	return b
}

func (r *backupReader) checksum() uint32 {
	var b [4]byte
	r.full(b[:])
	return binary.BigEndian.Uint32(b[:])
}
