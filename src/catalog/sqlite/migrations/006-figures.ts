/**
 * Sums that outlive the runs they were made of, kept by triggers, so that no way of writing forgets them; and indexes that
 * answer without reading the manifests' facts.
 */
export const figures = `
create table run_totals (
  operation text not null,
  state text not null,
  count integer not null,
  primary key (operation, state)
) strict;

create table latest_runs (
  source text not null,
  operation text not null,
  started_at text not null,
  ended_at text,
  ended_state text,
  ended_seconds real,
  succeeded_at text,
  succeeded_seconds real,
  primary key (source, operation)
) strict;

create trigger runs_begun after insert on runs begin
  insert into latest_runs (source, operation, started_at) values (coalesce(new.source, ''), new.operation, new.started_at)
  on conflict (source, operation) do update set started_at = excluded.started_at;
end;

create trigger runs_ended after update of finished_at on runs when old.finished_at is null and new.finished_at is not null begin
  insert into run_totals (operation, state, count) values (new.operation, new.state, 1)
  on conflict (operation, state) do update set count = count + 1;
  update latest_runs set ended_at = new.finished_at, ended_state = new.state,
    ended_seconds = max(0, unixepoch(new.finished_at, 'subsec') - unixepoch(new.started_at, 'subsec'))
  where source = coalesce(new.source, '') and operation = new.operation;
  update latest_runs set succeeded_at = ended_at, succeeded_seconds = ended_seconds
  where source = coalesce(new.source, '') and operation = new.operation and new.state = 'succeeded';
end;

create trigger runs_added_ended after insert on runs when new.finished_at is not null begin
  update runs set finished_at = null where id = new.id;
  update runs set finished_at = new.finished_at where id = new.id;
end;

insert into run_totals (operation, state, count)
  select operation, state, count(*) from runs where finished_at is not null group by operation, state;
insert into latest_runs (source, operation, started_at)
  select coalesce(source, ''), operation, started_at from runs
  where rowid in (select max(rowid) from runs group by source, operation);
update latest_runs set (ended_at, ended_state, ended_seconds) = (
  select finished_at, state, max(0, unixepoch(finished_at, 'subsec') - unixepoch(started_at, 'subsec')) from runs
  where coalesce(runs.source, '') = latest_runs.source and runs.operation = latest_runs.operation and finished_at is not null
  order by rowid desc limit 1);
update latest_runs set (succeeded_at, succeeded_seconds) = (
  select finished_at, max(0, unixepoch(finished_at, 'subsec') - unixepoch(started_at, 'subsec')) from runs
  where coalesce(runs.source, '') = latest_runs.source and runs.operation = latest_runs.operation and state = 'succeeded'
  order by rowid desc limit 1);

alter table backups add column started_at text generated always as (facts ->> '$.startedAt') virtual;
alter table backups add column bytes integer generated always as (cast(facts ->> '$.bytes' as integer)) virtual;
alter table backups add column raw_bytes integer generated always as (cast(facts ->> '$.rawBytes' as integer)) virtual;
alter table backups add column safety integer generated always as (facts ->> '$.trigger' = 'safety') virtual;
create index backups_figures on backups (source, storage, state, id, safety, started_at, bytes, raw_bytes);
create index proofs_latest on proofs (kind, source, at, ok, seconds);
`;
