package ledger

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// plainOf gives a row's CBOR as values that JSON has: maps by the decimal form of
// their keys, byte strings as "h:" and hexadecimal, texts as "t:" and the text.
func plainOf(value []byte) (any, error) {
	v, err := parse[any]("exported", value)
	if err != nil {
		return nil, err
	}
	return plain(v)
}

func plain(v any) (any, error) {
	switch v := v.(type) {
	case uint64, int64, bool, nil:
		return v, nil
	case []byte:
		return "h:" + hex.EncodeToString(v), nil
	case string:
		return "t:" + v, nil
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			var err error
			if list[i], err = plain(e); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[any]any:
		fields := make(map[string]any, len(v))
		for k, e := range v {
			n, ok := k.(uint64)
			x, err := plain(e)
			if err != nil || !ok {
				return nil, fmt.Errorf("field %v: %w", k, first(err, ErrDamaged))
			}
			fields[strconv.FormatUint(n, 10)] = x
		}
		return fields, nil
	}
	return nil, fmt.Errorf("value of type %T: %w", v, ErrDamaged)
}

// encodePlain gives the CBOR of what plainOf gave, after JSON.
func encodePlain(v any) ([]byte, error) {
	x, err := unplain(v)
	if err != nil {
		return nil, err
	}
	return encMode.Marshal(x)
}

func unplain(v any) (any, error) {
	switch v := v.(type) {
	case bool, nil:
		return v, nil
	case json.Number:
		return strconv.ParseUint(v.String(), 10, 64)
	case string:
		if text, ok := strings.CutPrefix(v, "t:"); ok {
			return text, nil
		}
		b, ok := strings.CutPrefix(v, "h:")
		if !ok {
			return nil, fmt.Errorf("%q is neither a text nor bytes", v[:min(len(v), 20)])
		}
		return hex.DecodeString(b)
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			var err error
			if list[i], err = unplain(e); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		fields := make(map[uint64]any, len(v))
		for k, e := range v {
			n, err := strconv.ParseUint(k, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("field: %w", err)
			}
			if fields[n], err = unplain(e); err != nil {
				return nil, err
			}
		}
		return fields, nil
	}
	return nil, fmt.Errorf("a value of type %T", v)
}
