/** As `catalog/turned-away.ts` says it. */
const saysNothing = (run: string) =>
  `(${run}.state = 'cancelled'
    or (${run}.state = 'failed' and coalesce(${run}.error ->> '$.code', '') in ('SOURCE_BUSY', 'BACKUP_BUSY')))`;

const seconds = (run: string) =>
  `max(0, unixepoch(${run}.finished_at, 'subsec') - unixepoch(${run}.started_at, 'subsec'))`;

/** A run that somebody stopped is not how the last one went either: the one before it still tells how things stand. */
export const cancelledRuns = `
update latest_runs set (ended_at, ended_state, ended_seconds) = (
    select finished_at, state, ${seconds('runs')} from runs
    where coalesce(runs.source, '') = latest_runs.source and runs.operation = latest_runs.operation
      and finished_at is not null and not ${saysNothing('runs')}
    order by rowid desc limit 1)
  where ended_state = 'cancelled';

drop trigger runs_ended;
create trigger runs_ended after update of finished_at on runs when old.finished_at is null and new.finished_at is not null begin
  insert into run_totals (operation, state, count)
    values (new.operation, iif(new.state <> 'cancelled' and ${saysNothing('new')}, 'turned-away', new.state), 1)
  on conflict (operation, state) do update set count = count + 1;
  update latest_runs set ended_at = new.finished_at, ended_state = new.state, ended_seconds = ${seconds('new')}
  where source = coalesce(new.source, '') and operation = new.operation and not ${saysNothing('new')};
  update latest_runs set succeeded_at = ended_at, succeeded_seconds = ended_seconds
  where source = coalesce(new.source, '') and operation = new.operation and new.state = 'succeeded';
end;
`;
