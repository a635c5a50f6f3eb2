package server

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// envPrefix begins the name of every environment variable that is a setting.
const envPrefix = "ROUNDS_"

// configFlag is the flag, and with envPrefix the variable, that names the file.
const configFlag = "config"

// setting is one field of the config that a person can set.
type setting struct {
	key   string // in the file: tls.self_signed
	usage string
	value reflect.Value
}

func (s setting) flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(s.key) }
func (s setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_"))
}

// fileOnly tells whether the setting has neither flag nor variable.
func (s setting) fileOnly() bool {
	return s.value.Kind() == reflect.Slice && s.value.Type().Elem().Kind() == reflect.Struct
}

// settings returns the fields of a config, in the order in which they stand in the struct. The values refer to c.
func settings(c *Config) []setting {
	var list []setting
	var walk func(v reflect.Value, prefix string)
	walk = func(v reflect.Value, prefix string) {
		for i := range v.NumField() {
			field := v.Type().Field(i)
			key := field.Tag.Get("koanf")
			switch {
			case key == "-":
			case field.Type.Kind() == reflect.Struct:
				walk(v.Field(i), prefix+key+".")
			default:
				list = append(list, setting{prefix + key, field.Tag.Get("usage"), v.Field(i)})
			}
		}
	}
	walk(reflect.ValueOf(c).Elem(), "")
	return list
}

// AddFlags gives every setting its flag, with its default, and --config for the file.
func AddFlags(flags *pflag.FlagSet) {
	c := Default()
	flags.String(configFlag, "", "YAML file with settings")
	for _, s := range settings(&c) {
		switch v := s.value.Interface().(type) {
		case string:
			flags.String(s.flag(), v, s.usage)
		case bool:
			flags.Bool(s.flag(), v, s.usage)
		case int:
			flags.Int(s.flag(), v, s.usage)
		case int64:
			flags.Int64(s.flag(), v, s.usage)
		case float64:
			flags.Float64(s.flag(), v, s.usage)
		case time.Duration:
			flags.Duration(s.flag(), v, s.usage)
		case []string:
			flags.StringSlice(s.flag(), v, s.usage)
		}
	}
}

// Loaded is a config and where it came from.
type Loaded struct {
	// Config is what counts. It was validated.
	Config Config
	// Sources says of each setting, by its name in the file, where its value came from: default, file, environment or flag.
	Sources map[string]string
	// Ignored are variables of the environment that begin like settings and are none.
	Ignored []string
}

// Load fills a config: a flag that was given counts more than a variable of the environment (as from os.Environ), that more than the file, that
// more than the default. The file is named by --config or ROUNDS_CONFIG; a setting in it that does not exist is an error.
func Load(flags *pflag.FlagSet, environ []string) (Loaded, error) {
	loaded := Loaded{Config: Default(), Sources: map[string]string{}}
	list := settings(&loaded.Config)
	all := koanf.New(".")
	take := func(source string, layer *koanf.Koanf) error {
		for _, key := range layer.Keys() {
			loaded.Sources[key] = source
		}
		return all.Merge(layer)
	}
	for _, s := range list {
		loaded.Sources[s.key] = "default"
	}
	env := map[string]string{}
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok && strings.HasPrefix(name, envPrefix) {
			env[name] = value
		}
	}
	path := env[envPrefix+strings.ToUpper(configFlag)]
	if given := flags.Lookup(configFlag); given != nil && given.Changed {
		path = given.Value.String()
	}
	if path != "" {
		layer := koanf.New(".")
		if err := layer.Load(file.Provider(path), yaml.Parser()); err != nil {
			return loaded, fmt.Errorf("config file %s: %w", path, err)
		}
		if err := settingsExist(list, layer, path); err != nil {
			return loaded, err
		}
		if err := take("file", layer); err != nil {
			return loaded, err
		}
	}
	fromEnv := map[string]any{}
	for _, s := range list {
		value, ok := env[s.env()]
		if !ok || s.fileOnly() {
			continue
		}
		delete(env, s.env())
		fromEnv[s.key] = value
		if s.value.Kind() == reflect.Slice {
			fromEnv[s.key] = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
		}
	}
	layer := koanf.New(".")
	if err := layer.Load(confmap.Provider(fromEnv, "."), nil); err != nil {
		return loaded, err
	}
	if err := take("environment", layer); err != nil {
		return loaded, err
	}
	if err := loadFlags(flags, list, take); err != nil {
		return loaded, err
	}
	if err := all.UnmarshalWithConf("", &loaded.Config, koanf.UnmarshalConf{Tag: "koanf"}); err != nil {
		return loaded, fmt.Errorf("config: %w", err)
	}
	delete(env, envPrefix+strings.ToUpper(configFlag))
	for name := range env {
		loaded.Ignored = append(loaded.Ignored, name)
	}
	slices.Sort(loaded.Ignored)
	if err := loaded.Config.Validate(); err != nil {
		return loaded, fmt.Errorf("config: %w", err)
	}
	return loaded, nil
}

// loadFlags takes the flags that were given.
func loadFlags(flags *pflag.FlagSet, list []setting, take func(string, *koanf.Koanf) error) error {
	keys := map[string]string{}
	for _, s := range list {
		keys[s.flag()] = s.key
	}
	layer := koanf.New(".")
	provider := posflag.ProviderWithFlag(flags, ".", nil, func(f *pflag.Flag) (string, any) {
		key, ok := keys[f.Name]
		if !ok || !f.Changed {
			return "", nil
		}
		return key, posflag.FlagVal(flags, f)
	})
	if err := layer.Load(provider, nil); err != nil {
		return err
	}
	return take("flag", layer)
}

// settingsExist returns an error for each setting of a file that does not exist.
func settingsExist(list []setting, layer *koanf.Koanf, path string) error {
	var faults []error
	for _, key := range layer.Keys() {
		if !slices.ContainsFunc(list, func(s setting) bool { return s.key == key }) {
			faults = append(faults, fmt.Errorf("config file %s: no setting is called %s", path, key))
		}
	}
	return errors.Join(faults...)
}

// Print writes the config as a file that Load reads, with the source of each setting as a comment. Passwords within addresses are hidden; no other
// setting is a secret: the server makes its keys itself and keeps them in its store.
func (l Loaded) Print(to io.Writer) error {
	var b strings.Builder
	group := ""
	for _, s := range settings(&l.Config) {
		prefix, name, nested := strings.Cut(s.key, ".")
		if !nested {
			prefix, name = "", s.key
		}
		if prefix != group {
			group = prefix
			fmt.Fprintf(&b, "%s:\n", group)
		}
		if nested {
			b.WriteString("  ")
		}
		line := name + ": " + s.shown()
		how := "in the file only"
		if !s.fileOnly() {
			how = "--" + s.flag() + ", " + s.env()
		}
		fmt.Fprintf(&b, "%-*s # %s; %s\n", 52, line, l.Sources[s.key], how)
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// shown is the value as YAML.
func (s setting) shown() string {
	switch v := s.value.Interface().(type) {
	case string:
		return quoted(v)
	case []string:
		list := make([]string, len(v))
		for i, one := range v {
			list[i] = quoted(one)
		}
		return "[" + strings.Join(list, ", ") + "]"
	case []IssuerConfig:
		list := make([]string, len(v))
		for i, one := range v {
			var fields []string
			of := reflect.ValueOf(one)
			for f := range of.NumField() {
				value := fmt.Sprint(of.Field(f).Interface())
				if of.Field(f).Kind() == reflect.String {
					value = quoted(value)
				}
				fields = append(fields, of.Type().Field(f).Tag.Get("koanf")+": "+value)
			}
			list[i] = "{" + strings.Join(fields, ", ") + "}"
		}
		return "[" + strings.Join(list, ", ") + "]"
	default:
		return fmt.Sprint(v)
	}
}

// quoted is a text as YAML. The password within an address is hidden.
func quoted(text string) string {
	if u, err := url.Parse(text); err == nil && u.User != nil {
		text = u.Redacted()
	}
	return strconv.Quote(text)
}
