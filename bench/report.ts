import Table from 'cli-table3';
import { formatBytes } from '../src/base/units.ts';
import type { Machine } from './machine.ts';

/** One line of the result. */
export interface Finding {
  group: string;
  name: string;
  seconds?: number;
  /** Stored. */
  bytes?: number;
  /** In proportion to what it is compared with, in words; with its bound and whether it holds. */
  measured?: string;
  bound?: string;
  ok?: boolean;
}

export function renderReport(machine: Machine, what: string, findings: readonly Finding[]): string {
  const table = new Table({
    head: ['', '', 'seconds', 'stored', 'measured', 'bound', ''],
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    colAligns: ['left', 'left', 'right', 'right', 'left', 'left', 'left'],
  });
  let last = '';
  for (const { group, name, seconds, bytes, measured, bound, ok } of findings) {
    table.push([
      group === last ? '' : group,
      name,
      seconds?.toFixed(2) ?? '',
      bytes === undefined ? '' : formatBytes(bytes),
      measured ?? '',
      bound ?? '',
      ok === undefined ? '' : ok ? 'pass' : 'FAIL',
    ]);
    last = group;
  }
  const { processor, cores, memory, system, node, date } = machine;
  return [`${date}: ${processor}, ${cores} cores, ${memory}, ${system}, Node ${node}`, what, table.toString()].join(
    '\n',
  );
}
