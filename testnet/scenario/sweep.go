package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// Bounds of a sweep.
const (
	maxAxes   = 8
	maxValues = 1000 // of an axis
	maxPoints = 100_000
	maxJobs   = 1_000_000
)

// Axis is one key that a sweep varies.
type Axis struct {
	Key    string   // path, like "policy.max_hops" or "group.homes.split_keys"
	Values []string // as the file has them
	values []any
	path   []string // into the tree
	line   int
}

// axes reads [sweep], in the order of the file.
func (d *decoder) axes(t tree, keys []toml.Key) (all []Axis) {
	sweep := d.table(t, "sweep").table
	if sweep == nil {
		return nil
	}
	for _, key := range keys {
		if len(key) < 2 || key[0] != "sweep" {
			continue
		}
		path := strings.Join(key[1:], ".")
		v := walk(sweep, key[1:])
		if _, inner := v.(map[string]any); inner {
			continue // the dotted form: its keys come by themselves
		}
		a, ok := d.axis(t, path, v)
		if ok && slices.ContainsFunc(all, func(b Axis) bool { return slices.Equal(a.path, b.path) }) {
			d.fail("sweep."+path, "sweep."+path, "this key is swept twice")
		}
		if ok {
			all = append(all, a)
		}
	}
	if len(all) > maxAxes {
		d.fail("sweep", "sweep", "%d keys are swept; at most %d are allowed", len(all), maxAxes)
		return nil
	}
	return all
}

// walk follows keys into tables.
func walk(table map[string]any, keys []string) any {
	var v any = table
	for _, key := range keys {
		inner, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = inner[key]
	}
	return v
}

func (d *decoder) axis(t tree, key string, v any) (a Axis, ok bool) {
	at := "sweep." + key
	values, ok := v.([]any)
	if !ok || len(values) == 0 || len(values) > maxValues {
		d.fail(at, at, "want a list of 1 to %d values, have %s", maxValues, show(v))
		return a, false
	}
	path, err := resolve(t, key)
	if err != nil {
		d.fail(at, at, "%v", err)
		return a, false
	}
	a = Axis{Key: key, values: values, path: path, line: d.lines.of(at)}
	for _, one := range values {
		switch one.(type) {
		case string, int64, float64, bool:
			a.Values = append(a.Values, fmt.Sprint(one))
		default:
			d.fail(at, at, "want numbers, texts or true and false in the list, have %s", show(one))
			return a, false
		}
	}
	return a, true
}

// resolve turns a key for people into a path into the tree: a group is named,
// an event numbered from 0.
func resolve(t tree, key string) ([]string, error) {
	path := strings.Split(key, ".")
	if len(path) < 2 {
		return nil, fmt.Errorf("%s is no key that can be varied: say policy.max_hops, group.NAME.count and the like", show(key))
	}
	switch path[0] {
	case "scenario":
		if path[1] == "replicates" || path[1] == "name" {
			return nil, fmt.Errorf("%s holds for all runs: it can't be varied", key)
		}
	case "topology", "policy", "workload":
	case "group", "event":
		number, err := resolveItem(tables(t[path[0]]), path)
		if err != nil {
			return nil, err
		}
		path[1] = number
	default:
		return nil, fmt.Errorf("there is nothing to vary in %s: scenario, group, topology, policy, workload and event have keys", show(path[0]))
	}
	return path, nil
}

func resolveItem(items []map[string]any, path []string) (string, error) {
	if len(path) < 3 {
		return "", fmt.Errorf("name the key too: %s.%s.KEY", path[0], path[1])
	}
	if n, err := strconv.Atoi(path[1]); err == nil && n >= 0 && n < len(items) {
		return strconv.Itoa(n), nil
	}
	var names []string
	for i, item := range items {
		name, _ := item["name"].(string)
		if name == path[1] {
			return strconv.Itoa(i), nil
		}
		names = append(names, show(name))
	}
	if path[0] == "event" {
		return "", fmt.Errorf("there is no event %s: there are %d, numbered from 0", show(path[1]), len(items))
	}
	return "", fmt.Errorf("there is no group %s: there are %s", show(path[1]), strings.Join(names, ", "))
}

// with gives a tree with one value changed. Only what leads to the value is
// copied: trees share the rest, and nobody changes them.
func (t tree) with(path []string, value any) (tree, error) {
	changed, err := replace(map[string]any(t), path, value)
	if err != nil {
		return nil, err
	}
	return tree(changed.(map[string]any)), nil
}

// withAxis gives a tree with other values of an axis.
func (t tree) withAxis(key string, values any) (tree, error) {
	sweep, _ := t["sweep"].(map[string]any)
	path := strings.Split(key, ".")
	if _, flat := sweep[key]; flat {
		path = []string{key}
	}
	if walk(sweep, path) == nil {
		return nil, fmt.Errorf("%s isn't swept", show(key))
	}
	return t.with(append([]string{"sweep"}, path...), values)
}

func replace(in any, path []string, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	switch in := in.(type) {
	case nil:
		inner, err := replace(nil, path[1:], value)
		return map[string]any{path[0]: inner}, err
	case map[string]any:
		inner, err := replace(in[path[0]], path[1:], value)
		out := make(map[string]any, len(in)+1)
		for k, v := range in {
			out[k] = v
		}
		out[path[0]] = inner
		return out, err
	case []map[string]any, []any:
		items := tables(in)
		n, err := strconv.Atoi(path[0])
		if err != nil || n < 0 || n >= len(items) {
			return nil, fmt.Errorf("there is no item %s", show(path[0]))
		}
		inner, err := replace(items[n], path[1:], value)
		if err != nil {
			return nil, err
		}
		out := append([]map[string]any(nil), items...)
		out[n] = inner.(map[string]any)
		return out, nil
	}
	return nil, fmt.Errorf("%s is no table, it has no key %s", show(in), show(path[0]))
}
