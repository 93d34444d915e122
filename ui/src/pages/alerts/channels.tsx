import { Alert, Button, Card, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconInfoCircle, IconSend } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { call } from '../../api/client.ts';
import { useMay } from '../../api/session.ts';
import { Refusal } from '../../parts/refusal.tsx';
import { Empty } from '../../parts/shown.tsx';
import { useFormat } from '../../parts/use-format.ts';
import type { Channel, TestResult } from './overview.ts';

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
  const test = useMutation({
    mutationFn: async () => {
      const results = (await call('POST', '/alerts/test', { body: { channel: name } })) as TestResult[];
      return results.find(({ channel }) => channel === name) ?? null;
    },
  });
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
        {test.data ? <Outcome result={test.data} /> : null}
      </Stack>
    </Card>
  );
}

const looks = {
  sent: { color: 'teal', icon: IconCircleCheck },
  failed: { color: 'red', icon: IconAlertTriangle },
  skipped: { color: 'cyan', icon: IconInfoCircle },
} as const;

function Outcome({ result: { state, durationMs, error } }: { result: TestResult }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { color, icon: Icon } = looks[state];
  return (
    <Alert role="status" variant="light" color={color} icon={<Icon aria-hidden />}>
      <Text size="sm">
        {error === null
          ? t(`alerts.outcomes.${state}`, { time: format.seconds(durationMs / 1000) })
          : `${error.message} (${error.code})`}
      </Text>
      {error?.hint ? <Text size="sm">{error.hint}</Text> : null}
    </Alert>
  );
}
