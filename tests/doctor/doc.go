// Package doctor runs the launcher with --doctor where something is in the way: the real
// thing where this machine has it, otherwise a simulation that makes the same step fail
// with the same errno. What is printed as the fix is then typed as printed, and the
// launch has to work.
//
// What takes another kernel is in tests/vm; what takes another machine is recorded, in
// sandbox/doctor/testdata.
package doctor
