package bench

// goal is a figure to reach: more says that more of it is better.
type goal struct {
	value float64
	more  bool
}

// goals are the figures that the design asks for on a machine of two cores; docs/performance.md tells where they come from.
func goals() map[string]goal {
	atLeast := func(v float64) goal { return goal{v, true} }
	atMost := func(v float64) goal { return goal{v, false} }
	return map[string]goal{
		"push.docs_per_second":                atLeast(25_000),
		"push.batch_p99":                      atMost(40),
		"push.server_cpu_per_doc":             atMost(0.05),
		"push.disk_over_payload":              atMost(2.0),
		"push.disk_over_payload_restarted":    atMost(1.2),
		"pull.one_docs_per_second":            atLeast(150_000),
		"pull.twenty_docs_per_second":         atLeast(250_000),
		"pull.wire_bytes_per_doc":             atMost(100),
		"delta.bytes":                         atMost(60_000),
		"delta.first":                         atMost(10),
		"delta.again":                         atMost(10),
		"delta.nothing_new_p50":               atMost(0.5),
		"delta.nothing_new_bytes":             atMost(300),
		"delta.nothing_new_bytes_http2":       atMost(300),
		"delta.nothing_new_round_trips":       atMost(1),
		"live.p50":                            atMost(1.5),
		"live.p99":                            atMost(4),
		"idle.memory_per_watcher":             atMost(12),
		"idle.memory_per_watcher_http2":       atMost(12),
		"idle.write_reaches_p50":              atMost(40),
		"idle.writer_answer_p50":              atMost(3),
		"photos.mb_per_second":                atLeast(300),
		"photos.server_cpu_per_gb":            atMost(3),
		"photos.of_plain_put_s3":              atLeast(0.9),
		"start.first_answer":                  atMost(100),
		"start.idle_memory":                   atMost(40),
		"desk.load":                           atMost(2000),
		"desk.queue_p99":                      atMost(50),
		"desk.list_p99":                       atMost(50),
		"desk.text_p99":                       atMost(50),
		"desk.story_p99":                      atMost(50),
		"desk.inbox_p99":                      atMost(50),
		"export.facts_csv_rows_per_second":    atLeast(30_000),
		"export.history_csv_rows_per_second":  atLeast(30_000),
		"export.history_xlsx_rows_per_second": atLeast(20_000),
		"export.history_csv_first_byte":       atMost(500),
		"export.history_xlsx_first_byte":      atMost(500),
		"export.facts_xlsx_memory_peak":       atMost(256),
		"export.history_csv_memory_peak":      atMost(256),
		"export.history_xlsx_memory_peak":     atMost(256),
		"export.queue_p99_beside":             atMost(50),
		"import.seconds":                      atMost(600),
		"import.again_seconds":                atMost(120),
		"import.changed_seconds":              atMost(120),
		"import.memory_peak":                  atMost(1024),
	}
}
