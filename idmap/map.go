package idmap

import "strconv"

// Single is the text of a uid_map or gid_map with one line that maps one id.
// Ids are unsigned: directory services hand out those above 2³¹ (user_namespaces(7)).
func Single(inside, outside uint32) string {
	return strconv.FormatUint(uint64(inside), 10) + " " + strconv.FormatUint(uint64(outside), 10) + " 1\n"
}
