package hosted

import (
	"os/exec"
	"strings"
	"testing"
)

// TestUnnoticed: a program that was started as a launcher by another name than its own
// link's, so that it does not notice, does not go on as if nothing was.
func TestUnnoticed(t *testing.T) {
	for _, name := range []string{"plain", "race"} {
		c := &exec.Cmd{Path: built[name], Args: []string{"gobwrap: monitor", "3", "4", "0"}}
		out, err := c.CombinedOutput()
		if err == nil || err.Error() != "exit status 1" || !strings.Contains(string(out), "can't start itself as a sandbox's monitor") {
			t.Errorf("%s: %v, %s", name, err, out)
		}
	}
}
