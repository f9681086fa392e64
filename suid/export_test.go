package suid

// Hooks for the tests, which lie in another package.

var HookPowerless = isPowerless

const HookNumKinds = numKinds
