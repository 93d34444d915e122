import type { LoadOptions } from '../../src/engines/engine.ts';

/** All of a dump, as it is, from somebody who has allowed nothing. */
export const wholeLoad: LoadOptions = {
  scope: null,
  owners: 'keep',
  policies: 'keep',
  jobs: null,
  allowForeignScript: false,
  allowUnpatchedTools: false,
  allowSuperuser: false,
};
