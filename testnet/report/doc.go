// Package report runs scenarios and writes what comes out of them: one folder a
// run, with
//
//	manifest.json   what was run by which program, and the lengths and hashes of the rest
//	summary.csv     a row per replicate: every figure
//	timeseries.csv  long form: point, replicate, time, metric, group, value
//	events.jsonl    what happened, a line each
//	report.html     all of it to look at; needs no network
//
// The same scenario, seed and program give the same bytes, however many
// processors, interruptions and shards there were. There is no wall-clock time in any file.
//
// # How a run is kept
//
// Each job (a point of the sweep, one replicate) writes its events and samples
// into files of its own under parts/, syncs them, gives them their names, and
// at last writes a small JSON file with their lengths and hashes: with that file
// the job is done, and a run that is started again skips it. When all
// jobs are done the parts are joined in the order of the jobs, the manifest is
// written, and parts/ is removed. A shard stops before that: its parts are what merge joins.
package report
