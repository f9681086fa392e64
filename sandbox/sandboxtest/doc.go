// Package sandboxtest is for tests of programs that start sandboxes, and of code that
// runs in them.
//
//	func TestBuild(t *testing.T) {
//		sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
//			out, err := m.Command(spec, "make").CombinedOutput()
//			…
//		})
//	}
//
//	func TestNothingToSee(t *testing.T) {
//		sandboxtest.Run(t, sandbox.Spec{}, func() {
//			if _, err := os.Stat("/etc"); !errors.Is(err, fs.ErrNotExist) {
//				t.Error("the host's /etc can be seen")
//			}
//		})
//	}
//
// [Modes] runs a part of a test once for each way in which sandboxes can be made: by
// root, by an ordinary user, and by an ordinary user through a binary that is installed
// set-user-id root. Only root can try all three: the test binary is then started again as
// a user without a name, for that part. [Run] starts the test binary again too, inside a
// sandbox; in a part of Modes it makes that in the same way. What stands in a test before
// the call is run there as well. The binary may be linked dynamically, as with cgo or for
// the race detector.
package sandboxtest
