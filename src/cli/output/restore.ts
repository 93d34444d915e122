import { formatDuration } from '../../base/units.ts';
import { tableTitle, type TableName } from '../../engines/engine.ts';
import type { House } from '../../house.ts';
import type { RestorePlan, RestoreRequest } from '../../restore/plan.ts';
import type { RestoreResult } from '../../restore/restore.ts';
import type { CommandContext, Io } from '../command.ts';
import { describeComparison } from './comparison.ts';
import { renderFacts, sign, type Fact } from './facts.ts';
import { describeGuards } from './guards.ts';
import { styleFor, type Style } from './style.ts';
import { printable } from './text.ts';
import { formatAge, formatTime } from './time.ts';

/** How to draw on one of the two outputs. */
export interface Look {
  style: Style;
  color: boolean;
  columns: number;
}

export function outputLook({ color, terminal, columns }: Io): Look {
  return { style: styleFor(color), color, columns: terminal ? columns : Number.POSITIVE_INFINITY };
}

export function errorLook({ errorColor, live, columns }: Io): Look {
  return { style: styleFor(errorColor), color: errorColor, columns: live ? columns : Number.POSITIVE_INFINITY };
}

const ways = {
  swap: 'loaded beside the live database, compared, then the two change places',
  'in-place': 'replaced inside the live database, in one transaction',
  new: 'filled; the live database of the source is not touched',
} as const;

/** What a restore would do, and the checklist of its guards. */
export function describePlan(
  { clock }: CommandContext,
  { timezone, instance }: House,
  plan: RestorePlan,
  request: RestoreRequest,
  look: Look,
): string[] {
  const made = plan.archive?.manifest;
  // Where several write into one place, the newest backup may be of another.
  const by = made && made.instance !== instance ? `, by ${made.instance}` : '';
  const safety = request.safetyBackup
    ? 'the live database is backed up first'
    : 'none: the live database is not backed up first';
  const facts: Fact[] = [
    ['restore', plan.from],
    ['taken', made && `${formatTime(made.startedAt, timezone)} (${formatAge(made.startedAt, clock.now())})${by}`],
    ['note', made?.description],
    ['only', request.scope && describeScope(request.scope)],
    ['target', plan.target.title],
    ['way', ways[plan.mode]],
    ['files', plan.files.map(({ name, target }) => `${name} in ${target}`).join(', ')],
    ['safety', plan.destructive && plan.mode !== 'new' ? safety : null],
  ];
  return [...renderFacts(look, facts), '', ...describeGuards(plan.guards, look)];
}

/** Whoever confirms must see what is replaced; a page of names nobody reads. */
const mostNamed = 20;

function describeScope({ tables, schemas }: { tables: readonly TableName[]; schemas: readonly string[] }): string {
  const named = (one: string, names: readonly string[]) => {
    if (names.length === 0) return [];
    const more = names.length > mostNamed ? `, and ${names.length - mostNamed} more` : '';
    return [`${names.length === 1 ? one : `${one}s`} ${names.slice(0, mostNamed).join(', ')}${more}`];
  };
  return [...named('table', tables.map(tableTitle)), ...named('schema', schemas)].join(', ');
}

/** `asked`: what has to stand behind a command so that it means this source. */
export function describeRestore(io: Io, result: RestoreResult, asked: string): string[] {
  const style = styleFor(io.color);
  return [
    `${style.good('restored')}  ${style.bold(result.id)}  to ${result.target}`,
    ...describeComparison(io, result),
    ...result.warnings.map((warning) => `  ${sign(style, 'warn')} ${printable(warning)}`),
    ...renderFacts(
      io,
      [
        [
          'time',
          `${formatDuration(result.seconds * 1000)}, of it ${formatDuration(result.loadSeconds * 1000)} loading`,
        ],
        ['safety backup', result.safety],
        ['kept as', result.previous],
        ['files', result.files.map(({ name, target }) => `${name} in ${target}`).join(', ')],
        ['next', result.next.join('; ')],
        ['way back', wayBack(result, asked)],
      ],
      '  ',
    ),
  ];
}

function wayBack({ previous, safety }: RestoreResult, asked: string): string | null {
  if (previous !== null) return `holdfast restore --undo${asked}`;
  return safety === null ? null : `holdfast restore ${safety}${asked}`;
}
