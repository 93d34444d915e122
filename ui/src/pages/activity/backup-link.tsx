import { Anchor } from '@mantine/core';
import { Link } from 'wouter';
import type { RunView } from '../../../../src/api/contract.ts';

/** To the backup a run was about; nothing where there is none any more. */
export function BackupLink({ run: { source, backup, operation } }: { run: RunView }) {
  if (source === null || backup === null) return '–';
  if (operation === 'delete') return backup;
  return (
    <Anchor
      component={Link}
      href={`/sources/${encodeURIComponent(source)}/${encodeURIComponent(backup)}`}
      size="sm"
      ff="monospace"
    >
      {backup}
    </Anchor>
  );
}
