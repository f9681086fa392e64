package profile

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// shape is the keys of an object that mean something; what lies below, where it is an
// object or a list of them.
type shape map[string]shape

func shapeOfProfile() shape {
	condition := shape{"caps": nil, "arches": nil, "minKernel": nil}
	return shape{
		"defaultAction": nil, "defaultErrnoRet": nil, "defaultErrno": nil, "architectures": nil,
		"flags": nil, "listenerPath": nil, "listenerMetadata": nil,
		"archMap": {"architecture": nil, "subArchitectures": nil},
		"syscalls": {
			"name": nil, "names": nil, "action": nil, "errnoRet": nil, "errno": nil, "comment": nil,
			"includes": condition, "excludes": condition,
			"args": {"index": nil, "value": nil, "valueTwo": nil, "op": nil},
		},
	}
}

// unknownKeys lists the keys of a profile that mean nothing, with their place.
func unknownKeys(text []byte) []string {
	var top any
	if json.Unmarshal(text, &top) != nil {
		return nil
	}
	return shapeOfProfile().unknown("", top)
}

func (s shape) unknown(place string, v any) (out []string) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			out = append(out, s.unknown(fmt.Sprintf("%s[%d]", place, i), v[i])...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			below, known := s.find(key)
			at := strings.TrimPrefix(place+"."+key, ".")
			if !known {
				out = append(out, at)
			} else if below != nil {
				out = append(out, below.unknown(at, v[key])...)
			}
		}
	}
	return out
}

// find looks a key up as package json does: without regard to case.
func (s shape) find(key string) (shape, bool) {
	for k, below := range s {
		if strings.EqualFold(k, key) {
			return below, true
		}
	}
	return nil, false
}
