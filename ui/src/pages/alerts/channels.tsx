import { Button, Card, Group, Stack, Text } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useMay } from '../../api/session.ts';
import { Refusal } from '../../parts/refusal.tsx';
import { Empty } from '../../parts/shown.tsx';
import type { Channel } from './overview.ts';
import { TestOutcome, useTest } from './test-channel.tsx';

const levels = ['errors', 'warnings', 'all'] as const;

/** Who is told what, each with a way to try it. */
export function Channels({ channels }: { channels: readonly Channel[] }) {
  const { t } = useTranslation();
  if (channels.length === 0) return <Empty title={t('alerts.noChannels')} text={t('alerts.noChannelsText')} />;
  return (
    <Stack gap="sm">
      {channels.map((channel) => (
        <One key={channel.name} channel={channel} />
      ))}
    </Stack>
  );
}

function One({ channel: { name, kind, level, sources } }: { channel: Channel }) {
  const { t } = useTranslation();
  const mayTest = useMay('alert');
  const test = useTest(name);
  const known = levels.find((each) => each === level);
  return (
    <Card withBorder padding="sm">
      <Stack gap="xs">
        <Group justify="space-between" gap="xs">
          <div>
            <Text fw={600}>{name}</Text>
            <Text size="sm" c="dimmed">
              {[kind, known ? t(`alerts.levels.${known}`) : level, sources?.join(', ') ?? t('alerts.allSources')].join(
                ' · ',
              )}
            </Text>
          </div>
          {mayTest ? (
            <Button
              variant="default"
              leftSection={<IconSend size={16} aria-hidden />}
              onClick={() => test.mutate()}
              loading={test.isPending}
            >
              {t('alerts.test')}
            </Button>
          ) : null}
        </Group>
        <Refusal error={test.error} />
        {test.data ? <TestOutcome result={test.data} /> : null}
      </Stack>
    </Card>
  );
}
