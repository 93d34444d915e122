import type { VerifyResult } from '../../care/proof/verify.ts';
import type { Io } from '../command.ts';
import { sign } from './facts.ts';
import { styleFor } from './style.ts';
import { padTo, printable } from './text.ts';

export function describeVerification(
  io: Pick<Io, 'color'>,
  { id, ok, storage, depth, checks }: VerifyResult,
): string[] {
  const style = styleFor(io.color);
  const headline = ok ? style.good(`${depth} verified`) : style.bad('damaged');
  const shown = ok && checks.length > 12 ? summed(checks) : checks;
  const width = Math.max(0, ...shown.map(({ check }) => check.length));
  return [
    `${headline}  ${style.bold(id)}  in ${storage}`,
    ...shown.map((check) => {
      const detail = check.detail === '' ? '' : `  ${style.dim(printable(check.detail))}`;
      return `  ${sign(style, check.ok ? 'good' : 'bad')} ${padTo(check.check, width)}  ${printable(check.artifact)}${detail}`;
    }),
  ];
}

/** A directory dump has a file per table: when all are well, one line says so. */
function summed(checks: VerifyResult['checks']): VerifyResult['checks'] {
  const sums = checks.filter(({ check }) => check === 'checksum');
  const all = { artifact: `${sums.length} artifacts`, check: 'checksum', ok: true, detail: 'as stored' } as const;
  return [
    ...checks.filter(({ check }) => check === 'manifest'),
    all,
    ...checks.filter(({ check }) => check === 'structure'),
  ];
}
