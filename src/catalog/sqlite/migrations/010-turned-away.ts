/** As `catalog/turned-away.ts` says it. */
const turnedAway = (run: string) =>
  `(${run}.state = 'failed' and coalesce(${run}.error ->> '$.code', '') in ('SOURCE_BUSY', 'BACKUP_BUSY'))`;

const seconds = (run: string) =>
  `max(0, unixepoch(${run}.finished_at, 'subsec') - unixepoch(${run}.started_at, 'subsec'))`;

/**
 * A run that another one kept from beginning is no failed one, in the sums and in what is known of the last. Of prunes that ended so before,
 * only their result told it. What is counted of runs forgotten since stays as it was.
 */
export const turnedAwayRuns = `
update runs set error = (
    select json(place.value ->> '$.error') from json_each(runs.result) as place
    where place.value ->> '$.error.code' is not null limit 1)
  where operation = 'prune' and state = 'failed' and error is null and json_valid(result) and json_type(result) = 'array'
    and exists (select 1 from json_each(runs.result) as place where place.value ->> '$.error.code' is not null)
    and not exists (
      select 1 from json_each(runs.result) as place
      where coalesce(json_array_length(place.value, '$.failed'), 1) > 0
        or coalesce(place.value ->> '$.error.code', 'SOURCE_BUSY') not in ('SOURCE_BUSY', 'BACKUP_BUSY'));

insert into run_totals (operation, state, count)
  select operation, 'turned-away', count(*) from runs
  where finished_at is not null and ${turnedAway('runs')} group by operation;
update run_totals set count = run_totals.count - away.count
  from run_totals as away
  where away.operation = run_totals.operation and away.state = 'turned-away' and run_totals.state = 'failed';
delete from run_totals where count <= 0;

update latest_runs set (ended_at, ended_state, ended_seconds) = (
    select finished_at, state, ${seconds('runs')} from runs
    where coalesce(runs.source, '') = latest_runs.source and runs.operation = latest_runs.operation
      and finished_at is not null and not ${turnedAway('runs')}
    order by rowid desc limit 1)
  where exists (
    select 1 from runs
    where coalesce(runs.source, '') = latest_runs.source and runs.operation = latest_runs.operation
      and runs.finished_at = latest_runs.ended_at and ${turnedAway('runs')});

drop trigger runs_ended;
create trigger runs_ended after update of finished_at on runs when old.finished_at is null and new.finished_at is not null begin
  insert into run_totals (operation, state, count)
    values (new.operation, iif(${turnedAway('new')}, 'turned-away', new.state), 1)
  on conflict (operation, state) do update set count = count + 1;
  update latest_runs set ended_at = new.finished_at, ended_state = new.state, ended_seconds = ${seconds('new')}
  where source = coalesce(new.source, '') and operation = new.operation and not ${turnedAway('new')};
  update latest_runs set succeeded_at = ended_at, succeeded_seconds = ended_seconds
  where source = coalesce(new.source, '') and operation = new.operation and new.state = 'succeeded';
end;

create index proofs_failed on proofs (source, backup, kind, storage, at) where ok = 0;
`;
