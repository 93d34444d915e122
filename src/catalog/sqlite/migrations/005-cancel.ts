/** Somebody wants a run to end; and what the scheduler asks for at every change. */
export const cancel = `
alter table runs add column cancel text;
create index runs_good on runs (operation, source) where state in ('succeeded', 'partial');
`;
