package fileblobs

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rounds-sync/rounds/media"
)

// folders knows which folders of objects are durable, as far as this process has seen to it: a bit for each of a class's 65,536, and for each of its
// 256. The zero value knows none.
type folders struct {
	mu   sync.Mutex // guards all below
	bits map[media.Class]*[(65536 + 256) / 64]uint64
}

// known reports whether a bit was set.
func (f *folders) known(class media.Class, i int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	bits := f.bits[class]
	return bits != nil && bits[i/64]>>(i%64)&1 == 1
}

func (f *folders) learn(class media.Class, i int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bits == nil {
		f.bits = map[media.Class]*[(65536 + 256) / 64]uint64{}
	}
	if f.bits[class] == nil {
		f.bits[class] = new([(65536 + 256) / 64]uint64)
	}
	f.bits[class][i/64] |= 1 << (i % 64)
}

// shelf is the folder that an object stands in.
type shelf struct {
	blobs   *Blobs
	class   media.Class
	hash    media.Hash
	unknown []string // folders to sync besides: the new ones' parents
}

// shelf makes the folder for an address.
func (b *Blobs) shelf(class media.Class, h media.Hash) (shelf, error) {
	s := shelf{blobs: b, class: class, hash: h}
	if b.folds.known(class, s.leaf()) {
		return s, nil
	}
	if err := os.MkdirAll(s.dir(), 0o700); err != nil {
		return s, fault(err)
	}
	s.unknown = append(s.unknown, filepath.Dir(s.dir()))
	if !b.folds.known(class, s.branch()) {
		s.unknown = append(s.unknown, b.path(string(class)))
	}
	return s, nil
}

func (s shelf) leaf() int   { return int(s.hash[0])<<8 | int(s.hash[1]) }
func (s shelf) branch() int { return 65536 + int(s.hash[0]) }
func (s shelf) path() string {
	return s.blobs.path(filepath.FromSlash(string(media.At(s.class, s.hash))))
}
func (s shelf) dir() string { return filepath.Dir(s.path()) }

// sync makes durable what was put on the shelf or taken off it.
func (s shelf) sync() error {
	if err := s.blobs.syncs.all(append(s.unknown, s.dir())); err != nil {
		return fault(err)
	}
	if len(s.unknown) > 0 {
		s.blobs.folds.learn(s.class, s.branch())
		s.blobs.folds.learn(s.class, s.leaf())
	}
	return nil
}

// Put implements media.Objects. The media type is not kept: whoever makes a link says it.
func (b *Blobs) Put(ctx context.Context, at media.Address, _ string, content []byte) error {
	class, hash, err := at.Parse()
	if err != nil {
		return err
	}
	leave, err := b.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := b.room(int64(len(content))); err != nil {
		return err
	}
	b.coming.Add(int64(len(content)))
	defer b.coming.Add(-int64(len(content)))
	t, err := b.temp()
	if err != nil {
		return err
	}
	defer t.discard()
	if _, err := t.Write(content); err != nil {
		return fault(err)
	}
	if err := b.stamp(t.Name()); err != nil {
		return fault(err)
	}
	if err := b.syncFile(t.File); err != nil {
		return fault(err)
	}
	s, err := b.shelf(class, hash)
	if err != nil {
		return err
	}
	if err := os.Rename(t.Name(), s.path()); err != nil {
		return fault(err)
	}
	return s.sync()
}

// stamp sets the time of a file or folder to now, by the clock of the configuration.
func (b *Blobs) stamp(path string) error {
	now := b.cfg.Now()
	return os.Chtimes(path, now, now)
}

// Open implements media.Objects.
func (b *Blobs) Open(ctx context.Context, at media.Address) (media.Object, error) {
	class, hash, err := at.Parse()
	if err != nil {
		return nil, err
	}
	leave, err := b.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	f, err := os.Open(shelf{blobs: b, class: class, hash: hash}.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, media.ErrNotFound
	}
	if err != nil {
		return nil, fault(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a file: " + string(at))
	}
	if err != nil {
		return nil, errors.Join(fault(err), f.Close())
	}
	return object{File: f, info: infoOf(at, info)}, nil
}

// object is a file that is being read. A file that was removed stays readable while it is open.
type object struct {
	*os.File
	info media.Info
}

// Info implements media.Object.
func (o object) Info() media.Info { return o.info }

func infoOf(at media.Address, info fs.FileInfo) media.Info {
	return media.Info{Address: at, Size: info.Size(), Modified: info.ModTime()}
}

// Delete implements media.Objects. It syncs the folder also if the object is not there: the one who removed it may not have come to that.
func (b *Blobs) Delete(ctx context.Context, at media.Address) error {
	class, hash, err := at.Parse()
	if err != nil {
		return err
	}
	leave, err := b.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	s := shelf{blobs: b, class: class, hash: hash}
	if err := os.Remove(s.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault(err)
	}
	if err := b.syncs.dir(s.dir()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault(err)
	}
	return nil
}

// Link implements media.Objects.
func (b *Blobs) Link(ctx context.Context, at media.Address, options media.LinkOptions) (string, error) {
	leave, err := b.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return b.door.Link(at, options)
}

// List implements media.Objects. It reads one folder at a time; an object that comes or goes while it walks may be visited or not.
func (b *Blobs) List(ctx context.Context, prefix string) iter.Seq2[media.Info, error] {
	return func(yield func(media.Info, error) bool) {
		l := lister{blobs: b, ctx: ctx, prefix: prefix, yield: yield}
		for _, class := range []media.Class{media.Large, media.Report, media.Original, media.Small} { // in the order of their names
			if !l.walk(string(class), 2) {
				return
			}
		}
	}
}

type lister struct {
	blobs  *Blobs
	ctx    context.Context // of the one List
	prefix string
	yield  func(media.Info, error) bool
}

// walk visits what is below a folder, whose folders are so many deep, and tells whether to go on.
func (l lister) walk(dir string, deep int) bool {
	if p := dir + "/"; !strings.HasPrefix(p, l.prefix) && !strings.HasPrefix(l.prefix, p) {
		return true
	}
	entries, err := l.read(dir)
	if err != nil {
		l.yield(media.Info{}, err)
		return false
	}
	for _, e := range entries { // in the order of their names
		name := dir + "/" + e.Name()
		if deep > 0 {
			if e.IsDir() && !l.walk(name, deep-1) {
				return false
			}
			continue
		}
		at := media.Address(name)
		if _, _, err := at.Parse(); err != nil || !strings.HasPrefix(name, l.prefix) {
			continue
		}
		info, err := e.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist): // deleted meanwhile
		case err != nil:
			l.yield(media.Info{}, fault(err))
			return false
		case info.Mode().IsRegular() && !l.yield(infoOf(at, info), nil):
			return false
		}
	}
	return true
}

// read lists one folder. Only for that long the driver is kept from closing.
func (l lister) read(dir string) ([]fs.DirEntry, error) {
	leave, err := l.blobs.enter(l.ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	entries, err := os.ReadDir(l.blobs.path(filepath.FromSlash(dir)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, fault(err)
}
