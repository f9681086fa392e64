package suid

// Hooks for the tests, which lie in another package.

var HookPowerless = powerless

const HookNumStandings = numStandings
