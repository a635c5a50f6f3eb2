package server_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/server"
)

// methods are those of every service of the schema.
func methods() []protoreflect.MethodDescriptor {
	var all []protoreflect.MethodDescriptor
	protoregistry.GlobalFiles.RangeFilesByPackage("rounds.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			for j := range file.Services().Get(i).Methods().Len() {
				all = append(all, file.Services().Get(i).Methods().Get(j))
			}
		}
		return true
	})
	slices.SortFunc(all, func(a, b protoreflect.MethodDescriptor) int {
		return strings.Compare(string(a.FullName()), string(b.FullName()))
	})
	return all
}

// attack is what one person sends.
type attack struct {
	w    *world
	as   *device
	rng  *rand.Rand
	sent int
	ok   int // of them were answered
}

// plausible fills a message with values that look as they should.
func (a *attack) plausible(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if o := f.ContainingOneof(); o != nil && m.WhichOneof(o) != nil || f.IsMap() {
			continue
		}
		switch {
		case f.Message() != nil && (depth == 0 || f.Message().FullName().Parent() != "rounds.v1"):
		case f.IsList() && f.Message() != nil:
			inner := m.Mutable(f).List().AppendMutable().Message()
			a.plausible(inner, depth-1)
		case f.IsList():
			m.Mutable(f).List().Append(a.value(f))
		case f.Message() != nil:
			a.plausible(m.Mutable(f).Message(), depth-1)
		default:
			m.Set(f, a.value(f))
		}
	}
}

func (a *attack) value(f protoreflect.FieldDescriptor) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.StringKind:
		switch name := string(f.Name()); {
		case strings.HasPrefix(name, "scope"):
			return protoreflect.ValueOfString(string(a.w.site))
		case strings.Contains(name, "node_id") || name == "parent_id":
			return protoreflect.ValueOfString(strings.TrimPrefix(string(a.w.site), "site/"))
		case strings.HasSuffix(name, "person_id"):
			return protoreflect.ValueOfString(a.w.device.person)
		case strings.HasSuffix(name, "device_id"):
			return protoreflect.ValueOfString(a.w.device.id)
		case name == "page_token":
			return protoreflect.ValueOfString("")
		case name == "kind":
			return protoreflect.ValueOfString("ticket")
		}
		return protoreflect.ValueOfString(uuid.NewSHA1(uuid.Nil, []byte(f.FullName())).String())
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(make([]byte, 32))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(f.Enum().Values().Get(min(1, f.Enum().Values().Len()-1)).Number())
	}
	return number(f, 1)
}

func number(f protoreflect.FieldDescriptor, n float64) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(n != 0)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(n))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(int64(n)))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(int64(n))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(int64(n)))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(n))
	}
	return protoreflect.ValueOfFloat64(n)
}

// wrongs are values that nobody should send in a field.
func (a *attack) wrongs(f protoreflect.FieldDescriptor) (all []protoreflect.Value) {
	switch f.Kind() {
	case protoreflect.StringKind:
		for _, s := range []string{"", "x", "\x00\u202e'\"; --", strings.Repeat("水", 20_000), "site/" + uuid.NewString(), "desk/", "org/../x", uuid.NewString(), strings.ToUpper(uuid.NewString()),
			"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
			all = append(all, protoreflect.ValueOfString(s))
		}
	case protoreflect.BytesKind:
		for _, n := range []int{0, 1, 31, 65, 1 << 16} {
			all = append(all, protoreflect.ValueOfBytes(bytes.Repeat([]byte{0xff}, n)))
		}
	case protoreflect.EnumKind:
		for _, n := range []protoreflect.EnumNumber{0, -1, 9999, math.MaxInt32} {
			all = append(all, protoreflect.ValueOfEnum(n))
		}
	case protoreflect.BoolKind:
	default:
		for _, n := range []float64{0, -1, math.MinInt64, 1 << 31, 1 << 62} {
			all = append(all, number(f, n))
		}
	}
	return all
}

// each calls send with variants of a message: each field wrong, in its own message and in those that it holds.
func (a *attack) each(root, m protoreflect.Message, depth int, share float64, send func(what string)) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		was := m.Get(f)
		try := func(what string, change func()) {
			if share < 1 && a.rng.Float64() > share {
				return
			}
			before := proto.Clone(m.Interface())
			change()
			send(string(f.FullName()) + ": " + what)
			proto.Reset(m.Interface())
			proto.Merge(m.Interface(), before)
		}
		switch {
		case f.IsMap():
		case f.IsList():
			try("none", func() { m.Clear(f) })
			for _, n := range []int{2, 10_000} {
				try(fmt.Sprint(n, " times"), func() {
					list := m.Mutable(f).List()
					for range n {
						if f.Message() != nil {
							list.AppendMutable()
						} else {
							list.Append(a.value(f))
						}
					}
				})
			}
			if f.Message() == nil {
				for j, v := range a.wrongs(f) {
					try(fmt.Sprint("element ", j), func() { m.Mutable(f).List().Append(v) })
				}
			} else if depth > 0 && was.List().Len() > 0 {
				a.each(root, m.Mutable(f).List().Get(0).Message(), depth-1, share, send)
			}
		case f.Message() != nil:
			try("absent", func() { m.Clear(f) })
			try("empty", func() { m.Clear(f); m.Mutable(f) })
			if depth > 0 && m.Has(f) {
				a.each(root, m.Mutable(f).Message(), depth-1, share, send)
			}
		default:
			for j, v := range a.wrongs(f) {
				try(fmt.Sprint("value ", j), func() { m.Set(f, v) })
			}
		}
	}
}

// post sends a body as a call and holds the answer to what every refusal is: a code that is not the server's fault, a Problem with a sentence in both languages,
// and a field where it is a field's fault.
func (a *attack) post(t *testing.T, method protoreflect.MethodDescriptor, codec string, body []byte, what string) {
	t.Helper()
	a.sent++
	path, contentType := "/"+string(method.Parent().FullName())+"/"+string(method.Name()), "application/"+codec
	streams := method.IsStreamingServer()
	if streams {
		contentType, body = "application/connect+"+codec, append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(body))), body...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.w.base+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if a.as != nil {
		req.Header.Set("Authorization", "Bearer "+a.as.token)
	}
	if streams {
		req.Header.Set("Connect-Timeout-Ms", "30") // a stream that is not refused goes on
	}
	resp, err := a.w.http.Do(req)
	if err != nil {
		t.Fatalf("%s %s %s: %v", path, codec, what, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s %s: %v", path, codec, what, err)
	}
	var refused wireError
	if streams {
		var end struct {
			Error *wireError `json:"error"`
		}
		for resp.StatusCode == http.StatusOK && len(text) >= 5 {
			n := int(binary.BigEndian.Uint32(text[1:]))
			if text[0]&2 != 0 {
				if err := json.Unmarshal(text[5:5+n], &end); err != nil {
					t.Fatalf("%s: %v: %s", path, err, text)
				}
			}
			text = text[5+n:]
		}
		if resp.StatusCode == http.StatusOK && (end.Error == nil || end.Error.Code == "deadline_exceeded") {
			return
		} else if end.Error != nil {
			refused = *end.Error
		}
	}
	if resp.StatusCode == http.StatusOK && refused.Code == "" {
		a.ok++
		return // taken; whether it changed anything is looked at later
	}
	if refused.Code == "" {
		if err := json.Unmarshal(text, &refused); err != nil {
			t.Errorf("%s %s %s: %d %.200s", path, codec, what, resp.StatusCode, text)
			return
		}
	}
	switch refused.Code {
	case "internal", "unknown", "data_loss", "unavailable", "aborted", "deadline_exceeded", "":
		t.Errorf("%s %s %s: %s %s", path, codec, what, refused.Code, text)
		return
	}
	p := refused.problem(t)
	if p.GetSentence().GetZh() == "" || p.GetSentence().GetEn() == "" {
		t.Errorf("%s %s %s: no sentence in both languages: %v", path, codec, what, p)
	}
	if p.GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_UNSPECIFIED {
		t.Errorf("%s %s %s: no code: %v", path, codec, what, p)
	}
	if p.GetField() == "" && p.GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD && !strings.Contains(p.GetSentence().GetEn(), "decoded") {
		t.Errorf("%s %s %s: no field: %v", path, codec, what, p)
	}
}

// encoded is a message in a codec.
func encoded(t *testing.T, m proto.Message, codec string) []byte {
	t.Helper()
	if codec == "json" {
		text, err := protojson.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	body, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// unreadable are bodies that are no messages, or deeper than any is.
func unreadable(codec string) map[string][]byte {
	if codec == "json" {
		return map[string][]byte{
			"deep": []byte(strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000)), "deep lists": []byte(`{"scopes":` + strings.Repeat("[", 50_000)),
			"null": []byte("null"), "nothing": nil, "no UTF-8": []byte("{\"scope\":\"\xff\xfe\"}"), "half a pair": []byte(`{"scope":"\ud800"}`), "a list of null": []byte(`{"scopes":[null]}`),
			"twice": []byte(`{"scope":"site/x","scope":"site/y"}`), "infinite": []byte(`{"pageSize":1e400,"fromUs":"-1e99"}`), "words for a number": []byte(`{"pageSize":"many"}`),
			"an enum that is none": []byte(`{"sort":"BY_LUCK","content":"X","states":["X"]}`), "two": []byte("{}{}"),
		}
	}
	deep := []byte{}
	for range 20_000 {
		deep = protowire.AppendTag(deep, 1, protowire.StartGroupType)
	}
	return map[string][]byte{"groups": deep, "no UTF-8": {10, 2, 0xff, 0xfe}, "a cut number": {8, 0xff}, "a length that lies": {10, 0xff, 0xff, 0xff, 0xff, 7}, "field 0": {0, 0},
		"an unknown field": protowire.AppendBytes(protowire.AppendTag(nil, 9999, protowire.BytesType), make([]byte, 1<<16))}
}

// TestStrangers: every method of every service is sent what nobody should send, in JSON and in binary: by nobody, by a person without any right, and where
// nothing can be changed by a person who has them all. No answer is the server's fault, each refusal says what was wrong, and nothing changes.
// ROUNDS_STRANGERS=1 sends all, some 7,000; otherwise a share that the seed chooses.
func TestStrangers(t *testing.T) {
	log := &journalled{}
	w := start(t, func(c *server.Config) {
		c.Limits.DeviceRate, c.Limits.AddressRate = 0, 0
		c.Inject.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	w.device.grant(roundsv1.Role_ROLE_MANAGER)
	w.device.exchange(w.device.push("one", "two"))
	stranger := w.hired(t, "stranger", 0)
	const seed = 1
	share := 0.02
	if os.Getenv("ROUNDS_STRANGERS") != "" {
		share = 1
	}
	before := sumOf(t, w.store)
	for _, who := range []struct {
		name string
		as   *device
	}{{"nobody", nil}, {"stranger", stranger}, {"chief", w.device}} {
		a := &attack{w: w, as: who.as, rng: rand.New(rand.NewPCG(seed, 1))}
		for _, method := range methods() {
			name := string(method.Name())
			reads := slices.ContainsFunc([]string{"List", "Get", "Review", "Story", "Inbox", "Chase", "Describe", "Link", "Export"}, func(p string) bool { return strings.HasPrefix(name, p) })
			if who.name == "chief" && !reads {
				continue
			}
			known, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
			if err != nil {
				t.Fatal(err)
			}
			m, part := known.New(), share
			a.plausible(m, 3)
			for _, codec := range []string{"json", "proto"} {
				a.post(t, method, codec, encoded(t, m.Interface(), codec), "as it should be")
				a.post(t, method, codec, encoded(t, known.New().Interface(), codec), "empty")
				bodies := unreadable(codec)
				for _, what := range slices.Sorted(maps.Keys(bodies)) {
					if a.rng.Float64() < 10*share { // each has its turn with some method or other
						a.post(t, method, codec, bodies[what], what)
					}
				}
			}
			if who.as == nil {
				part /= 4
			}
			a.each(m, m, 3, part, func(what string) {
				codec := []string{"json", "proto"}[a.rng.IntN(2)]
				a.post(t, method, codec, encoded(t, m.Interface(), codec), what)
			})
		}
		if answered := a.ok > 0; answered != (who.as != nil) { // or else nothing came further than the door, or somebody came in
			t.Errorf("%s: %d of %d were answered", who.name, a.ok, a.sent)
		}
		if sumOf(t, w.store) != before {
			t.Errorf("%s changed something", who.name)
		}
	}
	if text := log.String(); strings.Contains(text, "panic") || strings.Contains(text, "call failed") {
		t.Errorf("the log has %.3000s", text)
	}
}
