package directory

import (
	"strconv"
	"strings"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Column is a column of a table that Import takes.
type Column struct {
	// Name in the header.
	Name string
	// Needed: the table is none without it.
	Needed bool
	// Refers says whose codes stand in it; unspecified: it holds no codes. ImportKind POLICIES stands for units and sites alike.
	Refers roundsv1.ImportKind
	// Local: these codes are of the row's own site.
	Local bool
	// Many: several, with ; between.
	Many bool
	// About says what it holds.
	About *roundsv1.Text
	// Example of a cell.
	Example string

	// set writes a cell into a record, and says what is wanted where it cannot; get is what the cell would say of a record. Both are nil for a column
	// that is not simply a part of the record.
	set func(r *row, to *roundsv1.Record, cell string) (*roundsv1.Problem, error)
	get func(r *row, from *roundsv1.Record) string
}

// Table is a table that Import takes.
type Table struct {
	// Kind of its rows.
	Kind roundsv1.ImportKind
	// Name of its file, without .csv.
	Name string
	// Columns in the order of the template.
	Columns []Column

	enter func(*run) error
}

// column returns the column of a name.
func (t Table) column(name string) (Column, bool) {
	for _, c := range t.Columns {
		if c.Name == name {
			return c, true
		}
	}
	return Column{}, false
}

func about(zh, en string) *roundsv1.Text { return &roundsv1.Text{Zh: zh, En: en} }

// str is a column of text. M is the message of the record's kind, of returns it, field the place in it.
func str[M any](name, zh, en, example string, of func(*roundsv1.Record) M, field func(M) *string) Column {
	return Column{Name: name, About: about(zh, en), Example: example,
		set: func(_ *row, to *roundsv1.Record, cell string) (*roundsv1.Problem, error) {
			*field(of(to)) = cell
			return nil, nil
		},
		get: func(_ *row, from *roundsv1.Record) string { return *field(of(from)) }}
}

// names are two columns: a text in Chinese and in English.
func names[M any](name, zh, en string, example [2]string, of func(*roundsv1.Record) M, field func(M) **roundsv1.Text) []Column {
	part := func(in string, at int, place func(*roundsv1.Text) *string) Column {
		return Column{Name: name + "_" + in, About: about(zh+map[string]string{"zh": "（中文）", "en": "（英文）"}[in], en+map[string]string{"zh": ", Chinese", "en": ", English"}[in]),
			Example: example[at],
			set: func(_ *row, to *roundsv1.Record, cell string) (*roundsv1.Problem, error) {
				text := field(of(to))
				if *text == nil {
					if cell == "" {
						return nil, nil
					}
					*text = &roundsv1.Text{}
				}
				*place(*text) = cell
				return nil, nil
			},
			get: func(_ *row, from *roundsv1.Record) string {
				if text := *field(of(from)); text != nil {
					return *place(text)
				}
				return ""
			}}
	}
	return []Column{part("zh", 0, func(t *roundsv1.Text) *string { return &t.Zh }), part("en", 1, func(t *roundsv1.Text) *string { return &t.En })}
}

// flag is a column of yes or no.
func flag[M any](name, zh, en string, of func(*roundsv1.Record) M, field func(M) *bool) Column {
	return Column{Name: name, About: about(zh+"：是或否", en+": yes or no"), Example: "no",
		set: func(_ *row, to *roundsv1.Record, cell string) (*roundsv1.Problem, error) {
			value, ok := yesNo(cell)
			if !ok {
				return wanted(name, cell, "是或否", "yes or no"), nil
			}
			*field(of(to)) = value
			return nil, nil
		},
		get: func(_ *row, from *roundsv1.Record) string { return saysYes(*field(of(from))) }}
}

// choice is a column that takes one of some words; an empty cell is no value.
func choice[M any, E ~int32](name, zh, en, example string, all words, of func(*roundsv1.Record) M, field func(M) *E) Column {
	listZh, listEn := all.choice()
	return Column{Name: name, About: about(zh+":"+listZh, en+": "+listEn), Example: example,
		set: func(_ *row, to *roundsv1.Record, cell string) (*roundsv1.Problem, error) {
			value, ok := all.read(cell)
			if !ok && cell != "" {
				return wanted(name, cell, listZh, listEn), nil
			}
			*field(of(to)) = E(value)
			return nil, nil
		},
		get: func(_ *row, from *roundsv1.Record) string { return all.write(int32(*field(of(from)))) }}
}

// whole is a column of a whole number from 0 to most; an empty cell is 0.
func whole[M any](name, zh, en, example string, most uint64, of func(*roundsv1.Record) M, get func(M) uint64, set func(M, uint64)) Column {
	return Column{Name: name, About: about(zh, en), Example: example,
		set: func(_ *row, to *roundsv1.Record, cell string) (*roundsv1.Problem, error) {
			var n uint64
			var err error
			if cell != "" {
				n, err = strconv.ParseUint(cell, 10, 64)
			}
			if err != nil || n > most {
				top := strconv.FormatUint(most, 10)
				return wanted(name, cell, "0 到 "+top+" 的整数", "a whole number from 0 to "+top), nil
			}
			set(of(to), n)
			return nil, nil
		},
		get: func(_ *row, from *roundsv1.Record) string { return strconv.FormatUint(get(of(from)), 10) }}
}

// otherwise is a column whose empty cell stands for a value.
func otherwise(value string, c Column) Column {
	set := c.set
	c.set = func(r *row, to *roundsv1.Record, cell string) (*roundsv1.Problem, error) {
		if cell == "" {
			cell = value
		}
		return set(r, to, cell)
	}
	return c
}

// span is a column of a duration, as 90s, 15m or 2h, kept in microseconds; an empty cell is none.
func span[M any](name, zh, en, example string, of func(*roundsv1.Record) M, get func(M) int64, set func(M, int64)) Column {
	return Column{Name: name, About: about(zh+"，如 15m 或 2h", en+", as 15m or 2h"), Example: example,
		set: func(_ *row, to *roundsv1.Record, cell string) (*roundsv1.Problem, error) {
			var d time.Duration
			var err error
			if cell != "" {
				d, err = time.ParseDuration(cell)
			}
			if err != nil || d < 0 || d > 366*24*time.Hour {
				return wanted(name, cell, "时长，如 90s、15m 或 2h", "a duration as 90s, 15m or 2h"), nil
			}
			set(of(to), d.Microseconds())
			return nil, nil
		},
		get: func(_ *row, from *roundsv1.Record) string {
			us := get(of(from))
			if us == 0 {
				return ""
			}
			return (time.Duration(us) * time.Microsecond).String()
		}}
}

// code is a column that names another record by its code; field is the place of its id. An empty cell names none.
func code[M any](name, zh, en, example string, refers roundsv1.ImportKind, local bool, of func(*roundsv1.Record) M, field func(M) *string) Column {
	return Column{Name: name, About: about(zh, en), Example: example, Refers: refers, Local: local,
		set: func(r *row, to *roundsv1.Record, cell string) (*roundsv1.Problem, error) {
			if cell == "" {
				*field(of(to)) = ""
				return nil, nil
			}
			id, p, err := r.find(name, refers, cell)
			if err != nil || p != nil {
				return p, err
			}
			*field(of(to)) = id
			return nil, nil
		},
		get: func(r *row, from *roundsv1.Record) string { return r.codeOf(refers, *field(of(from))) }}
}

// list splits a cell that holds several; empty ones are left out.
func list(cell string) []string {
	var all []string
	for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return r == ';' || r == '\uff1b' }) {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// tableWords are what the rows of a table are called.
func tableWords(kind roundsv1.ImportKind) (zh, en string) {
	switch kind {
	case roundsv1.ImportKind_IMPORT_KIND_UNITS:
		return "组织单元（units.csv）", "units (units.csv)"
	case roundsv1.ImportKind_IMPORT_KIND_SITES:
		return "项目（sites.csv）", "sites (sites.csv)"
	case roundsv1.ImportKind_IMPORT_KIND_POLICIES:
		return "组织单元或项目（units.csv、sites.csv）", "units or sites (units.csv, sites.csv)"
	case roundsv1.ImportKind_IMPORT_KIND_PLACES:
		return "位置（places.csv）", "places (places.csv)"
	case roundsv1.ImportKind_IMPORT_KIND_ASSETS:
		return "设备（assets.csv）", "assets (assets.csv)"
	case roundsv1.ImportKind_IMPORT_KIND_STAFF:
		return "员工（staff.csv）", "staff (staff.csv)"
	case roundsv1.ImportKind_IMPORT_KIND_CATEGORIES:
		return "工单类别（categories.csv）", "categories (categories.csv)"
	case roundsv1.ImportKind_IMPORT_KIND_CHECKLISTS:
		return "检查表（checklists.csv）", "checklists (checklists.csv)"
	}
	return "记录", "records"
}
