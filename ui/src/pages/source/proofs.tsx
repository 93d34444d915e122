import { Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { BackupView } from '../../../../src/api/contract.ts';
import { ProofBadge } from '../../parts/badge.tsx';
import { formatAgo } from '../../parts/format.ts';
import { useNow } from '../../parts/time.tsx';
import { useFormat } from '../../parts/use-format.ts';

/** What was done to know that a backup is good. */
export function Proofs({ backup: { verified, drilled } }: { backup: BackupView }) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = useNow();
  const told = (at: string) =>
    t('source.told', { ago: formatAgo(new Date(at), now, format.language), exact: format.exact(at) });
  if (!verified && !drilled) {
    return (
      <Text size="sm" c="dimmed">
        {t('source.unproven')}
      </Text>
    );
  }
  return (
    <Stack gap={2}>
      {drilled ? (
        <ProofBadge
          ok={drilled.ok}
          label={drilled.ok ? t('source.drilled') : t('source.drilledBad')}
          told={told(drilled.at)}
        />
      ) : null}
      {verified ? (
        <ProofBadge
          ok={verified.ok}
          label={verified.ok ? t('source.verified') : t('source.verifiedBad')}
          told={told(verified.at)}
        />
      ) : null}
    </Stack>
  );
}
