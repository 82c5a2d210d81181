// Package lifecycle starts, stops and steers the long-lived parts of a process:
// a Group closes them in reverse and names the one that is slow, a Cycle is a
// loop that a test can pause, trigger and await.
package lifecycle
