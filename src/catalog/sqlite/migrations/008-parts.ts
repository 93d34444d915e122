/** A backup of some parts of a source stands in for no whole one, in the history of runs as in the numbers. */
export const parts = `
drop index runs_good;
create index runs_good on runs (operation, source)
  where state in ('succeeded', 'partial') and result ->> '$.only' is null;

alter table backups add column some integer generated always as (facts ->> '$.only' is not null) virtual;
drop index backups_figures;
create index backups_figures on backups (source, storage, state, id, safety, some, started_at, bytes, raw_bytes);
`;
