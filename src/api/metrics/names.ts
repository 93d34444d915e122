/** A measured thing as Prometheus knows it; docs/metrics.md has a line for each. */
export interface Metric {
  readonly kind: 'gauge' | 'counter';
  readonly help: string;
  readonly labels: readonly string[];
}

const gauge = (help: string, ...labels: string[]): Metric => ({ kind: 'gauge', help, labels });
const counter = (help: string, ...labels: string[]): Metric => ({ kind: 'counter', help, labels });

/** All of them, in the order of the page. Names are kept: dashboards and alert rules rely on them. */
export const metrics = {
  holdfast_up: gauge('1 when /healthz says that all is well, else 0.'),
  holdfast_info: gauge('Always 1; its labels say what runs.', 'version', 'instance'),
  holdfast_scheduler_tick_timestamp_seconds: gauge('When the scheduler last went through its plans.'),
  holdfast_runs_running: gauge('Runs going on now, scheduled or not.', 'operation'),
  holdfast_runs_waiting: gauge('Scheduled runs whose time has come and that have not begun.'),
  holdfast_next_run_timestamp_seconds: gauge('When a plan is due next.', 'plan'),
  holdfast_runs_total: counter('Runs that ended, since the state folder exists.', 'operation', 'state'),
  holdfast_last_attempt_timestamp_seconds: gauge('When the last run of its kind began.', 'source', 'operation'),
  holdfast_last_run_timestamp_seconds: gauge(
    'When the last run of its kind ended that was neither cancelled nor turned away.',
    'source',
    'operation',
    'state',
  ),
  holdfast_last_run_ok: gauge('1 when that run succeeded, else 0.', 'source', 'operation'),
  holdfast_last_success_timestamp_seconds: gauge('When the last run that succeeded ended.', 'source', 'operation'),
  holdfast_last_success_duration_seconds: gauge('How long that run took.', 'source', 'operation'),
  holdfast_newest_backup_timestamp_seconds: gauge('When the data of the newest good backup was read.', 'source'),
  holdfast_newest_backup_stored_bytes: gauge('What that backup takes in one storage.', 'source'),
  holdfast_newest_backup_raw_bytes: gauge('The same before compression, where it is known.', 'source'),
  holdfast_backups: gauge('Backups in a storage, as last seen.', 'source', 'storage'),
  holdfast_backups_damaged: gauge('Those of them that are not whole, or failed their last drill.', 'source', 'storage'),
  holdfast_stored_bytes: gauge('What they take there.', 'source', 'storage'),
  holdfast_copies_pending: gauge('Copies that a storage is still owed.', 'source', 'storage'),
  holdfast_last_verify_timestamp_seconds: gauge('When a backup was last verified.', 'source'),
  holdfast_last_verify_ok: gauge(
    '1 when every backup that is still there was whole when it was last verified, else 0.',
    'source',
  ),
  holdfast_last_drill_timestamp_seconds: gauge('When a backup was last restored for a try.', 'source'),
  holdfast_last_drill_ok: gauge('1 when everything was as it should be in that one, else 0.', 'source'),
  holdfast_last_drill_duration_seconds: gauge('How long that took.', 'source'),
  holdfast_findings: gauge('What the last check found.', 'source', 'severity'),
  holdfast_last_check_timestamp_seconds: gauge('When the last check was complete.'),
  holdfast_incidents_open: gauge('What is the matter now, by what alerts know.', 'severity'),
  holdfast_deliveries: gauge('Messages that wait for a channel, or could not be delivered.', 'channel', 'state'),
  process_cpu_seconds_total: counter('Processor time of the daemon itself, without the tools it starts.'),
  process_resident_memory_bytes: gauge('Memory of the daemon itself.'),
  process_start_time_seconds: gauge('When the daemon began.'),
  nodejs_heap_used_bytes: gauge('Of that memory, what its own objects take.'),
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof metrics;
