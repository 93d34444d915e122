import { expect, test } from 'vitest';
import { styleFor } from './style.ts';
import { renderTree } from './tree.ts';

test('branches are drawn, details follow, hostile labels stay on their line', () => {
  const lines = renderTree(
    {
      label: 'backup',
      children: [
        {
          label: 'database.dump',
          detail: '150 MB',
          children: [{ label: 'public', children: [{ label: 'users', detail: '5 rows' }] }],
        },
        { label: 'glo\nbals' },
      ],
    },
    styleFor(false),
  );
  expect(lines).toEqual([
    'backup',
    '├─ database.dump  150 MB',
    '│  └─ public',
    '│     └─ users  5 rows',
    String.raw`└─ glo\nbals`,
  ]);
});
