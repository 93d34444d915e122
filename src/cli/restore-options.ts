import { HoldfastError } from '../base/errors.ts';
import type { Source } from '../care/source.ts';
import type { CommandInput } from './command.ts';
import { wrongUsage } from './usage-error.ts';

const databaseOptions = ['into', 'in-place', 'table', 'schema', 'db-only', 'no-owner', 'if-connected', 'jobs'];

/** Left out unseen, `--into` would replace the live folders that it was to spare. */
export function refuseDatabaseOptions(input: CommandInput, source: string): void {
  const given = databaseOptions.filter((name) => input.flag(name) || input.texts(name).length > 0);
  if (given.length === 0) return;
  const named = given.map((name) => `--${name}`).join(', ');
  throw new HoldfastError(
    'OPTIONS_CONFLICT',
    `${named} ${given.length === 1 ? 'is' : 'are'} for databases, and the source ${source} has none`,
    {
      kind: 'usage',
      hint: given.includes('into')
        ? 'Beside the live folders: `holdfast restore files <id> --to <empty folder>`.'
        : 'Leave it out; `holdfast restore files --help` shows what there is for folders.',
    },
  );
}

export function checkOptions(input: CommandInput): void {
  if (input.text('id') === undefined && !input.flag('undo')) {
    throw wrongUsage(
      'restore needs to know what: an id, `latest` or a dump file',
      'See what there is with `holdfast list`.',
    );
  }
  if (input.text('id') !== undefined && input.flag('undo')) {
    throw wrongUsage('--undo takes no backup: it swaps the databases back', 'Leave out the id, or --undo.');
  }
  const aimed = ['table', 'schema'].filter((name) => input.texts(name).length > 0);
  const chosen = ['into', 'in-place', 'keep-old'].filter((name) => input.flag(name) || input.text(name) !== undefined);
  const others = [...chosen, ...aimed].map((name) => `--${name}`);
  if (input.flag('undo') && others.length > 0) {
    throw wrongUsage(
      `--undo takes back a whole restore, and has no ${others.join(', ')}`,
      'Leave them out; `holdfast restore ID --table ...` brings back single tables.',
    );
  }
}

/** Where nothing that was live before is left over, there is nothing to keep. */
export function refuseIdleKeepOld(input: CommandInput, source: Source): void {
  const beside = input.text('into') !== undefined || ['table', 'schema'].some((name) => input.texts(name).length > 0);
  const inPlace = input.flag('in-place') && source.apps.length === 0;
  if (!input.flag('keep-old') || !(beside || inPlace)) return;
  throw wrongUsage(
    `with ${beside ? '--into, --table and --schema' : '--in-place'} no former database is left over that --keep-old could keep`,
    'The safety backup is the way back there.',
  );
}
