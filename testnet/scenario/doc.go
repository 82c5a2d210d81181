// Package scenario reads what a modelled friendnet is to be: TOML files with
// groups of members, a topology, a policy, events, and sweeps over any of
// their keys. The format is in docs/spec/scenario.md.
//
// A file is decoded strictly. Every error names the line and the key, and what
// would be right. Nothing here runs a scenario: package report does.
package scenario
