import { expect, test } from 'vitest';
import type { Finding } from '../alerts/finding.ts';
import { carryOver } from './carry-over.ts';
import type { StorageFacts } from './facts.ts';

function finding(code: string, storage: string | null): Finding {
  const said = { message: 'm', meaning: 'm', hint: 'h' };
  return { code, severity: 'warning', source: 'shop', storage, value: null, threshold: null, ...said };
}

function place(name: string, answers: boolean): StorageFacts {
  const unreachable = answers ? null : { code: 'STORAGE_UNREACHABLE', message: 'm', hint: null };
  const rest = { title: name, minFree: null, missing: false, notWritable: null, free: null, clockAheadMs: null };
  return { name, unreachable, git: null, ...rest };
}

const facts = { storages: [place('local', true), place('offsite', false)] };
const down = finding('STORAGE_UNREACHABLE', 'offsite');

test.each<[string, Finding[], Finding[], string[]]>([
  ['found in what does not answer', [finding('SPACE_SHORT', 'offsite')], [down], ['SPACE_SHORT']],
  ['found in what answers: it is over', [finding('SPACE_SHORT', 'local')], [down], []],
  ['found anew', [finding('SPACE_SHORT', 'offsite')], [finding('SPACE_SHORT', 'offsite')], []],
  ['of no storage', [finding('BACKUP_OVERDUE', null)], [down], []],
  ['judged without the storage', [down, finding('COPY_PENDING', 'offsite')], [], []],
])('%s', (_, before, findings, expected) => {
  expect(carryOver(before, { findings, facts }).map(({ code }) => code)).toEqual(expected);
});
