import { Modal, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { ResponseOf, Routes } from '../../../../src/api/contract.ts';
import { call } from '../../api/client.ts';
import { StateBadge } from '../../parts/badge.tsx';
import { DataTable } from '../../parts/data-table.tsx';
import { Section } from '../../parts/page.tsx';
import { Shown } from '../../parts/shown.tsx';
import { Time } from '../../parts/time.tsx';
import { useFormat } from '../../parts/use-format.ts';

type Preview = ResponseOf<Routes['planPrune']>[number];

interface RetentionDialogProps {
  source: string;
  opened: boolean;
  onClose: () => void;
}

/** Each backup with the rule that keeps it or lets it go. */
export function RetentionDialog({ source, opened, onClose }: RetentionDialogProps) {
  const { t } = useTranslation();
  const preview = useQuery({
    queryKey: ['retention', source],
    queryFn: ({ signal }) => call('POST', '/prune/plan', { body: { source }, signal }),
    enabled: opened,
    gcTime: 0,
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="xl"
      title={t('source.retention')}
      closeButtonProps={{ 'aria-label': t('confirm.close') }}
    >
      <Stack>
        <Text size="sm" c="dimmed">
          {t('source.retentionText')}
        </Text>
        <Shown query={preview}>
          {(storages) => storages.map((each) => <Storage key={each.storage} preview={each} />)}
        </Shown>
      </Stack>
    </Modal>
  );
}

function Storage({ preview: { storage, decisions } }: { preview: Preview }) {
  const { t } = useTranslation();
  const format = useFormat();
  const going = decisions.filter(({ keep }) => !keep);
  const bytes = format.bytes(going.reduce((sum, each) => sum + (each.bytes ?? 0), 0));
  const title =
    going.length === 0
      ? t('source.retentionNone', { storage })
      : t('source.retentionSum', { storage, count: going.length, bytes });
  return (
    <Section title={title}>
      <DataTable
        label={title}
        rows={decisions}
        keyOf={({ id }) => id}
        columns={[
          { title: t('source.made'), cell: ({ at }) => <Time at={at} exact /> },
          {
            title: t('source.state'),
            cell: ({ keep }) =>
              keep ? (
                <StateBadge state="ok" label={t('source.retentionKeep')} />
              ) : (
                <StateBadge state="missing" label={t('source.retentionGo')} />
              ),
          },
          { title: t('source.why'), cell: ({ reasons }) => reasons.join(', ') },
        ]}
      />
    </Section>
  );
}
