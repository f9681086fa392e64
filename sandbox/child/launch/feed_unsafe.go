package launch

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: every process of a launch.

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
)

// SocketPair makes a pair of them, away from the numbers that callers hand in.
func SocketPair() (a, b uintptr) {
	a, b, e := Acting.SocketPair()
	if e != 0 {
		step.GiveUp(raw.Text("Can't make a socket pair\x00"), e)
	}
	return a, b
}

// OpenFeed makes the pair of sockets between the monitor and the sandbox's first process: the
// payload's status comes from init through it, and its closed end shows that the monitor has
// ended.
func OpenFeed() {
	Feed.Monitor, Feed.Child = SocketPair()
}

// ReopenFeed forgets what a first attempt may have left in the feed.
func ReopenFeed() {
	raw.Close(Feed.Monitor)
	if Feed.Child != 0 {
		raw.Close(Feed.Child)
	}
	OpenFeed()
}

// SendBegun tells the monitor that set-up is over. It comes before the payload's filters.
func SendBegun(end uintptr) {
	raw.SendWord(end, WordBegun)
}

// Words on the feed, besides placeholder.Word and what follows it. sandbox/child/doc.go lists all
// of them.
const (
	// WordAnnounced: the first process has made itself known. From it.
	WordAnnounced = 1
	// WordReachedGo: a tentative attempt has come to OpGo. From the first process.
	WordReachedGo = 2
	// WordBegun: set-up is over, and the payload's own steps follow. From the payload's process.
	WordBegun = 1 << 30
	// WordEnded marks the payload's wait status, the lowest 16 bits. From init.
	WordEnded = 1 << 29
	// WordStopped: the payload has stopped, by the signal in the lowest bits. From init.
	WordStopped = 1 << 28
	// WordContinued: the payload has been continued. From init, where the monitor stops with it.
	WordContinued = 1 << 27
	// WordInitEnds, with WordEnded: init has no other child, and ends now.
	WordInitEnds = 1 << 31
)

// Message is a plan.Message without a text; see plan.Message.Namespace.
type Message struct {
	Kind, Step, Sub, Errno, Extra uint32
	_                             uint32
	Namespaces                    [plan.NumNamespaces]uint64
	_                             [plan.MessageSize - plan.MessageText - 4 - 8*plan.NumNamespaces]byte
}
