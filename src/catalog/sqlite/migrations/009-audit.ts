const end = (run: string) => `open = 0, outcome = iif(${run}.state = 'succeeded', 'done', ${run}.state),
    detail = coalesce(${run}.error ->> '$.code', detail), target = coalesce(target, ${run}.backup)`;

/**
 * What is done is written down before it begins, and how it ended in the same line. The end of a run comes from wherever it is ended, be it
 * another process that finds it cut off; therefore triggers.
 */
export const audit = `
alter table audit add column run text;
alter table audit add column open integer not null default 0;
create index audit_open on audit (run) where open = 1;

create trigger audit_run_ended after update of finished_at on runs when new.finished_at is not null begin
  update audit set ${end('new')} where run = new.id and open = 1;
end;

create trigger audit_run_known after update of run on audit when new.open = 1 begin
  update audit set ${end('runs')} from runs
    where audit.number = new.number and runs.id = new.run and runs.finished_at is not null;
end;
`;
