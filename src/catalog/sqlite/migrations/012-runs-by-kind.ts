/** For the last ones of a kind that ended well or not: of one of many sources, or among many thousands of one. */
export const runsByKind = `
create index runs_by_kind on runs (source, operation, state);
`;
