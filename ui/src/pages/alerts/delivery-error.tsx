import { Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Said } from '../../parts/said.tsx';
import { deliveriesEn } from '../../words/deliveries.ts';
import type { Trouble } from './overview.ts';

/** Why a message did not get through: what it means in the language of the reader, and what the server says of it, which speaks English. */
export function DeliveryError({ error }: { error: Trouble }) {
  const { t } = useTranslation();
  const { code, message } = error;
  const known = isKnown(code) ? code : null;
  const hint = known ? t(`alerts.deliveries.${known}.hint`) : error.hint;
  return (
    <Stack gap={0}>
      {known ? <Text size="sm">{t(`alerts.deliveries.${known}.text`)}</Text> : null}
      <Text size="sm" c={known ? 'dimmed' : ''} lang="en" style={{ overflowWrap: 'anywhere' }}>
        <Said text={`${message} (${code})`} />
      </Text>
      {hint === null ? null : (
        <Text size="xs" {...(known ? {} : { lang: 'en' })}>
          <Said text={hint} />
        </Text>
      )}
    </Stack>
  );
}

function isKnown(code: string): code is keyof typeof deliveriesEn {
  return Object.hasOwn(deliveriesEn, code);
}
