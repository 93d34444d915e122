import { Group } from '@mantine/core';
import { IconLock } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { BackupView } from '../../../../src/api/contract.ts';
import { Sign, StateBadge } from '../../parts/badge.tsx';
import { Facts } from '../../parts/facts.tsx';
import { useRunWords } from '../../parts/run-words.ts';
import { Time } from '../../parts/time.tsx';
import { useFormat } from '../../parts/use-format.ts';
import { Proofs } from '../source/proofs.tsx';
import type { ShownManifest } from './manifest.ts';

export function BackupFacts({ backup, manifest }: { backup: BackupView; manifest: ShownManifest | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { trigger } = useRunWords();
  const database = manifest?.database ?? null;
  const items = [
    {
      name: t('source.state'),
      value: (
        <Group gap="sm">
          <StateBadge state={backup.state} />
          {backup.held ? (
            <Sign icon={IconLock} color="cyan" label={t('source.held')} told={t('source.heldTold')} />
          ) : null}
        </Group>
      ),
    },
    { name: t('source.made'), value: <Time at={backup.createdAt} /> },
    { name: t('source.proven'), value: <Proofs backup={backup} /> },
    { name: t('source.about'), value: backup.description ?? '–' },
    {
      name: t('source.size'),
      value: database
        ? t('backup.sizeOf', { bytes: format.bytes(backup.bytes), live: format.bytes(database.sizeBytes) })
        : format.bytes(backup.bytes),
    },
    { name: t('backup.took'), value: backup.seconds === null ? '–' : format.seconds(backup.seconds) },
    { name: t('backup.trigger'), value: backup.trigger === null ? '–' : trigger(backup.trigger) },
    { name: t('backup.encryption'), value: manifest?.encryption ? t('backup.encrypted') : t('backup.plain') },
    ...(database
      ? [
          { name: t('backup.database'), value: `${database.name} · ${database.engine} ${database.serverVersion}` },
          { name: t('backup.locale'), value: `${database.encoding}, ${database.collation}` },
        ]
      : []),
    ...(manifest ? [{ name: t('backup.madeBy'), value: `Holdfast ${manifest.holdfast}, ${manifest.instance}` }] : []),
  ];
  return <Facts items={items} />;
}
