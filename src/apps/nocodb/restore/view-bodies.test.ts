import { expect, it } from 'vitest';
import { savedViewSchema } from '../tree-format.ts';
import { kindBody, newViewBody, viewKind } from './view-bodies.ts';

it('gives a view of cards no cover that it did not have: NocoDB takes the first field of files where nothing is said', () => {
  const saved = (view: Record<string, unknown>) =>
    savedViewSchema.parse({
      view: { id: 'v1', title: 'Cards', type: 4, view },
      columns: [],
      sorts: [],
      filters: [],
    });
  const ids = new Map([
    ['clgaaaaaaaaaaaa', 'clgbbbbbbbbbbbb'],
    ['cov0000000000aa', 'cov0000000000bb'],
  ]);
  const without = saved({ fk_grp_col_id: 'clgaaaaaaaaaaaa', fk_cover_image_col_id: null });
  const kanban = viewKind(without.view);
  if (kanban === null) throw new Error('no such kind');
  expect(newViewBody(without, kanban, ids)).toEqual({
    title: 'Cards',
    type: 4,
    fk_grp_col_id: 'clgbbbbbbbbbbbb',
    fk_cover_image_col_id: null,
  });
  expect(kindBody(without, kanban, ids)).toEqual({ fk_grp_col_id: 'clgbbbbbbbbbbbb', fk_cover_image_col_id: null });
  const withCover = saved({ fk_grp_col_id: 'clgaaaaaaaaaaaa', fk_cover_image_col_id: 'cov0000000000aa' });
  expect(kindBody(withCover, kanban, ids)).toMatchObject({ fk_cover_image_col_id: 'cov0000000000bb' });
});
