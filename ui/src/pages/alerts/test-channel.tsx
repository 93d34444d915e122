import { Alert, Text } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconInfoCircle } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { call } from '../../api/client.ts';
import { useFormat } from '../../parts/use-format.ts';
import { DeliveryError } from './delivery-error.tsx';
import type { TestResult } from './overview.ts';

/** Sends a test message through one channel. */
export function useTest(name: string) {
  return useMutation({
    mutationFn: async () => {
      const results = (await call('POST', '/alerts/test', { body: { channel: name } })) as TestResult[];
      return results.find(({ channel }) => channel === name) ?? null;
    },
  });
}

const looks = {
  sent: { color: 'teal', icon: IconCircleCheck },
  failed: { color: 'red', icon: IconAlertTriangle },
  skipped: { color: 'cyan', icon: IconInfoCircle },
} as const;

export function TestOutcome({ result: { state, durationMs, error } }: { result: TestResult }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { color, icon: Icon } = looks[state];
  return (
    <Alert role="status" variant="light" color={color} icon={<Icon aria-hidden />}>
      {error === null ? (
        <Text size="sm">{t(`alerts.outcomes.${state}`, { time: format.seconds(durationMs / 1000) })}</Text>
      ) : (
        <DeliveryError error={error} />
      )}
    </Alert>
  );
}
