package broker

// Hooks for the tests, which lie in another package.

var HookReceive = receive
