import { expect, it } from 'vitest';
import { columnSchema, type Column } from '../tree-format.ts';
import type { Ids } from './ids.ts';
import { noteColumns } from './tables.ts';

const column = (id: string, uidt: string, more: object = {}): Column =>
  columnSchema.parse({ id, title: id, uidt, ...more });
const link = (id: string, type: string) =>
  column(id, 'LinkToAnotherRecord', { system: 1, colOptions: { type, fk_related_model_id: 'j' } });
const key = (id: string) => column(id, 'ForeignKey', { system: 1 });

it('what an interrupted restore has left: a link or key that NocoDB made for its own use is not taken for another one of these', () => {
  const plain = [column('Name', 'SingleLineText')];
  const saved = [
    column('Id', 'ID', { pk: 1 }),
    column('CreatedAt', 'CreatedTime', { system: 1 }),
    ...plain,
    link('hidden 1', 'hm'),
    link('hidden 2', 'hm'),
    key('key 1'),
    key('key 2'),
  ];
  const live = {
    columns: [
      column('live id', 'ID', { pk: 1 }),
      column('live created', 'CreatedTime', { system: 1 }),
      column('live name', 'SingleLineText', { title: 'Name' }),
      link('live link', 'bt'),
      key('live key'),
    ],
  };
  const ids: Ids = new Map();
  noteColumns(saved, { plain, foreignKeys: new Set(['key 1', 'key 2']) }, live, ids);
  expect([...ids]).toEqual([
    ['Id', 'live id'],
    ['CreatedAt', 'live created'],
    ['Name', 'live name'],
  ]);
});
